"""Studies whose driver is killed repeatedly, on one and on several workers."""

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest

from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.trial import TrialRecord, TrialState
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
    "limits.checkpoint_every_s=0",
)
# Of six learning rates two diverge in the first epoch: their steps multiply each weight by -99.
DIVERGING = (
    "search.space={training.learning_rate: {choices: [0.02, 100.0, 0.1, 0.2, 99.0, 0.05]}}",
    "search.sampler={kind: random}",
    "training.weight_decay=1",
    "training.batch_size=10",
    "trials=16",
    "training.epochs=8",
    "limits.checkpoint_every_s=1000",
)
DEATHS, LATEST_EVENT = 4, 8


@fault(
    "The driver",
    "repeated SIGKILL with several workers (samplers `random`, `grid`, `qmc`)",
    seen="`mxtrials resume` continues",
    cost="the running epochs; the study ends with exactly the trials and weights that it would have had",
)
@pytest.mark.parametrize("sampler", ["random", "grid", "qmc"])
def test_repeatedly_killed_study_has_the_trials_of_an_undisturbed_one(
    sampler: str, rng: Random, small_idx_folder: Path, tmp_path: Path
) -> None:
    overrides = [*SPEC, f"search.sampler={{kind: {sampler}}}"]
    assert_kills_change_nothing(
        partial(run_or_resume, source=small_idx_folder, overrides=overrides, workers=3), tmp_path, rng
    )


@fault(
    "The driver",
    "repeated SIGKILL with one worker, the sampler `tpe` and a pruner",
    seen="`mxtrials resume` continues",
    cost="the running epoch; the same trials are proposed, and pruned after the same epochs",
)
@pytest.mark.parametrize("pruner", ["none", "asha", "median"])
def test_repeatedly_killed_tpe_study_on_one_worker_proposes_and_prunes_the_same(
    pruner: str, rng: Random, small_idx_folder: Path, tmp_path: Path
) -> None:
    overrides = [*SPEC, "search.sampler={kind: tpe, n_startup_trials: 3}", f"search.pruner={{kind: {pruner}}}"]
    assert_kills_change_nothing(
        partial(run_or_resume, source=small_idx_folder, overrides=overrides, workers=1), tmp_path, rng
    )


@fault(
    "The driver",
    "repeated SIGKILL with several workers and a pruner, diverged trials, and checkpoints older than the last epoch",
    seen="`mxtrials resume` continues",
    cost="the epochs since the last checkpoint; no trial is stopped after an epoch that it had survived, "
    "and diverged trials do not count for the others",
)
@pytest.mark.parametrize(
    "pruner",
    [
        "kind: asha, reduction_factor: 2",
        "kind: hyperband, reduction_factor: 2",
        "kind: median, n_startup_trials: 1",
        "kind: percentile, n_startup_trials: 1",
        "kind: patient, patience: 1, wrapped: {kind: asha, reduction_factor: 2}",
    ],
    ids=lambda pruner: pruner.split(",")[0],
)
def test_killed_study_with_a_pruner_stops_no_trial_after_an_epoch_that_it_had_survived(
    pruner: str, small_idx_folder: Path, tmp_path: Path
) -> None:
    overrides = [*DIVERGING, f"search.pruner={{{pruner}}}"]
    for seed in (0, 3):
        run_dir = RunDir(tmp_path / str(seed))
        rng = Random(seed)
        study = partial(ForkedProcess, run_or_resume, run_dir.path, small_idx_folder, overrides, workers=4)
        survived: dict[int, int] = {}
        for _ in range(DEATHS):
            # Each driver repeats the epochs before it reaches new ones.
            study(rng=Random(rng.random()), dies_at=rng.randint(25, 35)).wait()
            unfinished = [trial for trial in trials_of(run_dir) if not trial.state.is_finished()]
            survived.update({trial.number: trial.epochs or 0 for trial in unfinished})
        assert study(rng=Random(rng.random())).wait() == 0
        ended = trials_of(run_dir)
        assert {TrialState.PRUNED, TrialState.FAIL} <= {trial.state for trial in ended}
        for trial in ended:
            if trial.state is TrialState.PRUNED:
                assert trial.epochs > survived.get(trial.number, 0), (seed, trial.number)


def assert_kills_change_nothing(study: Callable[..., None], folder: Path, rng: Random) -> None:
    """Checks that a study that is killed at random events ends like an undisturbed one.

    Args:
        study: starts or resumes it in a run directory; see `run_or_resume`.
        folder: gets both run directories.
        rng: decides when it is killed, and which worker reports next.
    """
    undisturbed_rng = Random(rng.random())
    undisturbed = RunDir(folder / "undisturbed")
    killed = RunDir(folder / "killed")
    assert ForkedProcess(study, undisturbed.path, rng=undisturbed_rng).wait() == 0
    exit_codes = []
    for dies_at in [rng.randint(1, LATEST_EVENT) for _ in range(DEATHS)]:
        exit_codes.append(ForkedProcess(study, killed.path, rng=Random(rng.random()), dies_at=dies_at).wait())
        running = [trial for trial in trials_of(killed) if trial.state is TrialState.RUNNING]
        assert _saved_epochs(killed, running) == [trial.epochs for trial in running]
    # A pruner may leave so few epochs that the study ends before it is killed as often as that.
    kills = exit_codes.count(-signal.SIGKILL)
    assert exit_codes == [-signal.SIGKILL] * kills + [0] * (DEATHS - kills)
    assert kills > 0
    assert ForkedProcess(study, killed.path, rng=Random(rng.random())).wait() == 0

    ended, expected = ([without_varying(trial) for trial in trials_of(run_dir)] for run_dir in (killed, undisturbed))
    assert ended == expected
    for trial in trials_of(killed):
        *earlier, last = [outcome for outcome, _ in attempts_of(killed, trial.number)]
        assert (set(earlier) <= {"interrupted"}, last) == (True, trial.state.value.lower())


def _saved_epochs(run_dir: RunDir, running: list[TrialRecord]) -> list[int]:
    """The epochs after which these trials will resume."""
    checkpoints = Checkpoints(run_dir)
    states = [checkpoints.load_newest(trial.number, at_most=trial.epochs) for trial in running]
    return [unpack(state).epoch if state else 0 for state in states]
