"""What the fork server imports before it forks: it also runs a study, so that everything is imported and set up.

See forked_process.py.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
import scipy.stats  # noqa: F401 (the sampler `qmc` imports it late)

from jobs.cli import main
from tests.support.small_images import idx_bytes

with tempfile.TemporaryDirectory() as folder:
    for part in ("train", "t10k"):
        for name, array in (("images-idx3", np.zeros((256, 28, 28))), ("labels-idx1", np.zeros(256))):
            Path(folder, f"{part}-{name}-ubyte").write_bytes(idx_bytes(array.astype(np.uint8)))
    os.environ["XDG_CACHE_HOME"] = folder
    data = ("--set", f"data.source={folder}", "--set", "data.holdout=56")
    main(["run", "smoke", *data, "--local", "--quiet", "--out", f"{folder}/run"], standalone_mode=False)
