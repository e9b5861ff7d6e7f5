"""Workers that die, hang or raise on real Ray, nodes that go, and a trial that ends each worker that it is given."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from ray.cluster_utils import Cluster

from cluster.events import Measured, Ready, WorkerEvent
from cluster.ray_pool import RayPool
from cluster.ray_session import ray_session
from cluster.slots import Slot
from cluster.trial import TrialState
from mnist_core.dataset import Dataset
from tests.faults.faulty_worker import Faults, Kind
from tests.faults.matrix import fault
from tests.faults.studies import SETTINGS, attempts_of, run_study, trials_of, undisturbed_hashes

pytestmark = pytest.mark.slow

GOES_ON = (
    "the trial waits a moment, then goes on from its last state, if it can on another worker; "
    "FAIL with the cause after `limits.attempts`"
)
SINCE_LAST_STATE = "training since the last state"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    """Two raylets with a CPU each."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        with ray_session(cluster.address, None):
            yield cluster
    finally:
        cluster.shutdown()


@pytest.fixture
def faults(nodes: Cluster, tmp_path: Path, small_dataset: Dataset) -> Faults:
    return Faults(tmp_path, small_dataset)


@fault(
    "Workers and nodes",
    "a worker is killed (SIGKILL), crashes (SIGSEGV) or leaves (`exit()`)",
    seen=GOES_ON,
    lost=SINCE_LAST_STATE,
)
@pytest.mark.parametrize("kind", ["SIGKILL", "SIGSEGV", "exit"])
def test_trial_of_a_worker_that_dies_goes_on(kind: Kind, faults: Faults) -> None:
    faults.assert_goes_on(faults.run(kind), "crashed", "worker process", "died: it crashed or was killed")


@fault(
    "Workers and nodes",
    "a worker hangs (SIGSTOP)",
    seen="it is killed after `limits.epoch_timeout_s` without an epoch, and the trial goes on as after a crash",
    lost=SINCE_LAST_STATE,
)
def test_trial_of_a_worker_that_hangs_goes_on(faults: Faults) -> None:
    run_dir = faults.run("SIGSTOP", "limits.epoch_timeout_s=6")
    faults.assert_goes_on(run_dir, "crashed", "no epoch ended within limits.epoch_timeout_s")


@fault(
    "Workers and nodes",
    "training raises",
    seen="the trial goes on as after a crash, and the worker lives on; the traceback is kept in the store",
    lost=SINCE_LAST_STATE,
)
def test_trial_that_raises_goes_on(faults: Faults) -> None:
    faults.assert_goes_on(faults.run("RuntimeError"), "failed", "RuntimeError: on demand")


@fault(
    "Workers and nodes",
    "training raises what it would raise again: a wrong shape or value",
    seen="FAIL with the cause, and no other attempt",
    lost="nothing",
)
def test_trial_that_cannot_succeed_is_tried_once(faults: Faults) -> None:
    run_dir = faults.run("ValueError", "trials=2")
    first, second = trials_of(run_dir)
    assert (first.state, first.error, first.attempts) == (TrialState.FAIL, "ValueError: on demand", 1)
    assert "faulty_worker.py" in (first.traceback or "")
    assert second.state is TrialState.COMPLETE


@fault(
    "Workers and nodes",
    "a trial ends each worker that it is given",
    seen="after two workers it trains on one of its own; when that dies, too, FAIL with the cause. The others go on",
    lost="that trial",
)
def test_poisonous_trial_is_quarantined_and_the_others_complete(faults: Faults) -> None:
    run_dir = faults.run("SIGKILL", "trials=4", "limits.attempts=10", times=3)
    poisonous, *others = trials_of(run_dir)
    assert (poisonous.state, poisonous.attempts) == (TrialState.FAIL, 3)
    assert "in quarantine on a worker of its own" in (poisonous.error or "")
    assert [outcome for outcome, _ in attempts_of(run_dir)] == ["crashed"] * 3
    assert [trial.state for trial in others] == [TrialState.COMPLETE] * 3
    hashes = undisturbed_hashes(faults.folder / "undisturbed", faults.dataset, "trials=4")
    assert [trial.weights_sha256 for trial in others] == hashes[1:]


class NodeKiller(RayPool):
    """Ends a node when the worker on it has trained two epochs of its trial."""

    def __init__(self, cluster: Cluster, dataset: Dataset) -> None:
        self.cluster, self.node = cluster, cluster.add_node(num_cpus=1)
        self.raylet = self.node.all_processes["raylet"][0].process.pid
        self.victim: str | None = None
        super().__init__([Slot(f"cpu-{index}", "cpu") for index in range(3)], dataset, SETTINGS)

    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        """See WorkerPool."""
        event = super().next_event(timeout_s)
        if isinstance(event, Ready) and psutil.Process(event.pid).ppid() == self.raylet:
            self.victim = event.worker
        if isinstance(event, Measured) and event.worker == self.victim and event.measurement.epoch == 2:
            self.cluster.remove_node(self.node, allow_graceful=False)
        return event


@fault(
    "Workers and nodes",
    "a node dies",
    seen="its trials go on on other nodes, as after a crash",
    lost=SINCE_LAST_STATE,
)
def test_trial_of_a_node_that_dies_goes_on(nodes: Cluster, tmp_path: Path, small_dataset: Dataset) -> None:
    overrides = ["trials=6", "training.epochs=20"]
    pool = NodeKiller(nodes, small_dataset)
    address = pool.node.node_ip_address
    run_dir = run_study(tmp_path / "run", pool, *overrides)
    trials = trials_of(run_dir)
    (moved,) = [trial for trial in trials if trial.attempts == 2]
    (outcome, cause), _ = attempts_of(run_dir, moved.number)
    assert (outcome, cause.split(" (")[0]) == ("lost", f"node {address}")
    hashes = undisturbed_hashes(tmp_path / "undisturbed", small_dataset, *overrides)
    assert [trial.weights_sha256 for trial in trials] == hashes
