"""Which slots a spec asks for on clusters of several sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.spec.study_spec import WorkersSpec
from cluster.workers.slots import Slot, slots_for
from mnist_core.errors import ClusterUnavailable, DeviceUnavailable, EnvironmentProblem


@pytest.mark.parametrize(
    ("workers", "cpus", "gpus", "names"),
    [
        (WorkersSpec(), 3, 0, ["cpu-0", "cpu-1", "cpu-2"]),
        (WorkersSpec(), 4, 2, ["gpu-0", "gpu-1", "cpu-0", "cpu-1"]),
        (WorkersSpec(gpu_fraction=0.5), 4, 1, ["gpu-0", "gpu-1", "cpu-0", "cpu-1"]),
        (WorkersSpec(), 1, 2, ["gpu-0", "gpu-1"]),
        (WorkersSpec(), 0, 1, ["gpu-0"]),
        (WorkersSpec(cpu=2, gpu=0), 8, 4, ["cpu-0", "cpu-1"]),
        (WorkersSpec(cpu=0, gpu=1), 8, 4, ["gpu-0"]),
    ],
)
def test_slots_are_those_that_the_spec_asks_for(workers: WorkersSpec, cpus: int, gpus: int, names: list[str]) -> None:
    slots = slots_for(workers, cpus, gpus, trials=100)
    assert [slot.name for slot in slots] == names
    assert all(slot.optional == (slot.device == "gpu" and workers.gpu == "auto") for slot in slots)
    assert all(slot.gpu_share == (workers.gpu_fraction if slot.device == "gpu" else 0.0) for slot in slots)


# How many workers share one GPU.
SHARING = {1.0: 1, 0.7: 1, 0.5: 2, 0.4: 2, 0.34: 2, 0.3333: 3, 0.3: 3, 0.25: 4, 0.15: 6, 0.1: 10, 0.0001: 10_000}


@pytest.mark.parametrize("gpus", [1, 3])
@pytest.mark.parametrize("fraction", SHARING)
def test_workers_that_share_a_gpu_never_take_more_than_all_of_it(fraction: float, gpus: int) -> None:
    for workers in (WorkersSpec(cpu=0, gpu_fraction=fraction), WorkersSpec(cpu=0, gpu=gpus, gpu_fraction=fraction)):
        slots = slots_for(workers, 1, gpus, trials=100_000)
        assert len(slots) == gpus * SHARING[fraction]
        assert {(slot.device, slot.gpu_share) for slot in slots} == {("gpu", fraction)}


@pytest.mark.parametrize(
    ("workers", "cpus", "gpus", "trials", "names", "replacements"),
    [
        (WorkersSpec(), 2, 2, 100, ["gpu-0", "gpu-1"], ["cpu-0", "cpu-1"]),
        (WorkersSpec(), 1, 2, 100, ["gpu-0", "gpu-1"], ["cpu-0", None]),
        (WorkersSpec(), 3, 1, 100, ["gpu-0", "cpu-0", "cpu-1"], ["cpu-2"]),
        (WorkersSpec(), 8, 2, 3, ["gpu-0", "gpu-1", "cpu-0"], ["cpu-1", "cpu-2"]),
        (WorkersSpec(cpu=2), 8, 2, 100, ["gpu-0", "gpu-1", "cpu-0", "cpu-1"], [None, None]),
        (WorkersSpec(gpu=2), 8, 2, 2, ["gpu-0", "gpu-1"], [None, None]),
    ],
)
def test_cpu_of_an_optional_gpu_worker_is_kept_for_a_replacement(
    workers: WorkersSpec, cpus: int, gpus: int, trials: int, names: list[str], replacements: list[str | None]
) -> None:
    slots = slots_for(workers, cpus, gpus, trials)
    assert [slot.name for slot in slots] == names
    on_gpus = [slot for slot in slots if slot.device == "gpu"]
    assert [slot.replacement and slot.replacement.name for slot in on_gpus] == replacements


def test_gpus_that_the_cluster_does_not_offer_are_rejected() -> None:
    with pytest.raises(DeviceUnavailable, match=r"workers.gpu is 2, but the cluster offers 1 GPUs: "):
        slots_for(WorkersSpec(gpu=2), 8, 1, trials=100)


def test_there_are_never_more_slots_than_trials() -> None:
    slots = slots_for(WorkersSpec(cpu=100_000, gpu=1), 8, 1, trials=3)
    assert [slot.name for slot in slots] == ["gpu-0", "cpu-0", "cpu-1"]


def test_cpu_workers_asked_for_by_number_come_before_optional_gpus() -> None:
    slots = slots_for(WorkersSpec(cpu=2), 8, 4, trials=3)
    assert [slot.name for slot in slots] == ["gpu-0", "cpu-0", "cpu-1"]


@pytest.mark.parametrize(
    ("workers", "gpus", "remedy"),
    [
        (WorkersSpec(), 0, "add a node with a CPU"),
        (WorkersSpec(cpu=2), 0, "add a node with a CPU"),
        (WorkersSpec(cpu=2), 1, "add a node with a CPU"),
        (WorkersSpec(cpu=0), 0, "raise workers.cpu"),
    ],
)
def test_cluster_on_which_workers_would_wait_forever_is_rejected(workers: WorkersSpec, gpus: int, remedy: str) -> None:
    with pytest.raises(ClusterUnavailable, match=f"the cluster offers 0 CPUs and {gpus} GPUs: {remedy}"):
        slots_for(workers, 0, gpus, trials=100)


NUMBERS = st.sampled_from(["auto", *range(6)])
SPECS = st.builds(
    lambda cpu, gpu, fraction: WorkersSpec.model_validate(
        {"cpu": "auto" if cpu == gpu == 0 else cpu, "gpu": gpu, "gpu_fraction": fraction}
    ),
    NUMBERS,
    NUMBERS,
    st.sampled_from(list(SHARING)),
)


@given(SPECS, st.integers(0, 6), st.integers(0, 4), st.integers(1, 12))
def test_slots_keep_their_promises_on_any_cluster(workers: WorkersSpec, cpus: int, gpus: int, trials: int) -> None:
    try:
        slots = slots_for(workers, cpus, gpus, trials)
    except EnvironmentProblem:
        assert cpus == 0 or workers.cpu == 0 or (workers.gpu != "auto" and workers.gpu > gpus)
        return
    without_gpus = [survivor for slot in slots if (survivor := slot.replacement if slot.optional else slot)]
    for present in (slots, without_gpus):
        assert len(present) <= trials
        assert len({slot.name for slot in present}) == len(present)
        if workers.cpu != "auto":
            assert count(present, "cpu") >= min(workers.cpu, trials - required_gpu_workers(workers, trials))
        if workers.gpu != "auto":
            assert count(present, "gpu") == required_gpu_workers(workers, trials)
    assert slots
    if workers.cpu == "auto":  # no CPU is idle while there are trials for it, whichever GPUs work
        assert len(slots) >= min(cpus, trials)
        assert len(without_gpus) >= min(cpus, trials)
        assert count(without_gpus, "cpu") <= cpus


def count(slots: list[Slot], device: str) -> int:
    return sum(slot.device == device for slot in slots)


def required_gpu_workers(workers: WorkersSpec, trials: int) -> int:
    """How many GPU workers the spec asks for by number."""
    return 0 if workers.gpu == "auto" else min(trials, workers.gpu * SHARING[workers.gpu_fraction])
