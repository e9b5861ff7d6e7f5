"""Reads from a run directory where the time of its study went."""

from cluster.run_dir.paths import RunDir
from cluster.store.reader import StudyReader
from cluster.time_spent import StudyTimes, study_times


def read_study_times(run_dir: RunDir) -> StudyTimes | None:
    """Reads where a study's time has gone so far; None if nothing is recorded.

    Raises:
        RunDirError: the store cannot be read.
    """
    with StudyReader.open(run_dir.store) as reader:
        return study_times(reader.times_spent())
