"""The memory of a training, as estimated and as the kernel counts it."""

import math
import subprocess
import sys

import pytest

from mnist_core.training.memory_estimate import MODEST_BYTES, check_memory
from tests.support.command_line import ROOT

# VmHWM is the peak of this process alone; `ru_maxrss` starts with that of the parent process.
PROGRAM = """
import sys
import numpy as np
from mnist_core.training.state import pack
from mnist_core.config import LenetConfig, MlpConfig, TrainingConfig
from mnist_core.context import open_context
from mnist_core.data.dataset import Dataset, LabelledImages, split
from mnist_core.training.memory_estimate import training_bytes
from mnist_core.training.trainer import EVALUATION_BATCH, Trainer

def peak_bytes():
    (line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM:")]
    return 1024 * int(line.split()[1])

def train(model, batch_size):
    images = LabelledImages(np.zeros((2 * batch_size, 28, 28), np.uint8), np.zeros(2 * batch_size, np.uint8))
    config = TrainingConfig(epochs=1, batch_size=batch_size, momentum=0.9)
    half = split(Dataset(images, images, ""), batch_size, 0)
    trainer = Trainer(model, config, half, 0, context)
    next(trainer.epochs())
    pack(trainer.state())
    return training_bytes(trainer.network, trainer.layout, config, [batch_size, EVALUATION_BATCH])

small, large, batch_size = eval(sys.argv[1])
context = open_context("cpu")
train(small, 20)
before = peak_bytes()
estimated = train(large, batch_size)
print((peak_bytes() - before) / estimated)
"""


@pytest.mark.parametrize(
    "training",
    ["MlpConfig(), MlpConfig(hidden=(2000, 1000)), 20", "LenetConfig(), LenetConfig(), 1000"],
    ids=["large-network", "large-batches"],
)
def test_estimate_is_close_to_the_peak_of_a_training(training: str) -> None:
    command = [sys.executable, "-c", PROGRAM, training]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert 0.6 < float(done.stdout) < 1.3


def test_training_that_does_not_fit_is_rejected_with_both_figures() -> None:
    check_memory(10**9, lambda: 10**9)
    with pytest.raises(MemoryError, match=r"takes about 1\.5 GB, and 1\.0 GB are free"):
        check_memory(3 * 10**9 // 2, lambda: 10**9)


def test_free_memory_is_not_read_for_a_small_training() -> None:
    check_memory(MODEST_BYTES, lambda: -math.inf)
