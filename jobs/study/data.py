"""`mxtrials data`: builds or checks the cache and says what is in it."""

import dataclasses
import json

import click
from rich.console import Console
from rich.table import Table

from mnist_core.data.cache import CacheReport, default_cache_dir, inspect_cache


def check_data(source: str) -> CacheReport:
    """Builds the cache of a source if need be, and checks it to the last byte.

    Raises:
        DataError: the source is missing or malformed.
        NotWritable: the cache cannot be written.
    """
    return inspect_cache(source, cache_dir=default_cache_dir())


def show_report(report: CacheReport, as_json: bool, console: Console) -> None:
    """Prints a report as a table, or as JSON."""
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(report) | {"path": str(report.path)}, indent=2))
        return
    if report.damage:
        console.print(f"[yellow]the cache was damaged and is built anew:[/] {report.damage}")
    done = "built" if report.built else "checked"
    console.print(f"{done} {report.path} ({report.size_bytes / 1e6:.1f} MB)", highlight=False, soft_wrap=True)
    console.print(f"fingerprint {report.fingerprint}", highlight=False, soft_wrap=True)
    table = Table(box=None, header_style="dim", padding=(0, 1))
    table.add_column("")
    for digit in range(len(report.train_counts)):
        table.add_column(str(digit), justify="right")
    table.add_column("all", justify="right")
    for name, counts in (("train", report.train_counts), ("test", report.test_counts)):
        table.add_row(name, *map(str, counts), str(sum(counts)))
    console.print(table)
