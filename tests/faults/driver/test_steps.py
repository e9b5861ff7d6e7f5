"""SIGKILL between any two steps of the whole program on its disk: store, states, TensorBoard, tables, best model."""

import shutil
import signal
from functools import partial
from itertools import count
from pathlib import Path

from tests.faults.kit.disk_steps import die_before_step
from tests.faults.kit.forked_process import ForkedCommand
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import read_outcome

AT_ONCE = 4
FEWEST_STEPS = 50


class Study:
    """A study whose driver dies before one of its steps, and which is then gone on with."""

    def __init__(self, folder: Path, options: list[str], environment: dict[str, str]) -> None:
        folder.mkdir()
        self.folder, self.run_dir = folder, folder / "run"
        self._command = partial(ForkedCommand, folder=folder, environment=environment)
        self._run: tuple[str | Path, ...] = ("run", "smoke", *options, "--out", self.run_dir)

    def dies_before_step(self, number: int) -> ForkedCommand:
        """Its driver, unless it has fewer steps."""
        return self._command(*self._run, run_first=partial(die_before_step, number, self.folder))

    def goes_on(self) -> ForkedCommand:
        """The next driver."""
        resume = ("resume", self.run_dir, "--local", "--quiet")
        return self._command(*(resume if self.run_dir.exists() else self._run))


@fault(
    "The driver",
    "SIGKILL between any two steps that it takes on the disk, each of them tried",
    seen="`mxtrials resume` goes on; where there is no run directory yet, `mxtrials run` begins",
    lost="the epoch under way: the study ends with the same files, and its weights are the same bits "
    "(a hidden folder of a few kilobytes may stay beside it)",
)
def test_study_killed_before_any_step_on_the_disk_ends_as_if_it_had_not_been(
    small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    options = [*small, "--set", "training.epochs=2", "--set", "limits.checkpoint_every_s=0", "--quiet"]
    undisturbed = Study(tmp_path / "undisturbed", options, environment)
    assert undisturbed.goes_on().wait() == 0
    expected, exit_codes = read_outcome(undisturbed.run_dir), list[int]()
    for first in count(1, AT_ONCE):
        numbers = range(first, first + AT_ONCE)
        studies = [Study(tmp_path / str(number), options, environment) for number in numbers]
        deaths = [study.dies_before_step(number) for number, study in zip(numbers, studies, strict=True)]
        exit_codes += [driver.wait() for driver in deaths]
        assert set(exit_codes) <= {0, -signal.SIGKILL}
        assert {driver.wait() for driver in [study.goes_on() for study in studies]} == {0}
        for number, study in zip(numbers, studies, strict=True):
            assert read_outcome(study.run_dir) == expected, f"killed before step {number}"
            shutil.rmtree(study.folder)
        if 0 in exit_codes:
            break
    assert exit_codes.count(-signal.SIGKILL) > FEWEST_STEPS
