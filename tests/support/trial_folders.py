"""Finds the folders that TensorBoard shows as a study's trials, whose names say what the trials train."""

from pathlib import Path

from cluster.run_dir.paths import RunDir


def trial_folder(run_dir: RunDir, number: int) -> Path:
    """The folder with a trial's event files."""
    (folder,) = run_dir.tensorboard.glob(f"{number:04d}-*")
    return folder
