"""SIGKILL between any two steps of the whole program on its disk: store, states, TensorBoard, tables, best model."""

import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path

from tests.faults.matrix import fault
from tests.faults.outcome import Outcome, outcome
from tests.faults.steps import die_before_step
from tests.faults.warm import WarmCommand

AT_ONCE = 2
FEWEST_STEPS = 50


class Study:
    """A study whose driver dies before one of its steps, and which is then gone on with."""

    def __init__(self, folder: Path, options: list[str], environment: dict[str, str]) -> None:
        folder.mkdir()
        self._folder, self.run_dir = folder, folder / "run"
        self._command = partial(WarmCommand, folder=folder, environment=environment)
        self._run: tuple[str | Path, ...] = ("run", "smoke", *options, "--out", self.run_dir)

    def dies_before_step(self, number: int) -> bool:
        """Whether it has so many steps."""
        exit_code = self._command(*self._run, first=partial(die_before_step, number, self._folder)).wait()
        assert exit_code in (0, -signal.SIGKILL)
        return exit_code != 0

    def go_on(self) -> Outcome:
        """What it comes to."""
        resume = ("resume", self.run_dir, "--local", "--quiet")
        command = self._command(*(resume if self.run_dir.exists() else self._run))
        assert command.wait() == 0, command.stderr.read_text()
        return outcome(self.run_dir)


@fault(
    "The driver",
    "SIGKILL between any two steps that it takes on the disk, each of them tried",
    seen="`mxtrials resume` goes on; where there is no run directory yet, `mxtrials run` begins",
    lost="the epoch under way: the study ends with the same files, and its weights are the same bits",
)
def test_study_killed_before_any_step_on_the_disk_ends_as_if_it_had_not_been(
    small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    options = [*small, "--set", "training.epochs=2", "--set", "limits.checkpoint_every_s=0", "--quiet"]
    undisturbed = Study(tmp_path / "undisturbed", options, environment).go_on()
    numbers = count(1)

    def killed_until_it_survives() -> None:
        for number in numbers:
            folder = tmp_path / str(number)
            study = Study(folder, options, environment)
            if not study.dies_before_step(number):
                break
            assert study.go_on() == undisturbed, f"killed before step {number}"
            shutil.rmtree(folder)

    with ThreadPoolExecutor(AT_ONCE) as executor:
        for lane in [executor.submit(killed_until_it_survives) for _ in range(AT_ONCE)]:
            lane.result()
    assert next(numbers) > FEWEST_STEPS
