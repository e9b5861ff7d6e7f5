"""The report at the end of a study: always written, last of all, and never a reason to fail."""

from pathlib import Path

from playwright.sync_api import Browser

from cluster.results.networks import read_networks
from cluster.results.predictions import read_predictions
from cluster.run_dir.paths import RunDir
from tests.support.browser import show
from tests.support.command_line import CommandLine


def test_study_ends_with_its_report_and_names_it(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path / "run")

    done = mxtrials("run", "smoke", *small, "--trials", "2", "--out", run_dir.path)

    assert done.returncode == 0
    assert f"report        {run_dir.report}" in done.stdout.splitlines()[-4:]
    page = run_dir.report.read_text()
    assert '<span class="badge complete">' in page
    assert "Worst mistakes" in page
    assert "FullyConnected" in page


def test_report_of_a_trained_study_is_drawn_in_silence(
    browser: Browser, mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    run_dir = RunDir(tmp_path / "run")
    assert mxtrials("run", "smoke", *small, "--trials", "3", "--quiet", "--out", run_dir.path).returncode == 0

    with show(browser, run_dir.report) as shown:
        assert shown.messages == []
        assert shown.requests == []
        assert shown.violations() == []


def test_predictions_and_layers_of_the_best_are_kept_with_the_study(
    mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    run_dir = RunDir(tmp_path / "run")
    assert mxtrials("run", "smoke", *small, "--trials", "1", "--quiet", "--out", run_dir.path).returncode == 0

    (predicted,) = read_predictions(run_dir.predictions)
    assert predicted.probabilities["digit"].shape == (len(predicted.labels), 10)
    assert read_networks(run_dir.networks).keys() == {predicted.trial}

    run_dir.predictions.unlink()
    run_dir.networks.write_text("damaged")

    assert mxtrials("resume", run_dir.path, "--local", "--quiet").returncode == 0
    (again,) = read_predictions(run_dir.predictions)
    assert again.probabilities["digit"].tobytes() == predicted.probabilities["digit"].tobytes()
    assert read_networks(run_dir.networks).keys() == {predicted.trial}
