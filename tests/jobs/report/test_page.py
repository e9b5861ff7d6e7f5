"""The report as a file: its size, what its policy allows, and that nothing in a study can become markup."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from cluster.spec.space import Params
from cluster.store.store import Store
from jobs.report.page import embedded_json
from mnist_core.measurement import Measurement
from tests.jobs.report.conftest import Pages
from tests.support.command_line import CommandLine
from tests.support.tabled_study import SPEC, tabled_study

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"&"


@pytest.mark.parametrize(("trials", "limit"), [(100, 1_500_000), pytest.param(1000, 3_000_000, marks=pytest.mark.slow)])
def test_page_is_small_enough_to_send(pages: Pages, trials: int, limit: int) -> None:
    assert pages(trials).stat().st_size <= limit


@pytest.mark.slow
def test_page_of_more_trials_shows_the_best_thousand_and_says_so(pages: Pages) -> None:
    page = pages(1200).read_text()

    assert "The study has 200 more trials: this report shows the best 1,000" in page
    assert page.count('<tr><th scope="row" class="n">') == 1000
    assert pages(1200).stat().st_size <= 3_000_000


def test_policy_allows_the_scripts_and_the_style_of_the_page_and_nothing_else(pages: Pages) -> None:
    page = pages(10).read_text()
    policy = policy_of(page)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)

    assert policy["default-src"] == "'none'"
    assert policy["script-src"].split() == [source(each) for each in scripts]
    assert policy["style-src"] == source(style)
    assert policy["img-src"] == "data:"
    assert policy.keys() == {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"}


def test_words_of_a_study_never_become_markup(tmp_path: Path, mxtrials: CommandLine) -> None:
    run_dir = tabled_study(tmp_path / "run", 10)
    with Store.open(run_dir.store) as store:
        store.add_trial(10, "mlp", {"model": {"kind": "mlp", "hidden": [8]}, "training.learning_rate": 0.1}, seed=1)
        store.start_attempt(10, f"cpu-{HOSTILE}")
        store.add_measurement(10, Measurement(1, {"val/digit_accuracy": 0.5, "val/loss": float("nan")}, 1.0), 0.5)
        store.fail_trial(10, "failed", HOSTILE)
        store.set_environment(json.dumps({"host": HOSTILE, "packages": {HOSTILE: "1"}}))
        store.set_study("interrupted", HOSTILE)
    out = tmp_path / "page.html"

    assert mxtrials("report", run_dir.path, "--out", out).returncode == 0
    page = out.read_text()
    outside = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)

    assert "alert(1)" in outside
    assert page.count("</script>") == 3
    assert "<img src=x" not in page
    assert json.loads(re.findall(r'id="report-data">(.*?)</script>', page, re.DOTALL)[0])["charts"]


def test_embedded_json_has_no_character_that_could_end_its_script() -> None:
    assert "<" not in embedded_json({"text": HOSTILE + "<!--"})
    assert json.loads(embedded_json({"text": HOSTILE})) == {"text": HOSTILE}


def test_study_without_a_trial_has_a_report(tmp_path: Path, mxtrials: CommandLine) -> None:
    run_dir = tabled_study(tmp_path / "run", 1, is_scored=False)
    with Store.open(run_dir.store) as store, store.transaction() as sql:
        for table in ("measurements", "attempts", "trials", "times_spent"):
            sql.execute(f"DELETE FROM {table}")

    assert mxtrials("report", run_dir.path).returncode == 0
    assert "No trial is complete yet." in run_dir.report.read_text()


def test_trials_that_run_and_wait_are_in_the_report(tmp_path: Path, mxtrials: CommandLine) -> None:
    run_dir = tabled_study(tmp_path / "run", 10)
    params: Params = {"model": {"kind": "mlp", "hidden": [8]}, "training.learning_rate": 0.1}
    with Store.open(run_dir.store) as store:
        for number in (10, 11):
            store.add_trial(number, "mlp", params, seed=number)
            store.start_attempt(number, "cpu-0")
        store.end_attempt(10, "lost", "node died")

    assert mxtrials("report", run_dir.path).returncode == 0
    page = run_dir.report.read_text()
    assert "waits for another attempt: node died" in page
    assert "in epoch 1 of 8" in page


def test_images_that_have_changed_since_are_not_shown_as_those_of_the_study(
    tmp_path: Path, mxtrials: CommandLine
) -> None:
    run_dir = tabled_study(tmp_path / "run", 10)
    with Store.open(run_dir.store) as store:
        store.set_environment(json.dumps({"data_fingerprint": "of other images"}))

    assert mxtrials("report", run_dir.path).returncode == 0
    page = run_dir.report.read_text()
    assert "have changed since the study started" in page
    assert "data:image/png" not in page


def test_damaged_predictions_cost_the_page_only_the_mistakes(tmp_path: Path, mxtrials: CommandLine) -> None:
    run_dir = tabled_study(tmp_path / "run", 10)
    run_dir.predictions.write_bytes(run_dir.predictions.read_bytes()[:-100])
    run_dir.networks.write_text('{"0": [{"name": 1}]}')

    assert mxtrials("report", run_dir.path).returncode == 0
    assert "Worst mistakes" not in run_dir.report.read_text()


def test_page_that_cannot_be_written_is_one_sentence(tmp_path: Path, mxtrials: CommandLine) -> None:
    run_dir = tabled_study(tmp_path / "run", 1)

    done = mxtrials("report", run_dir.path, "--out", tmp_path / "missing" / "page.html")

    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "page.html cannot be written" in done.stderr
    assert "choose another --out" in done.stderr


def test_folder_without_a_study_is_no_study(tmp_path: Path, mxtrials: CommandLine) -> None:
    assert mxtrials("report", tmp_path).returncode == 2


def test_minimized_loss_is_sorted_and_drawn_upwards(tmp_path: Path, mxtrials: CommandLine) -> None:
    spec = SPEC.replace("val/digit_accuracy", "val/loss")
    run_dir = tabled_study(tmp_path / "run", 20, spec)

    assert mxtrials("report", run_dir.path).returncode == 0
    assert "Learning curves: accuracy" in run_dir.report.read_text()


def policy_of(page: str) -> dict[str, str]:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    parts = (part.strip().partition(" ") for part in policy.replace("&#39;", "'").split(";"))
    return {name: value for name, _, value in parts}


def source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
