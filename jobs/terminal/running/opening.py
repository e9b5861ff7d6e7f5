"""What is said first of a study: what it does, where its files are, and how to watch it."""

import resource

from cluster.driver.observer import StudyOpened
from cluster.run_dir.paths import RunDir
from cluster.run_dir.shell import shell_command
from cluster.spec.study_spec import StudySpec, WorkersSpec
from jobs.terminal.output import pluralize

USUAL_OPEN_FILES, SPARE_OPEN_FILES = 1024, 64


def opening_lines(spec: StudySpec, opened: StudyOpened) -> list[str]:
    """Returns the lines that open a study's output."""
    run_dir, search = RunDir(opened.run_dir), spec.search
    methods = search.sampler.kind if search.pruner.kind == "none" else f"{search.sampler.kind} + {search.pruner.kind}"
    workers = "1 worker in this process" if opened.is_local else _workers(spec.workers)
    return [
        f"{spec.name}  {pluralize(spec.trials, 'trial')}, {methods}, {workers}, best {search.objective}",
        f"run directory  {run_dir.path}",
        f"TensorBoard    {tensorboard_command(run_dir, spec.trials)}",
    ]


def _workers(wanted: WorkersSpec) -> str:
    if wanted.cpu == wanted.gpu == "auto":
        return "a worker per core"
    counts = {"CPU": wanted.cpu, "GPU": wanted.gpu}
    return " + ".join(
        pluralize(count, f"{kind} worker") for kind, count in counts.items() if isinstance(count, int) and count
    )


def tensorboard_command(run_dir: RunDir, trials: int) -> str:
    """Returns the command that shows a study with this many trials in TensorBoard."""
    loader = ("--load_fast=false",) if trials > _tensorboard_capacity() else ()
    return shell_command("tensorboard", *loader, "--logdir", run_dir.tensorboard)


def _tensorboard_capacity() -> int:
    """Returns how many trials TensorBoard's fast loader can show: it keeps a file open for each.

    Beyond that, it shows none again and again. Its other loader (`--load_fast=false`) shows any number.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    usual = min(limit, USUAL_OPEN_FILES) if limit >= 0 else USUAL_OPEN_FILES  # Ray may have raised this process's
    return usual - SPARE_OPEN_FILES
