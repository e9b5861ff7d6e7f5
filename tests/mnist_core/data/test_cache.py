"""The cache: built once by the first process, checked each time, rebuilt if damaged, one for each content."""

import multiprocessing
import resource
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mnist_core.data.cache import CacheReport, default_cache_dir, inspect_cache, open_dataset
from mnist_core.data.dataset import Dataset
from mnist_core.errors import DataError, NotWritable

PROCESSES = 4
TRAIN_COUNTS = (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
TEST_COUNTS = (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)

_barrier: Barrier


def meet_at(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier


def inspect_together(source: Path, cache_dir: Path) -> CacheReport:
    """Runs in each of several processes, which all start at the same moment."""
    _barrier.wait(timeout=60)
    return inspect_cache(source, cache_dir=cache_dir)


def inspect_in_processes(source: Path, cache_dir: Path) -> list[CacheReport]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, context, meet_at, (context.Barrier(PROCESSES),)) as pool:
        futures = [pool.submit(inspect_together, source, cache_dir) for _ in range(PROCESSES)]
        return [future.result(timeout=120) for future in futures]


def inspect_with_file_limit(source: Path, cache_dir: Path, limit_bytes: int) -> str:
    """Runs in a separate process, whose files cannot grow beyond the limit; returns the error message."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, resource.RLIM_INFINITY))
    with pytest.raises(NotWritable) as error:
        inspect_cache(source, cache_dir=cache_dir)
    return str(error.value)


@pytest.fixture
def folder(small_idx_folder: Path, tmp_path: Path) -> Path:
    """A source folder with 256 + 128 images, for one test only."""
    return shutil.copytree(small_idx_folder, tmp_path / "idx")


def flip_last_image_byte(cache: Path, dataset: Dataset) -> None:
    content = cache.read_bytes()
    last = dataset.train.images[-1].tobytes()
    replace_file(cache, content.replace(last, last[:-1] + bytes([last[-1] ^ 1])))


def cut_in_half(cache: Path, dataset: Dataset) -> None:
    replace_file(cache, cache.read_bytes()[: cache.stat().st_size // 2])


def empty(cache: Path, dataset: Dataset) -> None:
    replace_file(cache, b"")


def make_format_older(cache: Path, dataset: Dataset) -> None:
    with pa.ipc.open_file(pa.BufferReader(cache.read_bytes())) as reader:
        table = reader.read_all()
    metadata = {**table.schema.metadata, b"mxtrials.format_version": b"0"}
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema.with_metadata(metadata)) as writer:
        writer.write_table(table)
    replace_file(cache, sink.getvalue().to_pybytes())


def replace_file(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def test_bundled_dataset_is_the_whole_of_mnist(bundled_dataset: Dataset) -> None:
    assert bundled_dataset.train.images.shape == (60_000, 28, 28)
    assert bundled_dataset.test.images.shape == (10_000, 28, 28)
    assert tuple(np.bincount(bundled_dataset.train.labels)) == TRAIN_COUNTS
    assert tuple(np.bincount(bundled_dataset.test.labels)) == TEST_COUNTS
    assert bundled_dataset.train.labels[:5].tolist() == [5, 0, 4, 1, 9]


def test_fingerprint_and_cache_of_the_bundled_dataset_are_those_of_earlier_versions(tmp_path: Path) -> None:
    report = inspect_cache(cache_dir=tmp_path)
    assert report.fingerprint == "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
    assert report.path.name == "mnist-33fcb3c858777923.arrow"


def test_cache_is_built_only_once(folder: Path, tmp_path: Path) -> None:
    first = inspect_cache(folder, cache_dir=tmp_path / "cache")
    written = first.path.stat()
    second = inspect_cache(folder, cache_dir=tmp_path / "cache")
    assert (first.built, second.built) == (True, False)
    assert second.path.stat() == written


def test_report_describes_the_cache(folder: Path, tmp_path: Path, small_dataset: Dataset) -> None:
    report = inspect_cache(folder, cache_dir=tmp_path)
    assert report.path.parent == tmp_path
    assert report.size_bytes == report.path.stat().st_size
    assert report.damage is None
    assert report.fingerprint == small_dataset.fingerprint
    assert report.train_counts == tuple(np.bincount(small_dataset.train.labels, minlength=10))
    assert sum(report.test_counts) == 128


def test_arrays_are_read_only_and_outlive_the_file(folder: Path, tmp_path: Path, small_dataset: Dataset) -> None:
    dataset = open_dataset(folder, cache_dir=tmp_path / "cache")
    shutil.rmtree(tmp_path / "cache")
    np.testing.assert_array_equal(dataset.train.images, small_dataset.train.images)
    np.testing.assert_array_equal(dataset.test.labels, small_dataset.test.labels)
    with pytest.raises(ValueError, match="read-only"):
        dataset.train.images[0, 0, 0] = 1


def test_concurrent_processes_build_one_cache(small_idx_folder: Path, tmp_path: Path) -> None:
    reports = inspect_in_processes(small_idx_folder, tmp_path)
    assert sorted(report.built for report in reports) == [False] * (PROCESSES - 1) + [True]
    assert len({(report.path, report.fingerprint, report.train_counts) for report in reports}) == 1
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".arrow", ".lock"]


def test_concurrent_processes_rebuild_a_damaged_cache_once(
    small_idx_folder: Path, tmp_path: Path, small_dataset: Dataset
) -> None:
    cut_in_half(inspect_cache(small_idx_folder, cache_dir=tmp_path).path, small_dataset)
    reports = inspect_in_processes(small_idx_folder, tmp_path)
    assert sum(report.built for report in reports) == 1
    assert {report.fingerprint for report in reports} == {small_dataset.fingerprint}


@pytest.mark.parametrize("damage", [flip_last_image_byte, cut_in_half, empty, make_format_older])
def test_damaged_cache_is_rebuilt(
    folder: Path, tmp_path: Path, small_dataset: Dataset, damage: Callable[[Path, Dataset], None]
) -> None:
    first = inspect_cache(folder, cache_dir=tmp_path)
    damage(first.path, small_dataset)
    rebuilt = inspect_cache(folder, cache_dir=tmp_path)
    assert rebuilt.built
    assert rebuilt.damage
    assert rebuilt.fingerprint == small_dataset.fingerprint
    assert not inspect_cache(folder, cache_dir=tmp_path).built


def test_dataset_opened_before_a_rebuild_stays_valid(folder: Path, tmp_path: Path, small_dataset: Dataset) -> None:
    dataset = open_dataset(folder, cache_dir=tmp_path)
    cut_in_half(next(tmp_path.glob("*.arrow")), small_dataset)
    open_dataset(folder, cache_dir=tmp_path)
    np.testing.assert_array_equal(dataset.train.images, small_dataset.train.images)


def test_leftover_of_a_killed_build_is_overwritten(folder: Path, tmp_path: Path) -> None:
    path = inspect_cache(folder, cache_dir=tmp_path).path
    path.rename(path.with_suffix(".tmp"))
    assert inspect_cache(folder, cache_dir=tmp_path).built
    assert not path.with_suffix(".tmp").exists()


def test_changed_source_gets_another_cache(folder: Path, tmp_path: Path) -> None:
    first = inspect_cache(folder, cache_dir=tmp_path)
    labels = folder / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x07")
    second = inspect_cache(folder, cache_dir=tmp_path)
    assert first.path != second.path
    assert first.path.exists()
    assert first.fingerprint != second.fingerprint


def test_same_files_in_another_folder_share_the_cache(folder: Path, small_idx_folder: Path, tmp_path: Path) -> None:
    first = inspect_cache(folder, cache_dir=tmp_path)
    second = inspect_cache(str(small_idx_folder), cache_dir=tmp_path)
    assert (first.path, second.built) == (second.path, False)


def test_existing_cache_opens_without_a_lock_file(folder: Path, tmp_path: Path) -> None:
    report = inspect_cache(folder, cache_dir=tmp_path)
    report.path.with_suffix(".lock").unlink()
    open_dataset(folder, cache_dir=tmp_path)
    assert not report.path.with_suffix(".lock").exists()


def test_malformed_source_is_rejected_and_leaves_no_cache(folder: Path, tmp_path: Path) -> None:
    (folder / "t10k-labels-idx1-ubyte").write_bytes(b"garbage")
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte: byte 0: "):
        open_dataset(folder, cache_dir=tmp_path / "cache")
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_cache_folder_that_is_a_file_is_not_writable(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for cache_dir in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(NotWritable, match=rf"{cache_dir}/mnist-\w{{16}}.arrow cannot be written \("):
            open_dataset(folder, cache_dir=cache_dir)


@pytest.mark.parametrize("limit_bytes", [0, 1000, 150_000])
def test_full_disk_is_not_writable_and_leaves_no_partial_file(
    small_idx_folder: Path, tmp_path: Path, limit_bytes: int
) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        sentence = pool.submit(inspect_with_file_limit, small_idx_folder, tmp_path, limit_bytes).result(timeout=120)
    assert "cannot be written (File too large): free disk space" in sentence
    assert not list(tmp_path.glob("*.tmp")) + list(tmp_path.glob("*.arrow"))


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("/var/cache/me", "/var/cache/me/mxtrials"), ("relative", None), ("", None), (None, None)],
)
def test_default_cache_dir_follows_the_xdg_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str | None, expected: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if variable is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", variable)
    assert default_cache_dir() == Path(expected or tmp_path / ".cache" / "mxtrials")
