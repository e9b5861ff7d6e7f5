"""The sides of `bench memory` on real Ray: the data set is in the object store once, whatever the number of workers."""

import pytest

from jobs.bench.benchmarks.memory import SIDES as COMPARED
from jobs.bench.programs.memory import SIDES


@pytest.mark.slow
def test_two_workers_map_one_copy_of_the_data_set() -> None:
    footprint = SIDES["mxtrials"](2)

    assert footprint.images == pytest.approx(70_000 * (28 * 28 + 1) / 2**20)
    assert footprint.store_files == 1
    assert footprint.images <= footprint.store_total < 1.05 * footprint.images
    assert min(footprint.store_seen) > 0.7 * footprint.images
    assert footprint.total > footprint.store_total


def test_every_side_of_the_table_can_be_run() -> None:
    assert set(COMPARED.values()) == set(SIDES)
