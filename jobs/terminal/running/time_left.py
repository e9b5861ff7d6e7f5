"""Estimates how long a study still takes, from how long the epochs of each network take. The estimate never grows."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from cluster.spec.space import grid_point
from cluster.spec.study_spec import StudySpec
from jobs.terminal.fields import trial_epochs

# How long an epoch of each kind of network takes beside the others, until it has been measured: roughly, on a CPU.
_USUAL_COST: Mapping[str, float] = {"mlp": 1.0, "multitask": 1.0, "lenet": 4.0}
_SAMPLE = 100


class Training(Protocol):
    """What the estimate needs to know of a running trial: see TrialProgress."""

    @property
    def model(self) -> str: ...  # noqa: D102

    @property
    def seconds_per_epoch(self) -> float | None: ...  # noqa: D102

    @property
    def remaining_s(self) -> float | None: ...  # noqa: D102

    @property
    def epochs(self) -> int: ...  # noqa: D102


class TimeLeft:
    """An estimate that falls as trials end, and stands still rather than grow."""

    def __init__(self, spec: StudySpec) -> None:
        """Knows nothing yet about the speed of this machine."""
        self._spec = spec
        self._next_number = 0
        self._seconds: dict[str, float] = {}  # kind of network -> its latest seconds per epoch
        self._ended = 0
        self._shares = 0.0  # sum over ended trials of how much of their epochs they trained
        self._shown_s: float | None = None

    def start(self, number: int) -> None:
        """Takes into account that a trial has started."""
        self._next_number = max(self._next_number, number + 1)

    def measure(self, kind: str, seconds_per_epoch: float) -> None:
        """Takes into account how long an epoch took."""
        self._seconds[kind] = seconds_per_epoch

    def end(self, share: float) -> None:
        """Takes into account how much of its epochs a trial had trained when it ended."""
        self._ended += 1
        self._shares += share

    def estimate(self, running: Sequence[Training], left: int, workers: int) -> float | None:
        """Returns the seconds until the last trial ends, None if no speed is known.

        Args:
            running: the trials that are being trained.
            left: how many trials wait or have not started.
            workers: how many train at the same time.
        """
        known = {trial.model: per_epoch for trial in running if (per_epoch := trial.seconds_per_epoch) is not None}
        seconds = known | self._seconds
        if not seconds:
            return None
        unit_s = max(per_epoch / _USUAL_COST.get(kind, 1.0) for kind, per_epoch in seconds.items())
        cost = {kind: seconds.get(kind, unit_s * _USUAL_COST.get(kind, 1.0)) for kind in self._spec.model_kinds}
        rests = [
            trial.epochs * cost.get(trial.model, unit_s) if trial.remaining_s is None else trial.remaining_s
            for trial in running
        ]
        work_s = sum(rests) + left * self._usual_trial_s(cost) * self._usual_share()
        raw_s = max([work_s / max(1, min(workers, len(running) + left)), *rests])
        self._shown_s = raw_s if self._shown_s is None else min(self._shown_s, raw_s)
        return self._shown_s

    def _usual_share(self) -> float:
        """Returns how much of its epochs a trial trains before it ends, or is pruned; all of them at first."""
        return (1.0 + self._shares) / (1.0 + self._ended)

    def _usual_trial_s(self, cost: Mapping[str, float]) -> float:
        """Returns how long a trial takes that has not started, if it is not pruned."""
        spec = self._spec
        if spec.search.sampler.kind != "grid":
            return spec.max_epochs * sum(cost.values()) / len(cost)
        rest = range(min(self._next_number, spec.trials - 1), spec.trials)
        points = [grid_point(spec.search.space, number) for number in rest[:: max(1, len(rest) // _SAMPLE)]]
        return sum(trial_epochs(spec, point) * cost[spec.model_kind(point)] for point in points) / len(points)
