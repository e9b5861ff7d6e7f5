"""A soak: thousands of short trials on two warm workers, through the whole program, and what its processes hold.

`make soak`, or `python -m tests.soak --trials 5000`: prints what the driver and the workers hold as trials end, and
fails if anything has grown beyond its bound since the first hundred.
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
from tests.support.small_images import small_cut, write_idx_files

FIRST, MARKS = 100, (500, 1_000, 2_000, 3_000, 4_000)
WORKERS = 2
# What a process may hold more than after the first hundred trials.
MORE_MIB, MORE_THREADS, MORE_FILES = 16.0, 4, 4
LOOKS, BETWEEN_LOOKS_S = 5, 0.1

# All three networks and optimizers, batches of every size, some that diverge, some that are stopped early.
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
class Held:
    """What one process holds. own_mib: memory that is no other's, the median of some looks."""

    own_mib: float
    threads: int
    files: int


@dataclass(frozen=True)
class Sample:
    """What the processes hold after so many trials and minutes, by name."""

    trials: int
    minutes: float
    held: dict[str, Held]


def soak(trials: int, folder: Path) -> Iterator[Sample]:
    """Runs a study as a user would, looks at its processes on the way, and stops it after so many trials."""
    started_s = time.monotonic()
    with subprocess.Popen(
        command("run", _spec(trials, folder), "--out", folder / "run"),
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(folder), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    ) as driver:
        try:
            for mark in (FIRST, *(mark for mark in MARKS if mark < trials), trials):
                while (ended := _ended(RunDir(folder / "run"))) < mark:
                    if driver.poll() is not None:
                        raise click.ClickException(f"the study ended with {driver.returncode} after {ended} trials")
                    time.sleep(BETWEEN_LOOKS_S)
                yield Sample(ended, (time.monotonic() - started_s) / 60, _look(driver.pid))
        finally:
            driver.terminate()


def growth(samples: list[Sample]) -> list[str]:
    """What has grown beyond its bound since the first sample, each in a sentence, of the last time that it had."""
    first, found = samples[0], {}
    for sample in samples[1:]:
        for name, now in sample.held.items():
            before = first.held[name]
            for what, more, bound in (
                ("MiB", now.own_mib - before.own_mib, MORE_MIB),
                ("threads", now.threads - before.threads, MORE_THREADS),
                ("open files", now.files - before.files, MORE_FILES),
            ):
                if more > bound:
                    found[name, what] = (
                        f"after {sample.trials} trials {name} holds {more:.0f} {what} more than at first"
                    )
    return list(found.values())


def _spec(trials: int, folder: Path) -> Path:
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


def _ended(run_dir: RunDir) -> int:
    if not run_dir.store.exists():
        return 0
    with closing(sqlite3.connect(f"{run_dir.store.as_uri()}?mode=ro", uri=True)) as database:
        try:
            ((count,),) = database.execute("SELECT count(*) FROM trials WHERE state IN ('COMPLETE', 'PRUNED', 'FAIL')")
        except sqlite3.OperationalError:  # it is being made
            return 0
    return int(count)


def _look(driver_pid: int) -> dict[str, Held]:
    driver = psutil.Process(driver_pid)
    workers = [process for process in driver.children(recursive=True) if process.name().startswith("ray::_Actor")]
    named = {"driver": driver, **{f"worker {n}": each for n, each in enumerate(sorted(workers, key=lambda p: p.pid))}}
    return {name: _held(process) for name, process in named.items()}


def _held(process: psutil.Process) -> Held:
    own = []
    for _ in range(LOOKS):
        own.append(process.memory_full_info().uss / 2**20)
        time.sleep(BETWEEN_LOOKS_S)
    return Held(statistics.median(own), process.num_threads(), process.num_fds())


def _table(samples: list[Sample]) -> Table:
    table = Table(title="own MiB, threads and open files", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("trials", "minutes", *samples[0].held):
        table.add_column(name, justify="right")
    for sample in samples:
        cells = [f"{held.own_mib:.1f}  {held.threads}  {held.files}" for held in sample.held.values()]
        table.add_row(f"{sample.trials:,}", f"{sample.minutes:.1f}", *cells)
    return table


@click.command()
@click.option("--trials", type=click.IntRange(min=FIRST + 50), default=5_000, show_default=True)
def main(trials: int) -> None:
    """Run many short trials; exit 1 if the driver or a worker grows."""
    console, samples = Console(), []
    with tempfile.TemporaryDirectory() as folder:
        for sample in soak(trials, Path(folder)):
            samples.append(sample)
            held = "; ".join(f"{name} {each.own_mib:.1f} MiB" for name, each in sample.held.items())
            Console(stderr=True).print(f"{sample.trials:,} trials: {held}", style="dim", highlight=False)
    console.print(_table(samples))
    bounds = f"{MORE_MIB:g} MiB, {MORE_THREADS} threads and {MORE_FILES} open files"
    console.print(f"allowed: {bounds} more than after the first {FIRST}", style="dim", highlight=False)
    if grown := growth(samples):
        raise click.ClickException("; ".join(grown))


if __name__ == "__main__":
    sys.exit(main())
