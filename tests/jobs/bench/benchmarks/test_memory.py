"""The programs of `bench memory` on real Ray: the data is in the object store once, however many workers use it."""

import pytest

from jobs.bench.benchmarks.memory import PROGRAMS
from jobs.bench.programs.memory import KINDS, measure_mxtrials


@pytest.mark.slow
def test_two_workers_map_one_copy_of_the_data() -> None:
    footprint = measure_mxtrials(2)

    assert footprint.images == pytest.approx(70_000 * (28 * 28 + 1) / 2**20)
    assert footprint.store_files == 1
    assert footprint.images <= footprint.store_total < 1.05 * footprint.images
    assert min(footprint.store_mapped) > 0.7 * footprint.images
    assert footprint.total > footprint.store_total


def test_every_program_of_the_table_can_be_run() -> None:
    assert set(PROGRAMS.values()) == set(KINDS)
