"""Who proposes a study's trials and who stops them early. The only importer of Optuna."""

from cluster.search.search import Outcome, Search

__all__ = ["Outcome", "Search"]
