"""Who proposes the trials of a study and who stops them early. The only Optuna."""
