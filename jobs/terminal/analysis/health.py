"""Draws what the checks of a study found."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from cluster.analysis.health.finding import Finding

MOST_FINDINGS = 4
_STYLES = {"warning": "yellow", "note": "dim"}


def draw_findings(findings: Sequence[Finding], console: Console) -> None:
    """Draws a line for each finding; nothing for a study with nothing to improve."""
    for finding in findings[:MOST_FINDINGS]:
        style = _STYLES[finding.level]
        console.print(f"[{style}]{finding.level}[/]  {escape(finding.text)}", highlight=False)
    if len(findings) > MOST_FINDINGS:
        console.print(f"[dim]and {len(findings) - MOST_FINDINGS} more: --json shows all[/]", highlight=False)
