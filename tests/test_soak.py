"""The soak test, with few trials, and what it reports."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.soak import FIRST, MORE_FILES, MORE_MIB, MORE_THREADS, Sample, Usage, growth, soak

BEFORE = Usage(own_mib=100.0, threads=20, files=30)


@pytest.mark.slow
def test_driver_and_workers_use_no_more_after_150_trials_than_after_100(tmp_path: Path) -> None:
    samples = list(soak(150, tmp_path))
    assert [set(sample.usage) for sample in samples] == [{"driver", "worker 0", "worker 1"}] * 2
    assert [sample.trials >= mark for sample, mark in zip(samples, (FIRST, 150), strict=True)] == [True, True]
    assert all(used.own_mib > 50 and used.threads and used.files for used in samples[0].usage.values())
    assert growth(samples) == []


@pytest.mark.parametrize(
    ("now", "sentences"),
    [
        (Usage(100.0 + MORE_MIB, 20 + MORE_THREADS, 30 + MORE_FILES), []),
        (replace(BEFORE, own_mib=101.0 + MORE_MIB), ["after 500 trials driver uses 17 MiB more than at first"]),
        (replace(BEFORE, threads=25), ["after 500 trials driver uses 5 threads more than at first"]),
        (replace(BEFORE, files=35), ["after 500 trials driver uses 5 open files more than at first"]),
    ],
)
def test_growth_beyond_its_bound_is_reported(now: Usage, sentences: list[str]) -> None:
    samples = [Sample(100, 1.0, {"driver": BEFORE}), Sample(500, 2.0, {"driver": now})]
    assert growth(samples) == sentences
