"""Which view a study gets, by its flags and by the kind of its output."""

import pytest

from cluster.driver.observer import StudyObserver
from cluster.spec.spec_file import load_spec
from cluster.trial import TrialState
from jobs.cli.options import OutputMode
from jobs.cli.study_commands import _open_view
from jobs.study.backend import Backend
from jobs.terminal.running.plain_view import PlainView
from tests.support.records import finished_trial, started


@pytest.mark.parametrize("mode", [OutputMode.JSON, OutputMode.QUIET])
def test_json_and_quiet_runs_show_no_progress(mode: OutputMode, capsys: pytest.CaptureFixture[str]) -> None:
    with _open_view(load_spec("name: view"), mode, Backend()) as view:
        assert type(view) is StudyObserver
        view.notify(started(0))
    assert capsys.readouterr() == ("", "")


def test_output_that_is_not_a_terminal_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    finished = [finished_trial(TrialState.COMPLETE)]
    with _open_view(load_spec("name: view"), OutputMode.ALL, Backend(), finished) as view:
        assert isinstance(view, PlainView)
        view.notify(started(1))
    assert "trial 1 mlp starts on cpu-0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("as_json", "quiet", "mode"),
    [
        (False, False, OutputMode.ALL),
        (True, False, OutputMode.JSON),
        (False, True, OutputMode.QUIET),
        (True, True, OutputMode.JSON),
    ],
)
def test_flags_choose_the_mode(as_json: bool, quiet: bool, mode: OutputMode) -> None:
    assert OutputMode.of(as_json, quiet) is mode
