"""Memory that was freed in pieces goes back to the system."""

import subprocess
import sys

from tests.support.command_line import ROOT

# In a process of its own, whose memory is its own business: every second block is freed, as numpy frees arrays.
PROGRAM = """
import os
from pathlib import Path
import numpy as np
from cluster.machine.memory import trim_heap

def resident_mib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

blocks = [np.ones(12_000, np.uint8) for _ in range(8_000)]
full = resident_mib()
del blocks[::2]
pieces = resident_mib()
trim_heap()
print(full - pieces, full - resident_mib())
"""


def test_freed_pieces_are_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    kept, given_back = map(float, done.stdout.split())
    assert kept < 5  # of 46 MiB: otherwise the system takes them back by itself, and this is not needed
    assert given_back > 25  # whole pages of them
