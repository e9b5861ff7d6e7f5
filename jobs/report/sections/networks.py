"""Each kind of network by its best trial: its layers, its confusion matrices, and its worst mistakes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from cluster.analysis.mistakes import Mistake, Mistakes, mistakes
from cluster.analysis.study_record import RecordedTrial
from cluster.results.networks import read_networks
from cluster.run_dir.shell import shell_command
from jobs.report.digits import BAR_HEIGHT, BAR_STEP, bars, digit_data_uri
from jobs.report.formats import percent
from jobs.report.network import draw_network
from jobs.report.section import Section
from jobs.report.study import ReportedStudy
from mnist_core.config import CLASS_NAMES
from mnist_core.measurement import ConfusionMatrix, Measurement
from mnist_core.model.layers import Layer


@dataclass(frozen=True)
class _Confusion:
    """The confusion matrices of one head, by epoch; the page shows the last, and its script the others."""

    id: str
    head: str
    names: Sequence[str]
    epochs: Sequence[int]
    last: ConfusionMatrix
    recalls: Sequence[str]


@dataclass(frozen=True)
class _ShownMistake:
    uri: str
    image: int
    label: int
    predicted: int
    of_label: str
    of_predicted: str
    bars: Sequence[tuple[int, int, int]]


@dataclass(frozen=True)
class _Network:
    kind: str
    trial: int
    parameters: str
    weights: str
    flops: str
    drawing: Markup | None
    confusions: Sequence[_Confusion]
    mistakes: Mistakes | None
    shown: Sequence[_ShownMistake]


def networks(study: ReportedStudy) -> Section | None:
    """Returns the section; None without a complete trial."""
    best = list(study.record.best_of_each_kind())
    if not best:
        return None
    layers = read_networks(study.run_dir.networks)
    confusions = {each.trial.number: _confusions(each) for each in best}
    return Section(
        "networks",
        "Networks",
        "networks.html.j2",
        {
            "networks": [
                _network(study, each, layers.get(each.trial.number, ()), confusions[each.trial.number]) for each in best
            ],
            "bar_step": BAR_STEP,
            "bar_height": BAR_HEIGHT,
            "resume": shell_command("mxtrials", "resume", study.run_dir.path),
        },
        data={
            "confusions": {
                shown.id: [
                    measured.confusion[shown.head] for measured in each.measurements if shown.head in measured.confusion
                ]
                for each in best
                for shown in confusions[each.trial.number]
            }
        },
    )


def _network(
    study: ReportedStudy, each: RecordedTrial, layers: Sequence[Layer], confusions: Sequence[_Confusion]
) -> _Network:
    trial = each.trial
    predictions = study.predictions.get(trial.number)
    found = mistakes(predictions) if predictions else None
    weights, flops = sum(layer.parameters for layer in layers), sum(layer.flops for layer in layers)
    title = f"The layers of {trial.model}, trial {trial.number}"
    return _Network(
        trial.model,
        trial.number,
        study.parameters[trial.number],
        f"{weights:,}" if layers else "",
        f"{flops / 1e6:,.2f} million" if layers else "",
        # The drawing is a template of its own, which has escaped what it shows.
        Markup(draw_network(layers, title, background=None, arrowhead=f"arrowhead-{trial.number}")) if layers else None,
        confusions,
        found,
        [_shown(study, mistake) for mistake in found.worst] if found is not None and study.dataset is not None else [],
    )


def _confusions(each: RecordedTrial) -> list[_Confusion]:
    measured = [measurement for measurement in each.measurements if measurement.confusion]
    if not measured:
        return []
    last: Mapping[str, ConfusionMatrix] = measured[-1].confusion
    return [
        _Confusion(
            f"confusion-{each.trial.number}-{head}",
            head,
            CLASS_NAMES.get(head, tuple(map(str, range(len(counts))))),
            [measurement.epoch for measurement in _measured(each, head)],
            counts,
            [percent(row[label] / max(sum(row), 1), 1) for label, row in enumerate(counts)],
        )
        for head, counts in last.items()
    ]


def _measured(each: RecordedTrial, head: str) -> list[Measurement]:
    """Returns the measurements that have a confusion matrix of a head."""
    return [measurement for measurement in each.measurements if head in measurement.confusion]


def _shown(study: ReportedStudy, mistake: Mistake) -> _ShownMistake:
    assert study.dataset is not None
    return _ShownMistake(
        digit_data_uri(study.dataset.test.images[mistake.image]),
        mistake.image,
        mistake.label,
        mistake.predicted,
        percent(mistake.probabilities[mistake.label], 1),
        percent(mistake.probabilities[mistake.predicted], 1),
        bars(mistake.probabilities),
    )
