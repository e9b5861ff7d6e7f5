"""Which slots a spec asks for on clusters of several sizes."""

import pytest

from cluster.spec.study_spec import WorkersSpec
from cluster.workers.slots import slots_for
from mnist_core.errors import DeviceUnavailable


@pytest.mark.parametrize(
    ("workers", "cpus", "gpus", "names"),
    [
        (WorkersSpec(), 3, 0, ["cpu-0", "cpu-1", "cpu-2"]),
        (WorkersSpec(), 4, 2, ["gpu-0", "gpu-1", "cpu-0", "cpu-1"]),
        (WorkersSpec(gpu_fraction=0.5), 4, 1, ["gpu-0", "gpu-1", "cpu-0", "cpu-1"]),
        (WorkersSpec(), 1, 2, ["gpu-0", "gpu-1"]),
        (WorkersSpec(), 0, 0, ["cpu-0"]),
        (WorkersSpec(cpu=2, gpu=0), 8, 4, ["cpu-0", "cpu-1"]),
        (WorkersSpec(cpu=0, gpu=1), 8, 4, ["gpu-0"]),
    ],
)
def test_slots_are_those_that_the_spec_asks_for(workers: WorkersSpec, cpus: int, gpus: int, names: list[str]) -> None:
    slots = slots_for(workers, cpus, gpus, trials=100)
    assert [slot.name for slot in slots] == names
    assert all(slot.optional == (slot.device == "gpu" and workers.gpu == "auto") for slot in slots)
    assert all(slot.gpu_share == (workers.gpu_fraction if slot.device == "gpu" else 0.0) for slot in slots)


def test_gpus_that_the_cluster_does_not_offer_are_rejected() -> None:
    with pytest.raises(DeviceUnavailable, match=r"workers.gpu is 2, but the cluster offers 1 GPUs: "):
        slots_for(WorkersSpec(gpu=2), 8, 1, trials=100)


def test_there_are_never_more_slots_than_trials() -> None:
    slots = slots_for(WorkersSpec(cpu=100_000, gpu=1), 8, 1, trials=3)
    assert [slot.name for slot in slots] == ["gpu-0", "cpu-0", "cpu-1"]
