"""Trial records for tests of code that reads them."""

from cluster.driver.observer import TrialStarted
from cluster.spec.space import Params
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialRecord, TrialSpec, TrialState


def finished_trial(state: TrialState, number: int = 0, value: float | None = None, *, epochs: int = 1) -> TrialRecord:
    """The record of a trial that ended after some epochs on one worker."""
    return TrialRecord(
        number=number,
        state=state,
        model="mlp",
        params={},
        seed=0,
        epochs=epochs,
        value=value,
        metrics={},
        attempts=1,
        seconds=1.0,
        worker="cpu-0",
        error=None,
        traceback=None,
        weights_sha256=None,
        test=None,
    )


def started(
    number: int, kind: str = "mlp", params: Params | None = None, worker: str = "cpu-0", epochs: int = 10
) -> TrialStarted:
    """What observers receive when a worker is given a trial of this kind of network."""
    spec = StudySpec.model_validate({"name": "study", "model": {"kind": kind}, "training": {"epochs": epochs}})
    return TrialStarted(TrialSpec(number, spec.model, spec.training, seed=0, params=params or {}), worker)
