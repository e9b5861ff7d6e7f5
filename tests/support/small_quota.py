"""A cgroup that grants its processes less than one core."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import wait_until

PERIOD_US = 100_000
# Cgroup version 1 limits processors in a hierarchy of its own.
V1, V2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")


@contextmanager
def small_quota(cores: float) -> Iterator[Path]:
    """Makes a cgroup with a quota and yields its file `cgroup.procs`; its processes must end within the block.

    Skips the test if this machine does not allow it.
    """
    quota_us = round(cores * PERIOD_US)
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix="mxtrials-test-", dir=V1 if V1.exists() else V2))
        if V1.exists():
            (folder / "cpu.cfs_quota_us").write_text(str(quota_us))
        else:
            (folder / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")
    except OSError as err:
        if folder:
            folder.rmdir()
        pytest.skip(f"no cgroup with a quota can be made here ({err})")
    try:
        yield folder / "cgroup.procs"
    finally:
        # Ray's processes end with their driver, a moment later.
        wait_until(lambda: not (folder / "cgroup.procs").read_text(), "all processes of the cgroup end")
        folder.rmdir()
