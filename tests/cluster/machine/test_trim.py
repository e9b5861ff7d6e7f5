"""trim_heap returns memory that was freed in pieces to the system."""

import subprocess
import sys

from tests.support.command_line import ROOT

# Runs in a separate process, so that it measures nothing else. Frees every second block, as numpy frees arrays.
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


def test_freed_pieces_are_returned_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    before_trim, after_trim = map(float, done.stdout.split())
    assert before_trim < 5  # of 46 MiB: if free() returned them, trim_heap would not be needed
    assert after_trim > 25  # the pages that lie wholly in freed blocks
