"""`mxtrials network`: the network of a kind by its defaults, or that of a trial."""

from dataclasses import asdict, dataclass
from pathlib import Path

from cluster.results.summary import read_summary
from cluster.results.trial_details import choose_trial
from cluster.run_dir.paths import RunDir
from mnist_core.config import MODELS, ModelConfig
from mnist_core.errors import RunDirError
from mnist_core.model.layers import Layer, describe_layers


@dataclass(frozen=True)
class DescribedNetwork:
    """A network as layers.

    Attributes:
        title: what it is the network of, in a few words.
        config: its hyperparameters.
    """

    title: str
    config: ModelConfig
    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> int:
        """The number of its weights and biases."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def flops(self) -> int:
        """Floating-point operations to predict one image; to train on one takes about three times as many."""
        return sum(layer.flops for layer in self.layers)

    def as_json(self) -> dict[str, object]:
        """Returns the document that `network --json` prints."""
        return {
            "title": self.title,
            "model": self.config.model_dump(mode="json"),
            "layers": [asdict(layer) for layer in self.layers],
            "parameters": self.parameters,
            "flops": self.flops,
        }


def describe_network(kind_or_run: str, number: int | None) -> DescribedNetwork:
    """Describes the default network of a kind, or the network of a trial.

    Args:
        kind_or_run: a kind of network, such as `lenet`, or a run directory; the kind takes precedence.
        number: of the trial in the run directory; None for the best trial.

    Raises:
        RunDirError: there is no such kind or run directory, no such trial, or a kind has no trials.
    """
    if kind_or_run in MODELS:
        if number is not None:
            raise RunDirError(f"--trial {number} needs a run directory, and {kind_or_run} is a kind of network")
        config: ModelConfig = MODELS[kind_or_run]()
        return DescribedNetwork(f"{kind_or_run} with its defaults", config, describe_layers(config))
    path = Path(kind_or_run)
    if not path.exists():
        raise RunDirError(f"there is no network or run directory {kind_or_run!r}: the networks are {', '.join(MODELS)}")
    run_dir = RunDir.open(path)
    summary = read_summary(run_dir)
    trial = choose_trial(summary, number, run_dir)
    config = trial.resolve(summary.spec).model
    return DescribedNetwork(f"{config.kind} of trial {trial.number}", config, describe_layers(config))
