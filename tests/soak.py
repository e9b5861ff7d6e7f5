"""A soak test: thousands of short trials on two workers, with the whole program, and what its processes use.

`make soak`, or `python -m tests.soak --trials 5000`: prints the memory, threads and open files of the driver and the
workers as trials end, and fails if any has grown beyond its bound since the first hundred.
"""

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click
import psutil
from rich.console import Console
from rich.table import Table

from cluster.run_dir.paths import RunDir
from mnist_core.data.cache import open_dataset
from tests.support.command_line import ROOT, command
from tests.support.processes import is_worker
from tests.support.small_images import small_cut, write_idx_files

# Numbers of finished trials after which the processes are measured.
FIRST = 100
MARKS = (500, 1_000, 2_000, 3_000, 4_000)
WORKERS = 2
# How much more than after the first hundred trials a process may use.
MORE_MIB, MORE_THREADS, MORE_FILES = 16.0, 4, 4
READINGS = 5
POLL_S = 0.1

# All three networks and optimizers, batches of every size; some trials diverge, some are stopped early.
SPEC = """
name: soak
data: {source: IMAGES, holdout: 56}
training: {momentum: 0.9}
search:
  space:
    model:
      choices:
        - {kind: mlp, hidden: [32], initializer: xavier}
        - {kind: multitask, hidden: [32], initializer: xavier}
        - {kind: lenet, filters: [4, 8], hidden: 16, initializer: xavier}
    training.optimizer: {choices: [sgd, nag, adam]}
    training.learning_rate: {low: 0.001, high: 10, log: true}
    training.batch_size: {low: 20, high: 100}
    training.epochs: {choices: [1, 2, 3]}
  sampler: {kind: tpe}
  pruner: {kind: asha, min_resource: 1, reduction_factor: 3}
trials: TRIALS
workers: {cpu: WORKERS, gpu: 0}
"""


@dataclass(frozen=True)
class Usage:
    """What one process uses. own_mib: memory that it does not share, the median of some readings."""

    own_mib: float
    threads: int
    files: int


@dataclass(frozen=True)
class Sample:
    """The usage of each process, by name, after a number of trials and minutes."""

    trials: int
    minutes: float
    usage: dict[str, Usage]


def soak(trials: int, folder: Path) -> Iterator[Sample]:
    """Runs a study as a user would, measures its processes from time to time, and stops it after `trials` trials."""
    started_s = time.monotonic()
    with subprocess.Popen(
        command("run", _write_spec(trials, folder), "--out", folder / "run"),
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(folder), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    ) as driver:
        try:
            for mark in (FIRST, *(mark for mark in MARKS if mark < trials), trials):
                while (ended := _count_ended(RunDir(folder / "run"))) < mark:
                    if driver.poll() is not None:
                        raise click.ClickException(f"the study exited with {driver.returncode} after {ended} trials")
                    time.sleep(POLL_S)
                yield Sample(ended, (time.monotonic() - started_s) / 60, _measure_processes(driver.pid))
        finally:
            driver.terminate()


def growth(samples: list[Sample]) -> list[str]:
    """Returns a sentence for each quantity that grew beyond its bound, from the last sample in which it did."""
    found = {}
    for sample in samples[1:]:
        for name, now in sample.usage.items():
            before = samples[0].usage[name]
            for what, more, bound in (
                ("MiB", now.own_mib - before.own_mib, MORE_MIB),
                ("threads", now.threads - before.threads, MORE_THREADS),
                ("open files", now.files - before.files, MORE_FILES),
            ):
                if more > bound:
                    found[name, what] = f"after {sample.trials} trials {name} uses {more:.0f} {what} more than at first"
    return list(found.values())


def _write_spec(trials: int, folder: Path) -> Path:
    images = folder / "images"
    images.mkdir()
    write_idx_files(small_cut(open_dataset(cache_dir=folder)), images)
    spec = folder / "soak.yaml"
    values = {"IMAGES": str(images), "TRIALS": str(2 * trials), "WORKERS": str(WORKERS)}
    text = SPEC
    for name, value in values.items():
        text = text.replace(name, value)
    spec.write_text(text)
    return spec


def _count_ended(run_dir: RunDir) -> int:
    if not run_dir.store.exists():
        return 0
    with closing(sqlite3.connect(f"{run_dir.store.as_uri()}?mode=ro", uri=True)) as database:
        try:
            ((count,),) = database.execute("SELECT count(*) FROM trials WHERE state IN ('COMPLETE', 'PRUNED', 'FAIL')")
        except sqlite3.OperationalError:  # the driver is still creating it
            return 0
    return int(count)


def _measure_processes(driver_pid: int) -> dict[str, Usage]:
    driver = psutil.Process(driver_pid)
    workers = [process for process in driver.children(recursive=True) if is_worker(process)]
    named = {"driver": driver, **{f"worker {n}": each for n, each in enumerate(sorted(workers, key=lambda p: p.pid))}}
    return {name: _measure(process) for name, process in named.items()}


def _measure(process: psutil.Process) -> Usage:
    own = []
    for _ in range(READINGS):
        own.append(process.memory_full_info().uss / 2**20)
        time.sleep(POLL_S)
    return Usage(statistics.median(own), process.num_threads(), process.num_fds())


def _table(samples: list[Sample]) -> Table:
    table = Table(title="own MiB, threads and open files", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("trials", "minutes", *samples[0].usage):
        table.add_column(name, justify="right")
    for sample in samples:
        cells = [f"{used.own_mib:.1f}  {used.threads}  {used.files}" for used in sample.usage.values()]
        table.add_row(f"{sample.trials:,}", f"{sample.minutes:.1f}", *cells)
    return table


@click.command()
@click.option("--trials", type=click.IntRange(min=FIRST + 50), default=5_000, show_default=True)
def main(trials: int) -> None:
    """Run many short trials; exit 1 if the driver or a worker grows."""
    console = Console()
    samples = []
    with tempfile.TemporaryDirectory() as folder:
        for sample in soak(trials, Path(folder)):
            samples.append(sample)
            used = "; ".join(f"{name} {each.own_mib:.1f} MiB" for name, each in sample.usage.items())
            Console(stderr=True).print(f"{sample.trials:,} trials: {used}", style="dim", highlight=False)
    console.print(_table(samples))
    bounds = f"{MORE_MIB:g} MiB, {MORE_THREADS} threads and {MORE_FILES} open files"
    console.print(f"allowed: {bounds} more than after the first {FIRST}", style="dim", highlight=False)
    if grown := growth(samples):
        raise click.ClickException("; ".join(grown))


if __name__ == "__main__":
    sys.exit(main())
