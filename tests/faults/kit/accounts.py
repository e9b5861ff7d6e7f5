"""What a study has come to, as far as it is a function of its spec and its data: to be compared to the bit."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

OF_THE_MACHINE = ("elapsed_s", "perf/samples_per_second", "seconds", "attempts", "worker")


def account(run_dir: Path) -> dict[str, Any]:
    """Each trial, each epoch and the best model of a study that is done."""
    card = json.loads((run_dir / "best" / "model.json").read_text())
    return {
        # Of a study that was done before it had more trials, another one was scored on the test set, too.
        "trials": _rows(run_dir / "results.parquet", leave_out="test/"),
        "epochs": _rows(run_dir / "metrics.parquet"),
        "best": [card[key] for key in ("trial", "weights_sha256", "params_sha256", "test", "data_fingerprint")],
    }


def _rows(table: Path, leave_out: str = "-") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(table).to_pylist()
    names = [name for name in rows[0] if name not in OF_THE_MACHINE and not name.startswith(leave_out)]
    return [{name: row[name] for name in names} for row in rows]


def assert_shown_in_tensorboard(run_dir: Path) -> None:
    """TensorBoard reads each epoch of each trial once, that each has ended, and the pictures of the best."""
    best = json.loads((run_dir / "best" / "model.json").read_text())["trial"]
    for trial in pq.read_table(run_dir / "results.parquet").to_pylist():
        events = EventAccumulator(str(run_dir / "tensorboard" / f"trial-{trial['number']:04d}"))
        events.Reload()
        assert [event.step for event in events.Scalars("val/accuracy")] == list(range(1, trial["epochs"] + 1))
        assert "_hparams_/session_end_info" in events.PluginTagToContent("hparams")
        if trial["number"] == best:
            assert "samples/predictions" in events.Tags()["images"]
            assert events.Tags()["graph"]
