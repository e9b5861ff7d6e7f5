"""Runs studies from Python and reads them: what a script or a notebook needs of mxtrials.

The command line does the same with progress in the terminal. Imports what takes seconds only when a study is run.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from typing_extensions import override

from cluster.driver.observer import StudyEvent, StudyObserver, StudyWarning
from cluster.results.summary import StudySummary, read_summary
from cluster.run_dir.paths import RunDir
from cluster.spec.spec_file import load_spec
from jobs.specs.shipped import spec_path
from mnist_core.errors import SpecError

logger = logging.getLogger("mxtrials")


def run_study(
    spec: str | Path | Mapping[str, Any],
    out: str | Path,
    overrides: Sequence[str] = (),
    *,
    local: bool = False,
    address: str | None = None,
) -> StudySummary:
    """Runs a new study to its end, like `mxtrials run`, and returns its trials.

    Args:
        spec: the name of a shipped spec, the path of a YAML file, or a mapping with the same keys.
        out: the run directory, new or empty. It also gets the tables, TensorBoard's files and the report.
        overrides: strings "key=value" that override fields of the spec, such as "training.epochs=3".
        local: whether to train in this process, one trial after the other, without Ray.
        address: a running Ray cluster, as HOST:PORT; by default, the study starts its own Ray on this machine.

    Returns:
        What `read_study(out)` returns, too. Its state is "interrupted" if Ctrl-C or SIGTERM ended the study; `mxtrials
        resume` continues it.

    Raises:
        MxtrialsError: the spec is invalid, or the study cannot start or continue; the message says what to do.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     study = run_study("smoke", f"{folder}/run", ["trials=1"], local=True)
        ...     study.best.epochs == 1 and study == read_study(f"{folder}/run")
        True
    """
    if address is not None:
        from cluster.ray_backend.address import parse_address

        if local:
            raise ValueError("local=True trains in this process, without Ray: leave out the address")
        address = parse_address(address, "address")
    study = load_spec(_source(spec), overrides, is_new=True)
    from jobs.study.backend import Backend
    from jobs.study.run import start_study  # takes seconds to import: a bad spec is rejected before
    from jobs.terminal.leaderboard import draw_summary
    from jobs.terminal.running.run_log import RunLog

    run_dir = RunDir(Path(out))
    log = RunLog(run_dir.log, study)
    with log.open():
        result = start_study(study, run_dir.path, Backend(local, address), log.beside(_Warnings()))
        log.draw(partial(draw_summary, result.summary))
    if result.warning:
        logger.warning(result.warning)
    return result.summary


def read_study(out: str | Path) -> StudySummary:
    """Reads the study in a run directory, even while it is running.

    Raises:
        MxtrialsError: there is no study, or it cannot be read.
    """
    return read_summary(RunDir.open(Path(out)))


def _source(spec: str | Path | Mapping[str, Any]) -> str | Path:
    """Returns what `load_spec` takes: a path, or a mapping as JSON, which is YAML, too."""
    if not isinstance(spec, Mapping):
        return spec_path(str(spec))
    try:
        return json.dumps(dict(spec))
    except (TypeError, ValueError, RecursionError) as err:
        raise SpecError(
            f"the study spec holds a value that YAML cannot ({err}): use numbers, strings and lists"
        ) from err


class _Warnings(StudyObserver):
    """Logs the problems that do not stop a study."""

    @override
    def notify(self, event: StudyEvent) -> None:
        if isinstance(event, StudyWarning):
            logger.warning(event.message)
