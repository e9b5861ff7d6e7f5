"""Assembles a study's report: one page that holds all it needs, and a policy that forbids everything else."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cluster.machine.software import installed_version
from cluster.run_dir.paths import RunDir
from jobs.report.charts.style import CONFIG
from jobs.report.section import Section
from jobs.report.sections.health import health
from jobs.report.sections.images import images
from jobs.report.sections.leaderboard import leaderboard
from jobs.report.sections.networks import networks
from jobs.report.sections.parameters import parameters
from jobs.report.sections.progress import progress
from jobs.report.sections.setup import setup
from jobs.report.sections.verdict import verdict
from jobs.report.sections.workers import workers
from jobs.report.study import read_reported_study
from jobs.report.vega_bundle import vega_javascript
from mnist_core.atomic_file import write_atomically

SECTIONS = (verdict, health, leaderboard, progress, parameters, workers, networks, images, setup)
"""From top to bottom. A section's function returns None if there is nothing to show."""


def write_report(run_dir: RunDir, path: Path | None = None, *, is_over: bool = False) -> Path:
    """Writes a study's report, and returns where: `report.html` in its run directory by default.

    Args:
        run_dir: of the study.
        path: of the page.
        is_over: whether this process has just run the study to its end, and still holds its lock.

    Raises:
        RunDirError: the store cannot be read.
        SpecError: the spec cannot be read, or is no longer the one that the study was started with.
        NotWritable: the folder or the disk is not writable.
    """
    target = path or run_dir.report
    write_atomically(target, render_report(run_dir, is_over=is_over))
    return target


def render_report(run_dir: RunDir, revision: str | None = None, *, is_over: bool = False) -> bytes:
    """Returns a study's report as HTML, even while it is running.

    Args:
        run_dir: of the study.
        revision: what `GET revision` answers as long as the page is up to date; None for a page that is not served.
        is_over: as for `write_report`.

    Raises:
        RunDirError: the store cannot be read.
        SpecError: the spec cannot be read, or is no longer the one that the study was started with.
    """
    study = read_reported_study(run_dir, is_over=is_over)
    sections = [section for make in SECTIONS if (section := make(study)) is not None]
    summary = study.record.summary
    heading = Heading("report", summary.spec.name, summary.state, summary.reason)
    return render_page(heading, sections, study.now, revision)


@dataclass(frozen=True)
class Heading:
    """What stands at the top of a page.

    Attributes:
        kind: of the page, such as "report".
        name: what it is about.
        badge: the state beside the name; "" for none.
        reason: below the name; None for none.
    """

    kind: str
    name: str
    badge: str = ""
    reason: str | None = None


def render_page(heading: Heading, sections: Sequence[Section], now: float, revision: str | None = None) -> bytes:
    """Returns a page as HTML.

    Args:
        heading: at its top.
        sections: below, in this order; the first is called `verdict`.
        now: when the page is made, in Unix seconds.
        revision: as for `render_report`.
    """
    style, script, vega = _static("report.css"), _static("report.js"), vega_javascript()
    page = _pages().get_template("page.html.j2")
    text = page.render(
        kind=heading.kind,
        name=heading.name,
        state=heading.badge,
        reason=heading.reason,
        sections=sections,
        version=installed_version("mxtrials") or "(not installed)",
        written=f"{datetime.fromtimestamp(now, timezone.utc):%Y-%m-%d %H:%M:%S}",
        policy=_policy(style, [vega, script], is_served=revision is not None),
        notices=_static("notices.txt"),
        # Only our own files and the bundle: nothing from a spec, a store or an error.
        style=Markup(style),
        script=Markup(script),
        vega=Markup(vega),
        data=embedded_json(
            {
                "config": CONFIG,
                "charts": [chart.as_json() for section in sections for chart in section.charts],
                "data": {name: value for section in sections for name, value in section.data.items()},
                "revision": revision,
            }
        ),
    )
    return text.encode("utf-8", "backslashreplace")


def embedded_json(document: object) -> Markup:
    """Returns JSON that may stand in a `<script>`: no text in it can end the element, or start a comment.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _policy(style: str, scripts: Sequence[str], *, is_served: bool) -> str:
    """Returns the Content-Security-Policy: these scripts, this style, images in the page, and nothing else."""
    allowed = " ".join(map(_source, scripts))
    connect = "; connect-src 'self'" if is_served else ""
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_source(style)}; img-src data:; base-uri 'none'; "
        f"form-action 'none'{connect}"
    )


def _source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _static(name: str) -> str:
    return (files("jobs.report") / "static" / name).read_text("utf-8")


def _pages() -> Environment:
    pages = Environment(
        loader=PackageLoader("jobs.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    pages.filters["shade"] = shade
    return pages


def shade(count: int, total: int) -> str:
    """Returns the class of a wrong cell of a confusion matrix, by its share of the row; report.js does the same."""
    if count == 0:
        return "e0"
    share = count / total
    return "e1" if share < 0.01 else "e2" if share < 0.05 else "e3"
