"""All checks of a study, in the order in which they are shown."""

from collections.abc import Callable, Iterator

from cluster.analysis.health.bounds import best_on_bound
from cluster.analysis.health.finding import Finding, percentage, points, trials_text
from cluster.analysis.health.record import HealthRecord, read_health_record
from cluster.analysis.health.trials import diverged, stuck
from cluster.analysis.intervals import independent_difference, share_interval
from cluster.results.summary import StudySummary
from cluster.run_dir.paths import RunDir
from mnist_core.data.dataset import dim_pixels

Check = Callable[[HealthRecord], Iterator[Finding]]

SAVED_SHARE = 0.25
"""A pruner is proposed if it saves at least this share of the epochs."""


def dim(record: HealthRecord) -> Iterator[Finding]:
    """Yields a finding if the pixels of the images are not in 0..255."""
    found = None if record.largest_pixel is None else dim_pixels(record.largest_pixel)
    if found is not None:
        yield Finding("dim-pixels", f"the pixels of the images are in 0..{record.largest_pixel}, not in 0..255", found)


def prunable(record: HealthRecord) -> Iterator[Finding]:
    """Yields a finding if a pruner would have saved many epochs without the best trial of any network."""
    saving = record.saving
    if saving is not None and saving.saved >= SAVED_SHARE * saving.trained:
        share = percentage(saving.saved / saving.trained)
        yield Finding(
            "prunable",
            f"the pruner {saving.pruner} would have saved {saving.saved} of {saving.trained} epochs ({share}) and kept "
            "the best trials",
            f"set search.pruner.kind to {saving.pruner}",
        )


def within_noise(record: HealthRecord) -> Iterator[Finding]:
    """Yields a note if other trials may be as good as the best one: their gaps are within the noise of the images."""
    summary, images = record.summary, record.images
    ranked = summary.ranked()
    if len(ranked) < 2 or not images or summary.spec.search.objective == "val/loss":
        return
    best, top = ranked[0], ranked[0].value or 0.0
    gaps = {trial.number: independent_difference(trial.value or 0.0, images, top, images) for trial in ranked[1:]}
    equal = [number for number, gap in gaps.items() if gap.is_noise]
    if equal:
        low, high = share_interval(top, images)
        apart = points(max(gaps[number].value for number in equal))
        gap = f"gaps of at most {apart} points are" if equal[1:] else f"a gap of {apart} points is"
        yield Finding(
            "within-noise",
            f"{trials_text(equal)} may be as good as the best one, {best.number}, because {gap} within the noise of "
            f"{images:,} images (±{points((high - low) / 2)} each)",
            "choose the fastest of them, or compare them with more seeds",
            "note",
        )


CHECKS: tuple[Check, ...] = (dim, diverged, stuck, best_on_bound, prunable, within_noise)


def find_problems(record: HealthRecord) -> list[Finding]:
    """Returns what the checks find, the worst first; [] for a study with nothing to improve."""
    return [finding for check in CHECKS for finding in check(record)]


def read_findings(run_dir: RunDir, summary: StudySummary) -> list[Finding]:
    """Checks the study in a run directory, even while it is running.

    Raises:
        RunDirError: the store cannot be read.
    """
    return find_problems(read_health_record(run_dir, summary))


def study_document(run_dir: RunDir, summary: StudySummary) -> dict[str, object]:
    """Returns what `show --json` and `run --json` print: the summary, and as `health` what the checks found.

    Raises:
        RunDirError: the store cannot be read.
    """
    return {**summary.as_json(), "health": [finding.as_json() for finding in read_findings(run_dir, summary)]}
