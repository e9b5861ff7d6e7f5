"""A temporary folder in which Ray could not make its sockets."""

from pathlib import Path

import pytest

from tests.faults.kit.matrix import fault
from tests.support.command_line import CommandLine, assert_one_line_error


@fault(
    "Data, specs and settings",
    "`TMPDIR` or `RAY_TMPDIR` is too long for the sockets of Ray",
    seen="one-line error that names the variable, and how many bytes it is too long, exit code 3, before Ray starts",
    cost="nothing",
)
@pytest.mark.parametrize("variable", ["TMPDIR", "RAY_TMPDIR"])
def test_long_temporary_folder_is_named_before_ray_starts(
    variable: str, mxtrials: CommandLine, options: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / ("x" * 80)
    folder.mkdir()
    on_ray = [option for option in options if option != "--local"]
    done = mxtrials("run", *on_ray, "--out", tmp_path / "run", "--quiet", **{variable: str(folder)})
    assert_one_line_error(done, 3, f"{variable} is {folder}", "bytes too long", "RAY_TMPDIR", "--local")
    assert not (tmp_path / "run").exists()
    assert list(folder.iterdir()) == []
