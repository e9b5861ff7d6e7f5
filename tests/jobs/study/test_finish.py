"""What a study leaves behind if one of its last steps fails."""

from pathlib import Path

import pyarrow.parquet as pq

from cluster.run_dir.paths import RunDir
from tests.support.command_line import CommandLine


def test_tables_are_written_even_if_the_best_model_cannot_be_saved(
    mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    run_dir = RunDir(tmp_path / "run")
    assert mxtrials("run", "smoke", *small, "--trials", "1", "--quiet", "--out", run_dir.path).returncode == 0
    for file in (*run_dir.best.parent.iterdir(), run_dir.results, run_dir.metrics):
        file.unlink()
    run_dir.best.parent.rmdir()
    run_dir.best.parent.write_text("in the way")
    done = mxtrials("resume", run_dir.path, "--trials", "3", "--local", "--quiet")
    assert done.returncode == 3
    assert f"{run_dir.best.parent}" in done.stderr
    assert pq.read_table(run_dir.results).num_rows == 3
    assert pq.read_table(run_dir.metrics).num_rows == 3
