"""What a process does that is to become many: it runs a study, so that all is imported and set up. See warm.py."""

import os
import tempfile
from pathlib import Path

import numpy as np
import scipy.stats

from jobs.cli import main
from tests.support.small_images import idx_bytes

__all__ = ["scipy"]  # for the sampler qmc

with tempfile.TemporaryDirectory() as folder:
    for part in ("train", "t10k"):
        for name, array in (("images-idx3", np.zeros((256, 28, 28))), ("labels-idx1", np.zeros(256))):
            Path(folder, f"{part}-{name}-ubyte").write_bytes(idx_bytes(array.astype(np.uint8)))
    os.environ["XDG_CACHE_HOME"] = folder
    data = ("--set", f"data.source={folder}", "--set", "data.holdout=56")
    main(["run", "smoke", *data, "--local", "--quiet", "--out", f"{folder}/run"], standalone_mode=False)
