"""Shows the best trial of a network in TensorBoard: computes what its page needs, with MXNet."""

from cluster.tensorboard.best_page import TestedImages, TrainedNetwork
from cluster.trial import TrialSpec
from jobs.study.session import StudySession
from mnist_core.context import open_context
from mnist_core.data.dataset import FloatArray
from mnist_core.model.hidden_layer import last_hidden_layer
from mnist_core.model.layers import describe_layers
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import Layout, Vector, initial_weights

EMBEDDED_IMAGES = 1000


def write_best_page(session: StudySession, trial: TrialSpec, weights: Vector, digits: FloatArray) -> None:
    """Writes the page of a trial that is the best of its network.

    Args:
        session: the study.
        trial: the trial.
        weights: its final weights, (P,) float32, flat.
        digits: (n, 10) float32, the probabilities of the digits that it predicts for the test images.
    """
    test = session.dataset.test
    network = build_network(trial.model)
    layout = Layout.of(network.parameter_shapes())
    session.recorder.write_best(
        trial,
        session.store.measurements(trial.number),
        TrainedNetwork(
            network.symbol.tojson(),
            describe_layers(trial.model),
            layout.unpack(initial_weights(layout, trial.model.initializer, trial.seed)),
            layout.unpack(weights),
        ),
        TestedImages(
            test,
            digits,
            last_hidden_layer(trial.model, weights, test.images[:EMBEDDED_IMAGES], open_context("cpu")),
        ),
    )
