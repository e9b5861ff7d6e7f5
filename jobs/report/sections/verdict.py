"""The first section: which network won, how well, how long it took, and how to repeat it."""

from dataclasses import dataclass
from datetime import datetime, timezone

from cluster.analysis.intervals import share_interval
from cluster.analysis.study_record import RecordedTrial
from cluster.run_dir.shell import shell_command
from cluster.trial import TrialState
from jobs.report.formats import DASH, duration, number, percent, plural
from jobs.report.section import Section
from jobs.report.study import ReportedStudy
from mnist_core.heads import DIGIT


@dataclass(frozen=True)
class _Best:
    """The best trial of one kind of network, as one row; texts are a dash if there is no such number."""

    model: str
    trial: int
    val: str
    test: str
    interval: str
    parity: str
    parameters: str
    epochs: int
    time: str
    img_per_s: str


def verdict(study: ReportedStudy) -> Section:
    """Returns the section."""
    summary = study.record.summary
    best = list(study.record.best_of_each_kind())
    return Section(
        "verdict",
        "Verdict",
        "verdict.html.j2",
        {
            "sentence": _sentence(study, best),
            "best": [_row(study, each) for each in best],
            "has_parity": any("test/parity_accuracy" in (each.trial.test or {}) for each in best),
            "images": _validation(study),
            "facts": _facts(study),
            "repeat": shell_command("mxtrials", "run", study.run_dir.spec, "--out", "NEW_FOLDER"),
            "reproduce": shell_command("mxtrials", "reproduce", study.run_dir.path),
            "resume": shell_command("mxtrials", "resume", study.run_dir.path)
            if summary.state == "interrupted"
            else None,
        },
    )


def _sentence(study: ReportedStudy, best: list[RecordedTrial]) -> dict[str, str] | None:
    """Returns the parts of the first sentence; None without a complete trial."""
    if not best:
        return None
    trial = best[0].trial
    metrics, test = trial.metrics, trial.test or {}
    return {
        "network": trial.model,
        "trial": str(trial.number),
        "val": percent(metrics.get("val/digit_accuracy", metrics.get("val/accuracy"))),
        "test": percent(test.get("test/digit_accuracy", test.get("test/accuracy"))) if test else "",
        "parameters": study.parameters[trial.number],
        "objective": study.objective,
        "value": number(trial.value),
    }


def _row(study: ReportedStudy, each: RecordedTrial) -> _Best:
    trial = each.trial
    test = trial.test or {}
    share = test.get("test/digit_accuracy", test.get("test/accuracy"))
    predictions = study.predictions.get(trial.number)
    interval = share_interval(share, len(predictions.labels)) if share is not None and predictions else None
    return _Best(
        trial.model,
        trial.number,
        percent(trial.metrics.get("val/digit_accuracy", trial.metrics.get("val/accuracy"))),
        percent(share),
        f"{100 * interval[0]:.2f} to {100 * interval[1]:.2f} %" if interval else DASH,
        percent(test.get("test/parity_accuracy")),
        study.parameters[trial.number],
        trial.epochs,
        duration(trial.seconds),
        f"{trial.metrics.get('perf/samples_per_second', 0.0):,.0f}",
    )


def _validation(study: ReportedStudy) -> int:
    """Returns how many images the trials are validated on; 0 if no trial has been."""
    for each in study.trials:
        if each.measurements and DIGIT.name in each.measurements[-1].confusion:
            return sum(map(sum, each.measurements[-1].confusion[DIGIT.name]))
    return 0


def _facts(study: ReportedStudy) -> list[tuple[str, str]]:
    summary, times, environment = study.record.summary, study.record.times, study.record.environment
    counts = summary.counts()
    states = ", ".join(f"{counts[state.value]:,} {_WORDS[state]}" for state in TrialState if state.value in counts)
    facts = [("Trials", f"{states or 'none yet'}, of {summary.spec.trials:,}")]
    if times is not None:
        workers = times.workers or len({attempt.worker for each in study.trials for attempt in each.attempts})
        took = f"{duration(times.elapsed_s)} on {plural(workers, 'worker')}"
        facts.append(("Time", f"{took}, in {times.sessions} sessions" if times.sessions > 1 else took))
    if study.record.started_at is not None:
        started = datetime.fromtimestamp(study.record.started_at, timezone.utc)
        facts.append(("Started", f"{started:%Y-%m-%d %H:%M} UTC"))
    machine = [str(environment[key]) for key in ("cpu", "host") if environment.get(key)]
    if environment.get("cores"):
        machine.insert(1, f"{environment['cores']} cores")
    if machine:
        facts.append(("Machine", ", ".join(machine)))
    pruner = summary.spec.search.pruner.kind
    searched = f"{summary.spec.search.sampler.kind} sampler, {'no' if pruner == 'none' else pruner} pruner"
    facts.append(("Search", searched))
    return facts


_WORDS = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}
