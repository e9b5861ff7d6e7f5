"""MXNet imported by a program before us, with its threaded engine: predictions wait for their results."""

import os
import subprocess
import sys

from tests.support.command_line import ROOT

PROGRAM = """
import numpy
numpy.bool = numpy.bool_
import mxnet
from mnist_core.config import LenetConfig
from mnist_core.context import open_context
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import initial_weights, Layout
from mnist_core.model.prediction import Predictor

images = numpy.random.default_rng(0).integers(0, 256, (300, 28, 28), numpy.uint8)
model = LenetConfig(initializer="xavier")
weights = initial_weights(Layout.of(build_network(model).parameter_shapes()), model.initializer, 0)
seen = Predictor(model, weights, open_context("cpu")).predict(images)
assert all(0.0999 < each.probability <= 1 for each in seen), seen
"""


def test_predictions_wait_for_the_threaded_engine() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
