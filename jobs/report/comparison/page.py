"""Writes studies side by side as one HTML page, like the report."""

import time
from pathlib import Path

from cluster.analysis.comparison.comparison import Comparison
from jobs.report.comparison.sections import curves, pairs, specs, verdict
from jobs.report.page import Heading, render_page
from mnist_core.atomic_file import write_atomically

SECTIONS = (verdict, curves, pairs, specs)
"""From top to bottom. A section's function returns None if there is nothing to show."""


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Writes the page.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    write_atomically(path, render_comparison(comparison))


def render_comparison(comparison: Comparison) -> bytes:
    """Returns the page as HTML."""
    sections = [section for make in SECTIONS if (section := make(comparison)) is not None]
    *labels, last = [study.label for study in comparison.studies]
    return render_page(Heading("comparison", f"{', '.join(labels)} and {last}"), sections, time.time())
