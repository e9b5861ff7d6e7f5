"""`mxtrials pictures`: draws the confusion matrices of a trial that is not the best of its network."""

from pathlib import Path

from cluster.results.trial_details import read_trial
from cluster.run_dir.paths import RunDir
from cluster.run_dir.recorded_spec import load_run_spec
from cluster.tensorboard.recorder import Recorder
from mnist_core.errors import NotWritable, RunDirError


def draw_pictures(run_dir: RunDir, number: int) -> Path:
    """Draws a trial's confusion matrices for TensorBoard, even while its study is running.

    Returns:
        the folder of the trial's run.

    Raises:
        RunDirError: there is no such trial, or it has trained no epoch.
        NotWritable: the folder or the disk is not writable.
    """
    spec = load_run_spec(run_dir)
    details = read_trial(run_dir, number)
    if not details.measurements:
        raise RunDirError(f"trial {number} of {run_dir.path} has trained no epoch yet: there is nothing to draw")
    recorder = Recorder(run_dir, spec)
    folder = recorder.write_confusions(details.trial.resolve(spec), details.measurements)
    if recorder.problem is not None:
        raise NotWritable(recorder.problem)
    return folder
