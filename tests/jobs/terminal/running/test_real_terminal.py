"""Studies in a real terminal: the last line on it is ours, whatever the terminal is and however the study ends."""

from pathlib import Path

import pytest

from tests.support.command_line import command
from tests.support.terminal import TerminalOutput, run_in_terminal

# With this decay and rate each step multiplies every weight by -99, which overflows.
DIVERGING = ("training.weight_decay=1", "training.epochs=20", "training.learning_rate=100", "search={}")
XTERM = {"TERM": "xterm-256color"}
SITUATIONS = [
    pytest.param("--local", 80, XTERM, id="80-columns"),
    pytest.param("--local", 200, XTERM, id="200-columns"),
    pytest.param("--local", 80, {"TERM": "dumb"}, id="dumb"),
    pytest.param("--local", 80, {**XTERM, "NO_COLOR": "1"}, id="no-color"),
    pytest.param("--local", 80, {**XTERM, "PYTHONIOENCODING": "latin-1"}, id="latin-1"),
    pytest.param("--workers=cpu=1", 80, XTERM, id="on-ray", marks=pytest.mark.slow),
]


class Terminal:
    """Runs the shipped `smoke` study on a few images, in a terminal."""

    def __init__(self, folder: Path, images: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._options = ["--set", f"data.source={images}", "--set", "data.holdout=56"]
        self._environment = {name: value for name, value in environment.items() if name != "NO_COLOR"}

    def run(
        self, columns: int, variables: dict[str, str], *options: str, interrupt_at: bytes | None = None
    ) -> TerminalOutput:
        """Runs the study until it ends."""
        return run_in_terminal(
            command("run", "smoke", "--out", "run", *self._options, *options),
            self._folder,
            self._environment | variables,
            columns,
            interrupt_at=interrupt_at,
            encoding=variables.get("PYTHONIOENCODING", "utf-8"),
        )


@pytest.fixture
def terminal(tmp_path: Path, small_idx_folder: Path, environment: dict[str, str]) -> Terminal:
    return Terminal(tmp_path, small_idx_folder, environment)


def assert_ends_with(output: TerminalOutput, exit_code: int, last_line: str) -> None:
    assert output.exit_code == exit_code, output.lines
    assert output.lines[-1].startswith(last_line), output.lines[-10:]
    assert "Traceback" not in "".join(output.lines)
    assert not output.hides_cursor


@pytest.mark.parametrize(("backend", "columns", "variables"), SITUATIONS)
def test_complete_study_ends_with_how_to_open_its_files(
    terminal: Terminal, backend: str, columns: int, variables: dict[str, str]
) -> None:
    output = terminal.run(columns, variables, backend)
    assert_ends_with(output, 0, "TensorBoard   tensorboard --logdir run/tensorboard")


@pytest.mark.parametrize(("backend", "columns", "variables"), SITUATIONS)
def test_interrupted_study_ends_with_the_command_that_resumes_it(
    terminal: Terminal, backend: str, columns: int, variables: dict[str, str]
) -> None:
    output = terminal.run(columns, variables, backend, "--trials", "500", "--epochs", "50", interrupt_at=b"epoch")
    assert_ends_with(output, 130, "interrupted; resume with: mxtrials resume run")


@pytest.mark.parametrize(("backend", "columns", "variables"), SITUATIONS)
def test_study_whose_trials_all_fail_ends_with_that_sentence(
    terminal: Terminal, backend: str, columns: int, variables: dict[str, str]
) -> None:
    output = terminal.run(columns, variables, backend, *(word for field in DIVERGING for word in ("--set", field)))
    assert_ends_with(output, 1, "mxtrials: no trial of smoke is complete")


def test_dumb_terminal_gets_a_line_per_event(terminal: Terminal) -> None:
    output = terminal.run(80, {"TERM": "dumb"}, "--local")
    assert any("epoch 1/1" in line for line in output.lines)
    assert b"\x1b" not in output.raw


def test_no_color_draws_without_colours(terminal: Terminal) -> None:
    output = terminal.run(80, {**XTERM, "NO_COLOR": "1"}, "--local")
    assert b"\x1b[3" not in output.raw
