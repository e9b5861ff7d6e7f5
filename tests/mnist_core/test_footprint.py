"""What a training takes, estimated and as the kernel counts it."""

import math

import pytest

from mnist_core.footprint import MODEST_BYTES, refuse_too_large

TRAINS_A_LARGE_NETWORK = """
import math, resource
import numpy as np
from mnist_core.checkpoint import pack
from mnist_core.config import MlpConfig, TrainingConfig
from mnist_core.context import open_context
from mnist_core.dataset import Dataset, LabelledImages, split
from mnist_core.footprint import training_bytes
from mnist_core.training import EVALUATION_BATCH, Training

def peak_bytes():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

images = LabelledImages(np.zeros((40, 28, 28), np.uint8), np.zeros(40, np.uint8))
config = TrainingConfig(epochs=1, batch_size=20, momentum=0.9)
context = open_context("cpu")
warm = Training(MlpConfig(), config, split(Dataset(images, images, ""), 20, 0), 0, context)
next(warm.epochs())
before = peak_bytes()
training = Training(MlpConfig(hidden=(4000, 1000)), config, split(Dataset(images, images, ""), 20, 0), 0, context)
next(training.epochs())
pack(training.state())
estimated = training_bytes(training.network, training.layout, config, [20, EVALUATION_BATCH])
print((peak_bytes() - before) / estimated)
"""


def test_what_does_not_fit_is_refused_with_both_figures() -> None:
    refuse_too_large(10**9, lambda: 10**9)
    with pytest.raises(MemoryError, match=r"takes about 1\.5 GB, and 1\.0 GB are free"):
        refuse_too_large(3 * 10**9 // 2, lambda: 10**9)


def test_memory_is_not_asked_for_what_every_machine_has() -> None:
    refuse_too_large(MODEST_BYTES, lambda: -math.inf)
