"""Learning-rate schedules compared with MXNet's own, which count updates from 1 for steps and from 0 for cosines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.config import ConstantSchedule, CosineSchedule, StepSchedule
from mnist_core.context import mx
from mnist_core.training.schedules import learning_rate

EPOCHS, STEPS_PER_EPOCH = 10, 7
STEPS = range(EPOCHS * STEPS_PER_EPOCH)


@given(base=st.floats(1e-6, 100), step=st.integers(0, 10**9))
def test_constant_schedule_never_changes(base: float, step: int) -> None:
    assert learning_rate(base, ConstantSchedule(), step, STEPS_PER_EPOCH, EPOCHS) == base


@pytest.mark.parametrize("every", [1, 2, 3, 20])
@pytest.mark.parametrize("factor", [0.1, 0.5, 1.0])
def test_step_schedule_equals_mxnets_factor_scheduler(every: int, factor: float) -> None:
    theirs = mx.lr_scheduler.FactorScheduler(every * STEPS_PER_EPOCH, factor, stop_factor_lr=0, base_lr=0.1)
    schedule = StepSchedule(every_epochs=every, factor=factor)
    for step in STEPS:
        ours = learning_rate(0.1, schedule, step, STEPS_PER_EPOCH, EPOCHS)
        assert ours == pytest.approx(theirs(step + 1), rel=1e-12)


@pytest.mark.parametrize("final", [0.0, 0.1, 1.0])
def test_cosine_schedule_equals_mxnets_cosine_scheduler(final: float) -> None:
    theirs = mx.lr_scheduler.CosineScheduler(len(STEPS), base_lr=0.1, final_lr=0.1 * final)
    schedule = CosineSchedule(final_fraction=final)
    for step in STEPS:
        ours = learning_rate(0.1, schedule, step, STEPS_PER_EPOCH, EPOCHS)
        assert ours == pytest.approx(theirs(step), rel=1e-12)


@given(final=st.floats(0, 1), steps_per_epoch=st.integers(1, 1000), epochs=st.integers(1, 100), data=st.data())
def test_cosine_schedule_falls_from_the_base_and_stays_above_its_end(
    final: float, steps_per_epoch: int, epochs: int, data: st.DataObject
) -> None:
    step = data.draw(st.integers(0, steps_per_epoch * epochs - 1))
    schedule = CosineSchedule(final_fraction=final)
    now, then = (learning_rate(1.0, schedule, s, steps_per_epoch, epochs) for s in (step, step + 1))
    assert learning_rate(1.0, schedule, 0, steps_per_epoch, epochs) == pytest.approx(1.0)
    assert final - 1e-12 <= then <= now + 1e-12
