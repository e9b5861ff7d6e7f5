"""What people should know of each shipped spec before they run it. Imports nothing: `--help` shows it."""

from typing import NamedTuple


class SpecNote(NamedTuple):
    """What to expect of a shipped spec.

    Attributes:
        purpose: what it is for, in a few words.
        time: how long it takes on two cores, roughly.
        accuracy: the test accuracy of its best model, roughly.
    """

    purpose: str
    time: str
    accuracy: str


NOTES = {
    "quickstart": SpecNote("all three networks: a first look", "2 min", "0.99"),
    "smoke": SpecNote("checks an installation", "10 s", "0.9"),
    "mlp-asha": SpecNote("search of the multilayer perceptron", "1 min", "0.98"),
    "lenet-asha": SpecNote("search of the LeNet", "10 min", "0.99"),
    "multitask-tpe": SpecNote("search of digit and parity", "2 min", "0.98"),
    "tutorial-mlp": SpecNote("MXNet's MNIST tutorial, MLP", "20 s", "0.97"),
    "tutorial-lenet": SpecNote("MXNet's MNIST tutorial, LeNet", "3 min", "0.99"),
    "tutorial-multitask": SpecNote("MXNet's multi-task tutorial", "15 s", "0.97"),
}
"""By name, in the order in which people use them."""
