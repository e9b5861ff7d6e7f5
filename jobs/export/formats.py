"""The formats of `mxtrials export`, and what each one writes into a folder."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pyarrow as pa

from cluster.results.history import StudyHistory, read_history
from cluster.results.tables import epochs_table, trials_table, write_csv, write_parquet
from cluster.run_dir.paths import RunDir
from mnist_core.atomic_file import make_folder, write_atomically

ShowProgress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows the progress of an export, given what is written and how many steps it has; see `progress_bar`."""


def export_study(run_dir: RunDir, name: str, folder: Path, show_progress: ShowProgress) -> list[Path]:
    """Writes a study in one format, even while it is running; replaces the files of an earlier export.

    Args:
        run_dir: the run directory of the study.
        name: a key of FORMATS.
        folder: where to write; created if missing.
        show_progress: shows the progress.

    Returns:
        the written files.

    Raises:
        RunDirError: the store cannot be read, or has nothing to export.
        CheckpointError: the weights of a model are missing or damaged.
        NotWritable: the folder or the disk is not writable.
        MissingLibrary: the format needs a package that is not installed.
    """
    history = read_history(run_dir)
    make_folder(folder)
    return FORMATS[name](run_dir, history, folder, show_progress)


def _export_tables(
    write: Callable[[Path, pa.Table], None],
    run_dir: RunDir,
    history: StudyHistory,
    folder: Path,
    show_progress: ShowProgress,
    *,
    suffix: str,
) -> list[Path]:
    del show_progress
    tables = {run_dir.results: trials_table(history.summary.trials), run_dir.metrics: epochs_table(history.measured())}
    files = {folder / f"{name.stem}{suffix}": table for name, table in tables.items()}
    for file, table in files.items():
        write(file, table)
    return list(files)


def _export_optuna(run_dir: RunDir, history: StudyHistory, folder: Path, show_progress: ShowProgress) -> list[Path]:
    del run_dir
    from cluster.search.export import OptunaTrial, optuna_storage  # importing Optuna takes a second

    spec = history.summary.spec
    objective = spec.search.objective
    trials = [
        OptunaTrial(
            each.trial,
            {one.epoch: one.metrics[objective] for one in each.measurements if objective in one.metrics},
            each.started_at,
            each.ended_at,
        )
        for each in history.trials
    ]
    with show_progress("Optuna's storage", len(trials)) as on_trial:
        content = optuna_storage(spec, trials, on_trial)
    file = folder / "optuna.db"
    write_atomically(file, content)
    return [file]


def _export_onnx(run_dir: RunDir, history: StudyHistory, folder: Path, show_progress: ShowProgress) -> list[Path]:
    from jobs.export.onnx_models import onnx_models  # imports MXNet

    files = []
    with show_progress("the best of each network", len(history.summary.best_of_each_kind())) as on_model:
        for kind, content in onnx_models(run_dir, history.summary):
            files.append(folder / f"{kind}.onnx")
            write_atomically(files[-1], content)
            on_model(len(files))
    return files


def _export_mlflow(run_dir: RunDir, history: StudyHistory, folder: Path, show_progress: ShowProgress) -> list[Path]:
    from jobs.export.mlflow_runs import mlflow_database  # importing MLflow takes seconds

    with show_progress("MLflow's runs", len(history.trials)) as on_trial:
        content = mlflow_database(run_dir, history, on_trial)
    file = folder / "mlflow.db"
    write_atomically(file, content)
    return [file]


FORMATS: Mapping[str, Callable[[RunDir, StudyHistory, Path, ShowProgress], list[Path]]] = {
    "csv": partial(_export_tables, write_csv, suffix=".csv"),
    "parquet": partial(_export_tables, write_parquet, suffix=".parquet"),
    "optuna": _export_optuna,
    "onnx": _export_onnx,
    "mlflow": _export_mlflow,
}
"""Name -> the function that writes it."""
