"""`bench study`: both programs search the same space, and what they measure becomes figures and targets."""

import importlib.util
from typing import Any

import pytest

from cluster.spec.spec_file import load_spec
from jobs.bench.benchmarks.study import BEST, EPOCHS, RAY_TUNE, WALL, make_report
from jobs.bench.programs.study import MAX_EPOCHS, SPEC, TRIALS
from jobs.bench.report import OURS
from jobs.bench.rounds import Rounds


def study(wall_s: float, best: float, **more: Any) -> dict[str, Any]:
    return {"wall_s": wall_s, "epochs": 70, "best": best, "training": 60.0, "evaluation": 5.0, **more}


def ours(wall_s: float, best: float) -> dict[str, Any]:
    seconds = {"training": 2 * wall_s, "idle": 0.001}
    return study(wall_s, best, waiting_later=2.0, worker_s=seconds, driver_s=seconds)


def test_spec_is_the_documented_study() -> None:
    spec = load_spec(SPEC)
    assert (spec.trials, spec.training.epochs, spec.data.holdout) == (TRIALS, MAX_EPOCHS, 10_000)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="comes with the extra `bench`")
@pytest.mark.skipif(importlib.util.find_spec("pandas") is None, reason="comes with the extra `bench`")
def test_both_programs_search_the_same_space() -> None:
    from jobs.bench.peers.ray_tune_study import FIELDS, search_space

    space = load_spec(SPEC).search.space
    domains = search_space()
    assert {FIELDS[name] for name in domains} == set(space)
    for name, domain in domains.items():
        bounds = space[FIELDS[name]].model_dump()
        found = {"choices": domain.categories} if name == "batch_size" else {"low": domain.lower, "high": domain.upper}
        assert {key: list(each) if key == "choices" else each for key, each in bounds.items() if key in found} == found


def test_medians_of_both_programs_are_compared() -> None:
    studies = {
        OURS: [ours(10.0, 0.97), ours(30.0, 0.98), ours(20.0, 0.975)],
        RAY_TUNE: [study(120.0, 0.977), study(100.0, 0.977), study(200.0, 0.977)],
    }
    report = make_report(Rounds(studies))
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


def test_targets_over_ray_tune_are_unknown_without_it() -> None:
    report = make_report(Rounds({OURS: [ours(10.0, 0.97)]}, {RAY_TUNE: "torch is not installed"}))
    assert [target.met for target in report.targets] == [None, None, None, True]
    assert report.notes[-1] == "Ray Tune + PyTorch is left out: torch is not installed"
