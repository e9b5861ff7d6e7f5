"""`python -m jobs`: the command line, for `ray job submit --working-dir . -- python -m jobs run ...`."""

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location

if __name__ == "__main__":
    # From its file, because the working folder, first on `sys.path` here, may have a module of any name.
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    spec = spec_from_file_location("mnist_core.installed", os.path.join(root, "mnist_core", "installed.py"))
    assert spec
    assert spec.loader
    installed = module_from_spec(spec)
    spec.loader.exec_module(installed)
    sys.exit(installed.main())
