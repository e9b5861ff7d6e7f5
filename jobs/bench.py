"""`mxtrials bench`: measures mxtrials beside what a user would pick instead, in turns, on the same machine.

Each measurement is a process of its own on one core; the sides alternate, so that a change of the machine's speed
meets them all. Medians are what counts: see the spread for how noisy the machine was.
"""

import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import median

import click
from rich.console import Console
from rich.table import Table

ROUNDS, EPOCHS = 3, 3
NETWORKS = ("mlp", "multitask", "lenet")
SIDES = {"mxtrials": "mxnet", "Module.fit": "mxnet", "PyTorch": "torch"}


@dataclass(frozen=True)
class Speed:
    """Images per second that one side trained on one core, over all rounds."""

    network: str
    side: str
    median: float
    slowest: float
    fastest: float


def bench_train(rounds: int = ROUNDS) -> Iterator[Speed]:
    """Training speed on one core by network and side; sides that are not installed are left out."""
    sides = [side for side, package in SIDES.items() if importlib.util.find_spec(package) is not None]
    for network in NETWORKS:
        speeds: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(rounds):
            for side in sides:
                speeds[side] += _measure(side, network)
        for side, measured in speeds.items():
            yield Speed(network, side, median(measured), min(measured), max(measured))


def show_train(as_json: bool, console: Console) -> None:
    """Measures and prints training speeds; see bench_train."""
    with console.status("measuring, a few minutes ..."):
        speeds = list(bench_train())
    if as_json:
        click.echo(json.dumps({"machine": _machine(), "train": [asdict(speed) for speed in speeds]}, indent=2))
        return
    console.print(f"training on one core, images per second: {_machine()}", highlight=False)
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("network", "side", "median", "slowest", "fastest", "mxtrials is"):
        table.add_column(name, justify="left" if name in ("network", "side") else "right")
    own = {speed.network: speed.median for speed in speeds if speed.side == "mxtrials"}
    for speed in speeds:
        numbers = [f"{number:,.0f}" for number in (speed.median, speed.slowest, speed.fastest)]
        ratio = "" if speed.side == "mxtrials" else f"{own[speed.network] / speed.median:.2f} x"
        table.add_row(speed.network, speed.side, *numbers, ratio)
    console.print(table)
    for side, package in SIDES.items():
        if importlib.util.find_spec(package) is None:
            console.print(f"{side} is left out: {package} is not installed (extra `bench`)", highlight=False)


def _measure(side: str, network: str) -> list[float]:
    """One process, on the first core that this one may use."""
    command = [sys.executable, "-W", "ignore", "-m", "jobs.bench_sides", side, network, str(EPOCHS)]
    core = {min(os.sched_getaffinity(0))}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, core),
    )
    return [float(number) for number in done.stdout.split()]


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    return f"{platform.machine()}, {cores} cores, Python {platform.python_version()}"
