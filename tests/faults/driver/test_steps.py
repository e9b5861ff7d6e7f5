"""SIGKILL between any two steps of a study on the disk: store, states, TensorBoard, tables, best model."""

import shutil
import signal
from functools import partial
from itertools import count
from pathlib import Path

from tests.faults.kit.disk_steps import die_before_step
from tests.faults.kit.forked_process import ForkedStudy
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import read_outcome

PARALLEL = 4
MIN_STEPS = 50
STEPS_OF_A_START = 40


@fault(
    "The driver",
    "SIGKILL between any two disk operations (every one is tried)",
    seen="`mxtrials resume` continues; if there is no run directory yet, `mxtrials run` starts over",
    cost="the running epoch; the study ends with the same files and the same weights, bit for bit "
    "(a hidden folder of a few kilobytes may remain beside it)",
)
def test_study_killed_before_any_disk_operation_ends_like_an_undisturbed_one(
    small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    options = [*small, "--set", "training.epochs=2", "--set", "limits.checkpoint_every_s=0", "--quiet"]
    undisturbed = ForkedStudy(tmp_path / "undisturbed", options, environment)
    assert undisturbed.start_driver().wait() == 0
    expected = read_outcome(undisturbed.run_dir)
    exit_codes: list[int] = []
    for first in count(1, PARALLEL):
        steps = range(first, first + PARALLEL)
        studies = {step: ForkedStudy(tmp_path / str(step), options, environment) for step in steps}
        drivers = [
            study.start_driver(run_first=partial(die_before_step, step, study.folder))
            for step, study in studies.items()
        ]
        exit_codes += [driver.wait() for driver in drivers]
        assert set(exit_codes) <= {0, -signal.SIGKILL}
        assert {driver.wait() for driver in [study.start_driver() for study in studies.values()]} == {0}
        for step, study in studies.items():
            assert read_outcome(study.run_dir) == expected, f"killed before step {step}"
            shutil.rmtree(study.folder)
        if 0 in exit_codes:  # a study had fewer steps, so all have been tried
            break
    assert exit_codes.count(-signal.SIGKILL) > MIN_STEPS


@fault(
    "The driver",
    "SIGKILL between any two disk operations of a start in an existing, empty folder (`--out`)",
    seen="`mxtrials run` starts over or, once the folder has a `study.db`, `mxtrials resume` continues",
    cost="the running epoch; nothing is left of the start that was killed",
)
def test_study_killed_while_it_fills_an_empty_folder_ends_like_an_undisturbed_one(
    small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    options = [*small, "--set", "training.epochs=1", "--set", "trials=1", "--quiet"]
    undisturbed = ForkedStudy(tmp_path / "undisturbed", options, environment)
    assert undisturbed.start_driver().wait() == 0
    expected = read_outcome(undisturbed.run_dir)
    were_started: set[bool] = set()
    for first in range(1, STEPS_OF_A_START, PARALLEL):
        steps = range(first, first + PARALLEL)
        studies = {step: ForkedStudy(tmp_path / str(step), options, environment) for step in steps}
        for study in studies.values():
            study.run_dir.mkdir()
            (study.run_dir / "lost+found").mkdir()  # as on a mounted volume
        drivers = [
            study.start_driver(run_first=partial(die_before_step, step, study.folder))
            for step, study in studies.items()
        ]
        assert {driver.wait() for driver in drivers} == {-signal.SIGKILL}
        were_started |= {(study.run_dir / "study.db").exists() for study in studies.values()}
        assert {driver.wait() for driver in [study.start_driver() for study in studies.values()]} == {0}
        for step, study in studies.items():
            (study.run_dir / "lost+found").rmdir()
            assert read_outcome(study.run_dir) == expected, f"killed before step {step}"
    assert were_started == {False, True}
