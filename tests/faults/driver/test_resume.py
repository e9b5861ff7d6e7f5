"""Studies whose driver is killed again and again have the trials that they would have had."""

import secrets
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest

from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.trial import TrialState
from mnist_core.training.state import unpack
from tests.faults.kit.forked_process import ForkedProcess
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import without_varying
from tests.faults.kit.shuffled_pool import run_or_resume
from tests.faults.kit.studies import attempts_of, trials_of

SPEC = (
    "search.space={training.learning_rate: {low: 0.02, high: 0.3, step: 0.02}}",
    "trials=6",
    "training.epochs=6",
)
DEATHS, LATEST_EVENT = 4, 8
RUNNING = TrialState.RUNNING


@fault(
    "The driver",
    "SIGKILL, again and again, with several workers (samplers `random`, `grid`, `qmc`)",
    seen="`mxtrials resume` goes on",
    lost="the epochs under way: the study has exactly the trials that it would have had, and their weights",
)
@pytest.mark.parametrize("sampler", ["random", "grid", "qmc"])
def test_study_killed_again_and_again_has_the_trials_of_one_that_was_not(
    sampler: str, small_idx_folder: Path, tmp_path: Path
) -> None:
    overrides = [*SPEC, f"search.sampler={{kind: {sampler}}}"]
    assert_ends_alike(partial(run_or_resume, source=small_idx_folder, overrides=overrides, workers=3), tmp_path)


@fault(
    "The driver",
    "SIGKILL, again and again, with one worker, the sampler `tpe` and a pruner",
    seen="`mxtrials resume` goes on",
    lost="the epoch under way: the same trials are proposed, and pruned after the same epochs",
)
@pytest.mark.parametrize("pruner", ["none", "asha", "median"])
def test_study_that_learns_from_its_trials_on_one_worker_is_the_same_if_it_is_killed(
    pruner: str, small_idx_folder: Path, tmp_path: Path
) -> None:
    overrides = [*SPEC, "search.sampler={kind: tpe, n_startup_trials: 3}", f"search.pruner={{kind: {pruner}}}"]
    assert_ends_alike(partial(run_or_resume, source=small_idx_folder, overrides=overrides, workers=1), tmp_path)


def assert_ends_alike(study: Callable[..., None], folder: Path) -> None:
    """The study that is killed as chance has it ends as the undisturbed one."""
    seed = secrets.randbits(32)
    undisturbed, killed, chance = RunDir(folder / "undisturbed"), RunDir(folder / "killed"), Random(seed)
    assert ForkedProcess(study, undisturbed.path, rng=Random(seed)).wait() == 0
    for dies_at in [chance.randint(1, LATEST_EVENT) for _ in range(DEATHS)]:
        exit_code = ForkedProcess(study, killed.path, rng=Random(chance.random()), dies_at=dies_at).wait()
        assert exit_code == -signal.SIGKILL, f"seed {seed}"
        assert _states_at_hand(killed) == [trial.epochs for trial in trials_of(killed) if trial.state is RUNNING], seed
    assert ForkedProcess(study, killed.path, rng=Random(chance.random())).wait() == 0

    assert [without_varying(trial) for trial in trials_of(killed)] == [
        without_varying(trial) for trial in trials_of(undisturbed)
    ], seed
    for trial in trials_of(killed):
        *earlier, last = [outcome for outcome, _ in attempts_of(killed, trial.number)]
        assert (set(earlier) <= {"interrupted"}, last) == (True, trial.state.value.lower()), seed


def _states_at_hand(run_dir: RunDir) -> list[int]:
    """The epochs from which the trials that were running go on."""
    checkpoints, running = Checkpoints(run_dir), [trial for trial in trials_of(run_dir) if trial.state is RUNNING]
    states = [checkpoints.newest(trial.number, at_most=trial.epochs) for trial in running]
    return [unpack(state).epoch if state else 0 for state in states]
