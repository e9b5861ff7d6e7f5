"""The doctor on this machine and its report; it imports none of the packages that it checks."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from jobs.doctor.check import CheckResult
from jobs.doctor.doctor import checks_as_json, draw_checks, exit_code, run_checks

ROOT = Path(__file__).parents[3]
FINE = CheckResult("Python", "ok", "3.11.7")
MISSING = CheckResult("MXNet", "missing", "not installed", "`pip install mxtrials[cpu]`")
WARNING = CheckResult("GPU", "warning", "NVIDIA H200 (9.0)", "it is too new")


def test_no_software_is_missing_on_the_machine_that_runs_these_tests() -> None:
    results = run_checks()

    software = results[: [result.what for result in results].index("cores")]
    assert {result.state for result in software} == {"ok"}
    assert "1.9.1 can be imported" in [result.found for result in software]
    assert {"cores", "memory", "/dev/shm", "data cache", "disk", "GPU"} <= {result.what for result in results}
    assert all(result.remedy for result in results if result.state != "ok")


@pytest.mark.parametrize(("results", "code"), [([FINE], 0), ([FINE, WARNING], 0), ([FINE, MISSING, WARNING], 3)])
def test_exit_code_is_3_if_something_is_missing(results: list[CheckResult], code: int) -> None:
    assert exit_code(results) == code


def drawn(results: list[CheckResult]) -> str:
    """What is drawn on a console of 140 columns."""
    file = io.StringIO()
    draw_checks(results, Console(file=file, width=140))
    return file.getvalue()


def test_report_has_states_and_remedies() -> None:
    report = drawn([FINE, MISSING, WARNING])
    for word in ("3.11.7", "missing", "warning", "`pip install mxtrials[cpu]`", "Missing: MXNet."):
        assert word in report


def test_report_says_that_nothing_is_missing() -> None:
    assert drawn([FINE]).endswith("Nothing is missing.\n")


def test_json_report_keeps_the_words_of_earlier_versions() -> None:
    fine, missing, warning = json.loads(json.dumps(checks_as_json([FINE, MISSING, WARNING])))

    assert CheckResult(**fine) == FINE
    assert missing == {
        "what": "MXNet",
        "state": "lacking",
        "found": "not installed",
        "remedy": "`pip install mxtrials[cpu]`",
    }
    assert warning["state"] == "warning"


def test_importing_the_doctor_imports_none_of_the_packages_it_checks() -> None:
    code = """import sys, jobs.doctor.doctor
print(*{'mxnet', 'ray', 'rich', 'numpy', 'pyarrow', 'optuna'} & set(sys.modules))"""

    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == ""
