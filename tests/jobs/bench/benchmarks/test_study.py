"""`bench study`: both sides search the same space, and what they tell becomes figures and promises."""

import importlib.util
from typing import Any

import pytest

from cluster.spec.spec_file import load_spec
from jobs.bench.benchmarks.study import BEST, EPOCHS, RAY_TUNE, WALL, report_of
from jobs.bench.programs.study import MAX_EPOCHS, SPEC, TRIALS
from jobs.bench.report import OURS
from jobs.bench.rounds import Turns


def told(wall_s: float, best: float, **more: Any) -> dict[str, Any]:
    return {"wall_s": wall_s, "epochs": 70, "best": best, "training": 60.0, "evaluation": 5.0, **more}


def ours(wall_s: float, best: float) -> dict[str, Any]:
    seconds = {"training": 2 * wall_s, "idle": 0.001}
    return told(wall_s, best, waiting_later=2.0, worker_s=seconds, driver_s=seconds)


def test_spec_is_the_study_that_is_promised() -> None:
    spec = load_spec(SPEC)
    assert (spec.trials, spec.training.epochs, spec.data.holdout) == (TRIALS, MAX_EPOCHS, 10_000)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="comes with the extra `bench`")
@pytest.mark.skipif(importlib.util.find_spec("pandas") is None, reason="comes with the extra `bench`")
def test_both_sides_search_the_same_space() -> None:
    from jobs.bench.peers.ray_tune_study import SPACE

    space = load_spec(SPEC).search.space
    names = {"lr": "learning_rate"}
    assert {f"training.{names.get(name, name)}" for name in SPACE} == set(space)
    for name, domain in SPACE.items():
        bounds = space[f"training.{names.get(name, name)}"].model_dump()
        found = {"choices": domain.categories} if name == "batch_size" else {"low": domain.lower, "high": domain.upper}
        assert {key: list(each) if key == "choices" else each for key, each in bounds.items() if key in found} == found


def test_medians_of_both_sides_are_compared() -> None:
    studies = {
        OURS: [ours(10.0, 0.97), ours(30.0, 0.98), ours(20.0, 0.975)],
        RAY_TUNE: [told(120.0, 0.977), told(100.0, 0.977), told(200.0, 0.977)],
    }
    report = report_of(Turns(studies))
    wall, best, epochs = report.find(WALL, RAY_TUNE), report.find(BEST), report.find(EPOCHS)
    assert wall is not None
    assert report.advantage(wall) == pytest.approx(6.0)
    assert best is not None
    assert best.median == 0.975
    assert epochs is not None
    assert report.advantage(epochs) is None
    faster, faster_than_reusing, behind, waiting = report.targets
    assert (faster.measured, faster.met) == (6.0, True)
    assert faster_than_reusing.measured is None
    assert behind.measured == pytest.approx(0.2)
    assert behind.met
    assert waiting.met
    assert report.notes[0] == "mxtrials, round 1, 10.0 s: workers training 20.00"


def test_without_ray_tune_nothing_is_promised_of_it() -> None:
    report = report_of(Turns({OURS: [ours(10.0, 0.97)]}, ["Ray Tune is left out"]))
    assert [target.met for target in report.targets] == [None, None, None, True]
    assert report.notes[-1] == "Ray Tune is left out"
