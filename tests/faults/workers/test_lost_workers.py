"""Workers that die, hang or raise on real Ray, a node that dies, and a trial that kills every worker it runs on."""

import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from socket import gethostname

import psutil
import pytest
from ray.cluster_utils import Cluster
from typing_extensions import override

from cluster.ray_backend.pool import RayPool
from cluster.ray_backend.session import ray_session
from cluster.run_dir.paths import RunDir
from cluster.spec.study_spec import WorkersSpec
from cluster.trial import TrialState
from cluster.workers.events import Measured, WorkerEvent
from cluster.workers.slots import slots_for
from jobs.bench.ready_together import ReadyTogether
from mnist_core.data.dataset import Dataset
from tests.faults.kit.faulty_worker import (
    FaultyWorker,
    Kind,
    PlannedFault,
    assert_resumed,
    run_faulty_study,
    trained_epochs,
)
from tests.faults.kit.matrix import fault
from tests.faults.kit.shuffled_pool import ShuffledPool
from tests.faults.kit.studies import SETTINGS, attempt_column, attempts_of, run_study, trials_of, undisturbed_hashes
from tests.support.processes import has_ended, wait_until
from tests.support.small_cluster import small_cluster

pytestmark = pytest.mark.slow

RESUMES = (
    "the trial waits a moment, then resumes from its last checkpoint, on another worker if possible; "
    "FAIL with the cause after `limits.attempts`"
)
SINCE_LAST_CHECKPOINT = "training since the last checkpoint"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    """Two raylets with a CPU each, of which the head also says that it has two GPUs."""
    with small_cluster(num_gpus=2) as cluster:
        cluster.add_node(num_cpus=1)
        with ray_session(cluster.address, None):
            yield cluster


# The fault of trial 0, 1, ..., after its second epoch.
PLANNED: tuple[Kind, ...] = ("SIGKILL", "SIGSEGV", "exit", "SIGSTOP", "RuntimeError", "ValueError", "MemoryError")


@dataclass(frozen=True)
class Disturbed:
    """A study in which each trial but the last had its own fault.

    Attributes:
        hashes: of the final weights of the same study without a fault.
    """

    run_dir: RunDir
    hashes: list[str | None]

    def assert_resumed(self, kind: Kind, outcome: str, *words: str) -> None:
        """Checks that the trial with this fault resumed; see `assert_resumed`."""
        number = PLANNED.index(kind)
        assert_resumed(self.run_dir, number, self.hashes[number], outcome, *words)


@pytest.fixture(scope="module")
def disturbed(nodes: Cluster, tmp_path_factory: pytest.TempPathFactory, small_dataset: Dataset) -> Disturbed:
    folder = tmp_path_factory.mktemp("disturbed")
    faults = [PlannedFault(kind, trial=number) for number, kind in enumerate(PLANNED)]
    overrides = [f"trials={len(PLANNED) + 1}", "limits.epoch_timeout_s=10"]
    run_dir = run_faulty_study(folder, small_dataset, faults, *overrides)
    return Disturbed(run_dir, undisturbed_hashes(folder / "undisturbed", small_dataset, *overrides))


@fault(
    "Workers and nodes",
    "a worker is killed (SIGKILL), crashes (SIGSEGV) or exits (`exit()`)",
    seen=RESUMES,
    cost=SINCE_LAST_CHECKPOINT,
)
@pytest.mark.parametrize("kind", ["SIGKILL", "SIGSEGV", "exit"])
def test_trial_resumes_after_its_worker_dies(kind: Kind, disturbed: Disturbed) -> None:
    where = f", host {gethostname()}) died: it crashed or was killed"
    disturbed.assert_resumed(kind, "crashed", "worker cpu-", "(process ", where)


@fault(
    "Workers and nodes",
    "a worker hangs (SIGSTOP)",
    seen="it is killed after `limits.epoch_timeout_s` without an epoch; the trial resumes as after a crash",
    cost=SINCE_LAST_CHECKPOINT,
)
def test_trial_resumes_after_its_worker_hangs(disturbed: Disturbed) -> None:
    disturbed.assert_resumed("SIGSTOP", "crashed", "no epoch ended within limits.epoch_timeout_s")


@fault(
    "Workers and nodes",
    "training raises",
    seen="the trial resumes as after a crash; its worker runs on; `mxtrials show RUN --trial N` has the traceback",
    cost=SINCE_LAST_CHECKPOINT,
)
def test_trial_resumes_after_training_raises(disturbed: Disturbed) -> None:
    disturbed.assert_resumed("RuntimeError", "failed", "RuntimeError: on demand")
    first, last = attempt_column("traceback", disturbed.run_dir, PLANNED.index("RuntimeError"))
    assert "faulty_worker.py" in first
    assert last == ""


class LastFirst(Random):
    """Chooses what became possible last, so that a ShuffledPool works like a stack."""

    @override
    def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
        return start - 1


def test_trial_resumes_on_another_worker_than_it_raised_on(tmp_path: Path, small_idx_folder: Path) -> None:
    source = shutil.copytree(small_idx_folder, tmp_path / "source")
    # The worker that it raises on becomes idle before the other one.
    make_worker = partial(FaultyWorker, folder=tmp_path, faults=[PlannedFault("RuntimeError")])
    run_dir = run_study(tmp_path / "run", ShuffledPool(source, 2, LastFirst(), make_worker=make_worker))
    assert attempt_column("outcome", run_dir) == ["failed", "complete"]
    assert attempt_column("worker", run_dir) == ["cpu-1", "cpu-0"]


@fault(
    "Workers and nodes",
    "training raises an error that a retry would hit again: a wrong shape or value",
    seen="FAIL with the cause, after one attempt",
    cost="nothing",
)
def test_trial_is_not_retried_after_a_permanent_error(disturbed: Disturbed) -> None:
    trials = trials_of(disturbed.run_dir)
    failed, last = trials[PLANNED.index("ValueError")], trials[-1]
    assert (failed.state, failed.error, failed.attempts) == (TrialState.FAIL, "ValueError: on demand", 1)
    assert "faulty_worker.py" in (failed.traceback or "")
    assert (last.state, last.attempts, last.weights_sha256) == (TrialState.COMPLETE, 1, disturbed.hashes[-1])


@fault(
    "Workers and nodes",
    "training runs out of memory (`MemoryError`)",
    seen="the trial waits until 15 % of the node's memory is free, two minutes at most, then resumes as after a crash",
    cost=SINCE_LAST_CHECKPOINT,
)
def test_trial_resumes_after_a_memory_error(disturbed: Disturbed) -> None:
    disturbed.assert_resumed("MemoryError", "failed", "MemoryError")


@fault(
    "Workers and nodes",
    "a trial kills every worker that it runs on",
    seen="after two workers it gets a worker to itself; if that dies too, FAIL with the cause. The others continue",
    cost="that trial",
)
def test_trial_that_kills_its_workers_is_quarantined_and_the_others_complete(
    nodes: Cluster, tmp_path: Path, small_dataset: Dataset
) -> None:
    overrides = ["trials=4", "limits.attempts=10"]
    run_dir = run_faulty_study(tmp_path, small_dataset, [PlannedFault("SIGKILL", times=3)], *overrides)
    quarantined, *others = trials_of(run_dir)
    assert (quarantined.state, quarantined.attempts) == (TrialState.FAIL, 3)
    assert "in quarantine on a fresh worker" in (quarantined.error or "")
    assert [outcome for outcome, _ in attempts_of(run_dir)] == ["crashed"] * 3
    assert trained_epochs(tmp_path) == [1, 2, 2, 2]
    hashes = undisturbed_hashes(tmp_path / "undisturbed", small_dataset, *overrides)
    assert [(trial.state, trial.weights_sha256) for trial in others] == [
        (TrialState.COMPLETE, each) for each in hashes[1:]
    ]


class NodeKiller(ReadyTogether):
    """Kills a node when the worker on it has trained two epochs of its trial."""

    def __init__(self, cluster: Cluster, dataset: Dataset, folder: Path) -> None:
        self.cluster = cluster
        self.node = cluster.add_node(num_cpus=1)
        super().__init__(3, dataset, SETTINGS, partial(FaultyWorker, folder=folder))
        raylet = self.node.all_processes["raylet"][0].process.pid
        processes = {ready.worker: psutil.Process(ready.pid) for ready in self.ready}
        ((self.victim, self.process),) = [
            (worker, process) for worker, process in processes.items() if process.ppid() == raylet
        ]

    @override
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        event = super().next_event(timeout_s)
        if isinstance(event, Measured) and event.worker == self.victim and event.measurement.epoch == 2:
            self.victim = ""
            self.cluster.remove_node(self.node, allow_graceful=False)
            wait_until(lambda: has_ended(self.process), "the worker dies with its node")
        return event


@fault(
    "Workers and nodes",
    "a node dies",
    seen="its trials resume on other nodes, as after a crash",
    cost=SINCE_LAST_CHECKPOINT,
)
def test_trial_resumes_after_its_node_dies(nodes: Cluster, tmp_path: Path, small_dataset: Dataset) -> None:
    overrides = ["trials=6", "training.epochs=20"]
    pool = NodeKiller(nodes, small_dataset, tmp_path)
    run_dir = run_study(tmp_path / "run", pool, *overrides)
    trials = trials_of(run_dir)
    (moved,) = [trial for trial in trials if trial.attempts == 2]
    (outcome, cause), _ = attempts_of(run_dir, moved.number)
    assert outcome == "lost"
    assert cause.startswith("worker cpu-")
    assert f"node {pool.node.node_ip_address}, host {socket.gethostname()}" in cause
    assert f"its node (id {pool.node.node_id}) died" in cause
    assert trained_epochs(tmp_path, moved.number) == list(range(1, 21))
    hashes = undisturbed_hashes(tmp_path / "undisturbed", small_dataset, *overrides)
    assert [trial.weights_sha256 for trial in trials] == hashes


@fault(
    "Workers and nodes",
    "every GPU of `workers.gpu: auto` is rejected",
    seen="a worker on its CPU replaces each, with the reason; the study completes",
    cost="nothing",
)
def test_study_on_a_cluster_whose_gpus_are_all_rejected_continues_on_its_cpus(
    nodes: Cluster, tmp_path: Path, small_dataset: Dataset
) -> None:
    overrides = ["trials=4"]
    slots = slots_for(WorkersSpec(), 2, 2, trials=4)
    assert [slot.device for slot in slots] == ["gpu", "gpu"]
    run_dir = run_study(tmp_path / "run", RayPool(slots, small_dataset, SETTINGS), *overrides)
    hashes = undisturbed_hashes(tmp_path / "undisturbed", small_dataset, *overrides)
    assert [trial.weights_sha256 for trial in trials_of(run_dir)] == hashes
    assert {attempt_column("worker", run_dir, number)[0] for number in range(4)} <= {"cpu-0", "cpu-1"}
