"""The doctor on this machine, its report, and its modesty: it imports nothing that it reports on."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from jobs.doctor.doctor import CheckResult, examine, exit_code, show

ROOT = Path(__file__).parents[3]
FINE = CheckResult("Python", "ok", "3.11.7")
LACKING = CheckResult("MXNet", "missing", "not installed", "`pip install mxtrials[cpu]`")
WARNING = CheckResult("GPU", "warning", "NVIDIA H200 (9.0)", "it is too new")


def test_machine_that_runs_these_tests_lacks_no_software() -> None:
    results = examine()

    software = results[: [result.what for result in results].index("cores")]
    assert {result.state for result in software} == {"ok"}
    assert "1.9.1 can be imported" in [result.found for result in software]
    assert {"cores", "memory", "/dev/shm", "data cache", "disk", "GPU"} <= {result.what for result in results}
    assert all(result.remedy for result in results if result.state != "ok")


@pytest.mark.parametrize(("results", "code"), [([FINE], 0), ([FINE, WARNING], 0), ([FINE, LACKING, WARNING], 3)])
def test_exit_code_is_3_where_something_is_lacking(results: list[CheckResult], code: int) -> None:
    assert exit_code(results) == code


def report_on(results: list[CheckResult]) -> str:
    """What is shown on a console of 140 columns."""
    file = io.StringIO()
    show(results, as_json=False, console=Console(file=file, width=140))
    return file.getvalue()


def test_report_tells_states_and_remedies() -> None:
    report = report_on([FINE, LACKING, WARNING])
    for word in ("3.11.7", "missing", "warning", "`pip install mxtrials[cpu]`", "Lacking: MXNet."):
        assert word in report


def test_report_of_a_sound_machine_says_so() -> None:
    assert report_on([FINE]).endswith("Nothing is lacking.\n")


def test_json_report_is_a_list_of_findings(capsys: pytest.CaptureFixture[str]) -> None:
    show([FINE, LACKING], as_json=True, console=Console())

    assert [CheckResult(**found) for found in json.loads(capsys.readouterr().out)] == [FINE, LACKING]


def test_importing_the_doctor_loads_none_of_its_patients() -> None:
    code = """import sys, jobs.doctor.doctor
print(*{'mxnet', 'ray', 'rich', 'numpy', 'pyarrow', 'optuna'} & set(sys.modules))"""

    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == ""
