"""Records of trials, as a store would have them, for tests of what is made of them."""

from cluster.trial import TrialRecord, TrialState


def finished_trial(state: TrialState, number: int = 0, value: float | None = None) -> TrialRecord:
    """A trial that has ended after one epoch on one worker."""
    return TrialRecord(
        number=number,
        state=state,
        model="mlp",
        params={},
        seed=0,
        epochs=1,
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
