"""Only the best complete trial of each kind of network keeps its weights."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.run_dir.best_weights import BestWeights
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.spec.direction import Direction
from mnist_core.training.state import TrainingState, pack

STATE = pack(TrainingState(1, 1.0, np.zeros(4, np.float32), ()))


def update_in_order(path: Path, direction: Direction, trials: list[tuple[str, float]], order: list[int]) -> set[int]:
    """Updates the best weights in this order and returns the trials that still have checkpoints."""
    checkpoints = Checkpoints(RunDir.create(path / "run"))
    best_weights = BestWeights(checkpoints, direction)
    for number in order:
        kind, value = trials[number]
        checkpoints.save(number, 1, STATE)
        best_weights.update(kind, number, value)
        checkpoints.sweep()
    return {number for number in range(len(trials)) if checkpoints.load_newest(number) is not None}


@given(
    trials=st.lists(st.tuples(st.sampled_from(["mlp", "lenet"]), st.sampled_from([0.1, 0.5, 0.9])), max_size=8),
    direction=st.sampled_from(Direction),
    data=st.data(),
)
def test_best_of_each_kind_is_kept_in_any_order(
    trials: list[tuple[str, float]],
    direction: Direction,
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    order = data.draw(st.permutations(range(len(trials))))
    sign = -1 if direction is Direction.MAXIMIZE else 1
    best: dict[str, int] = {}
    for number in sorted(range(len(trials)), key=lambda number: (sign * trials[number][1], number)):
        best.setdefault(trials[number][0], number)
    assert update_in_order(tmp_path_factory.mktemp("best_weights"), direction, trials, order) == set(best.values())
