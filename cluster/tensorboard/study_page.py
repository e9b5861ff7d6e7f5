"""Writes the run `study`: its leaderboard and spec, how it went over time, and how the Custom Scalars are laid out."""

import math
import time
from bisect import insort
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.results.pictures import labelled_digits
from cluster.spec.spec_file import dump_spec
from cluster.spec.study_spec import StudySpec
from cluster.tensorboard.event_files import EventWriter, next_event_file
from cluster.tensorboard.hparams import HParamsPage, TrialEnd
from cluster.tensorboard.summaries import Event, custom_scalars, event, image, scalars, text
from cluster.trial import TrialState
from mnist_core.data.dataset import UInt8Array

FIRST_IMAGES = 10
LONGEST_LEADERBOARD = 20
# Over how many ended trials the throughput is averaged.
THROUGHPUT_TRIALS = 10
# Trials that end at shorter intervals share one write.
WRITE_EVERY_S = 1.0
MOST_PENDING = 1000  # points of the study, whatever the clock says

READING_GUIDE = """\
Each **run** is a trial: its number, its network, and what the search chose for it. The run `study` is about all.

| page | what it shows |
|---|---|
| Time Series, Scalars | `accuracy` and `loss` by epoch, `val` on the validation images, `train` while training |
| Custom Scalars | training and validation in one chart, and how the study went |
| HParams | one row for each ended trial; `state`: complete, pruned (stopped early, as others were better) or failed |
| Images, Graphs, PR Curves, Histograms, Projector | the best trial of each network, once the study has ended |

Choose by `val`: the test images are scored once, at the end, for the best trial of each network.
"""

CHARTS = {
    "Training and validation": {
        "accuracy": [r"^accuracy/(train|val)$"],
        "loss": [r"^loss/(train|val)$"],
    },
    "Study, by ended trials": {
        "best so far": [r"^study/best_so_far"],
        "ended trials": [r"^study/(complete|pruned|failed)$"],
        "epochs per minute, all workers": [r"^study/epochs_per_minute$"],
    },
    "Training": {
        "learning rate": [r"^schedule/learning_rate$"],
        "images per second, one worker": [r"^perf/samples_per_second$"],
    },
}
HEADS = {"Heads": {"accuracy of digits and parities": [r"^accuracy/(digit|parity)$"]}}
"""Category of the Custom Scalars page -> title of a chart -> patterns of its tags."""


@dataclass(frozen=True)
class EndedTrial:
    """A trial that has ended.

    Attributes:
        number: the trial's number.
        kind: of its network.
        run: the name of its run.
        ended_at: Unix time in seconds.
    """

    number: int
    kind: str
    run: str
    end: TrialEnd
    ended_at: float

    @property
    def value(self) -> float | None:
        """The objective, if the trial is complete."""
        return self.end.objective if self.end.state is TrialState.COMPLETE else None


class StudyPage:
    """The run `study`, which grows with each trial that ends.

    Keeps only what the next point and the next leaderboard need, however many trials have ended.
    """

    def __init__(self, folder: Path, spec: StudySpec, hparams: HParamsPage, writer: EventWriter) -> None:
        """Writes nothing yet; `folder` is the one of the run."""
        self._folder = folder
        self._spec = spec
        self._hparams = hparams
        self._writer = writer
        self._file = next_event_file(folder)
        self._states: Counter[TrialState] = Counter()
        self._epochs = 0
        self._best: dict[str, float] = {}
        self._leaders: list[EndedTrial] = []
        self._pending: list[Event] = []
        self._written_at = -math.inf
        self._recent: deque[tuple[float, int]] = deque(maxlen=THROUGHPUT_TRIALS + 1)

    def open(self, images: UInt8Array, labels: UInt8Array) -> None:
        """Starts the run anew: columns, layout, texts, and the first ten images, (n, 28, 28) uint8, with labels."""
        self._file = next_event_file(self._folder)
        self._writer.delete(self._folder)
        picture = labelled_digits(images[:FIRST_IMAGES], labels[:FIRST_IMAGES])
        head = [
            self._hparams.experiment(),
            custom_scalars(CHARTS | (HEADS if "multitask" in self._spec.model_kinds else {})),
            text("study/reading_guide", READING_GUIDE),
            text("study/spec", f"```yaml\n{dump_spec(self._spec)}```"),
            image("pictures/first_images", picture),
        ]
        self._pending = [event(head)]
        self.flush()

    def add(self, trial: EndedTrial) -> None:
        """Adds a point to the charts; and a leaderboard after 1, 2, 4, 8, ... trials."""
        self._states[trial.end.state] += 1
        self._epochs += trial.end.epochs
        self._recent.append((trial.ended_at, self._epochs))
        if trial.value is not None:
            self._rank(trial, trial.value)
        ended = self._states.total()
        values = scalars(dict(self._points()))
        if ended & (ended - 1) == 0:
            values.append(text("study/leaderboard", self._leaderboard({})))
        self._pending.append(event(values, ended, trial.ended_at))
        self.flush(trial.ended_at - WRITE_EVERY_S)

    def flush(self, written_before: float = math.inf) -> None:
        """Writes the points that wait, if the last ones were written before this Unix time, or if many wait."""
        if self._pending and (self._written_at <= written_before or len(self._pending) >= MOST_PENDING):
            self._writer.append(self._file, self._pending)
            self._pending.clear()
            self._written_at = time.time()

    def write_leaderboard(self, tested: dict[int, float]) -> None:
        """Writes the last leaderboard; `tested`: the test score of each trial that has one, by number."""
        self._pending.append(event([text("study/leaderboard", self._leaderboard(tested))], self._states.total()))
        self.flush()

    def _rank(self, trial: EndedTrial, value: float) -> None:
        direction = self._spec.search.direction
        if trial.kind not in self._best or direction.is_better(value, self._best[trial.kind]):
            self._best[trial.kind] = value
        insort(self._leaders, trial, key=lambda each: direction.rank_key(each.value or 0.0, each.number))
        del self._leaders[LONGEST_LEADERBOARD:]

    def _points(self) -> Iterator[tuple[str, float]]:
        if self._leaders:
            yield "study/best_so_far", self._leaders[0].value or 0.0
        if len(self._spec.model_kinds) > 1:
            yield from ((f"study/best_so_far_{kind}", value) for kind, value in self._best.items())
        for state, name in _ENDS.items():
            yield f"study/{name}", self._states[state]
        (first_s, before), (last_s, after) = self._recent[0], self._recent[-1]
        if last_s > first_s:
            yield "study/epochs_per_minute", 60 * (after - before) / (last_s - first_s)

    def _leaderboard(self, tested: dict[int, float]) -> str:
        """Returns the best complete trials as a table in Markdown."""
        objective = self._spec.search.objective
        counts = ", ".join(f"{self._states[state]} {name}" for state, name in _ENDS.items() if self._states[state])
        lines = [
            f"**{self._spec.name}**: {counts} of {self._spec.trials} trials",
            "",
            f"| | run | {objective} | {'test | ' if tested else ''}epochs | seconds |",
            f"|---|---|---|{'---|' if tested else ''}---|---|",
        ]
        for rank, trial in enumerate(self._leaders, start=1):
            test = f"{tested[trial.number]:.4f} | " if trial.number in tested else "| " if tested else ""
            lines.append(
                f"| {rank} | {trial.run} | {trial.value:.4f} | {test}{trial.end.epochs} | {trial.end.seconds:.1f} |"
            )
        return "\n".join(lines)


_ENDS = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
