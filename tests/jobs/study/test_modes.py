"""Who may read and write the files of a run: teams share folders."""

import stat
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import command


@pytest.mark.parametrize("umask", [0o002, 0o077])
def test_umask_says_who_may_read_and_write_the_files_of_a_run(
    umask: int, small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    changed = {**environment, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for arguments in (["run", "smoke", *small, "--trials=1"], ["resume", "run", "--local", "--trials=2"]):
        out = ["--out", "run"] if arguments[0] == "run" else []
        subprocess.run(command(*arguments, *out, "--quiet"), cwd=tmp_path, env=changed, umask=umask, check=True)
    files = [*tmp_path.rglob("*")]
    assert {"study.db", "model-0000.params", "results.parquet", "run.log", "spec.yaml"} <= {file.name for file in files}
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == (0o777 if file.is_dir() else 0o666) & ~umask, file
