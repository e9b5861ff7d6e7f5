"""The Arrow file: a written dataset is mapped without a copy, and any damage is detected."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mnist_core.data.arrow_file import CacheMiss, fingerprint, map_dataset, write_dataset
from mnist_core.data.dataset import Dataset, LabelledImages


def parts(count: int) -> st.SearchStrategy[LabelledImages]:
    images = hnp.arrays(np.uint8, (count, 28, 28))
    return st.builds(LabelledImages, images, hnp.arrays(np.uint8, count, elements=st.integers(0, 9)))


def as_dataset(train: LabelledImages, test: LabelledImages) -> Dataset:
    return Dataset(train, test, fingerprint(train, test))


def assert_same(left: Dataset, right: Dataset) -> None:
    assert left.fingerprint == right.fingerprint
    for one, other in ((left.train, right.train), (left.test, right.test)):
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.labels, other.labels)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arrow") / "file.arrow"


@pytest.fixture(scope="module")
def tiny(small_dataset: Dataset) -> Dataset:
    train = LabelledImages(small_dataset.train.images[:3], small_dataset.train.labels[:3])
    return as_dataset(train, LabelledImages(small_dataset.test.images[:2], small_dataset.test.labels[:2]))


@pytest.fixture(scope="module")
def sound(scratch: Path, tiny: Dataset) -> bytes:
    write_dataset(tiny, scratch)
    return scratch.read_bytes()


def mapped_after_writing(path: Path, content: bytes) -> Dataset | CacheMiss:
    # A new file each time: a mapped one must never shrink.
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    return map_dataset(path)


@given(train=st.integers(1, 3).flatmap(parts), test=st.integers(1, 3).flatmap(parts))
def test_mapped_dataset_equals_the_written_one(scratch: Path, train: LabelledImages, test: LabelledImages) -> None:
    dataset = as_dataset(train, test)
    scratch.unlink(missing_ok=True)
    write_dataset(dataset, scratch)
    mapped = map_dataset(scratch)
    assert isinstance(mapped, Dataset)
    assert_same(mapped, dataset)


@given(data=st.data())
def test_changed_bytes_are_detected_or_harmless(
    scratch: Path, sound: bytes, tiny: Dataset, data: st.DataObject
) -> None:
    content = bytearray(sound)
    # Arrow's own structure is at both ends, with the images in between.
    ends = st.one_of(st.integers(0, 900), st.integers(len(sound) - 1200, len(sound) - 1))
    for position in data.draw(st.lists(st.one_of(ends, st.integers(0, len(sound) - 1)), min_size=1, max_size=4)):
        content[position] = data.draw(st.integers(0, 255))
    mapped = mapped_after_writing(scratch, bytes(content))
    if isinstance(mapped, Dataset):
        assert_same(mapped, tiny)


@given(length=st.integers(0, 5000))
def test_truncated_file_is_a_cache_miss(scratch: Path, sound: bytes, length: int) -> None:
    assert len(sound) > 5000
    assert isinstance(mapped_after_writing(scratch, sound[:length]), CacheMiss)


def test_one_changed_pixel_is_detected(scratch: Path, sound: bytes, tiny: Dataset) -> None:
    image = tiny.test.images[1].tobytes()
    content = sound.replace(image, bytes([image[0] ^ 1]) + image[1:])
    assert mapped_after_writing(scratch, content) == CacheMiss("its content differs from its checksum")


def test_changed_fingerprint_is_detected(scratch: Path, sound: bytes, tiny: Dataset) -> None:
    content = sound.replace(tiny.fingerprint.encode(), b"0" * 64)
    assert mapped_after_writing(scratch, content) == CacheMiss("its content differs from its checksum")


def test_other_format_version_is_a_cache_miss(scratch: Path, sound: bytes, tiny: Dataset) -> None:
    with pa.ipc.open_file(pa.BufferReader(sound)) as reader:
        table = reader.read_all()
    metadata = {**table.schema.metadata, b"mxtrials.format_version": b"999"}
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema.with_metadata(metadata)) as writer:
        writer.write_table(table)
    mapped = mapped_after_writing(scratch, sink.getvalue().to_pybytes())
    assert mapped == CacheMiss("its format version is b'999', not 1")


def test_arrow_file_with_other_columns_is_a_cache_miss(scratch: Path) -> None:
    sink = pa.BufferOutputStream()
    table = pa.table({"x": [1, 2]}).replace_schema_metadata({"mxtrials.format_version": "1"})
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    mapped = mapped_after_writing(scratch, sink.getvalue().to_pybytes())
    assert mapped == CacheMiss("its columns are not those of a dataset")


def test_missing_file_and_folder_are_cache_misses(tmp_path: Path) -> None:
    assert isinstance(map_dataset(tmp_path / "absent"), CacheMiss)
    assert isinstance(map_dataset(tmp_path), CacheMiss)


def test_plain_arrow_reads_the_file(scratch: Path, sound: bytes, tiny: Dataset) -> None:
    with pa.ipc.open_file(pa.BufferReader(sound)) as reader:
        batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
    assert [str(field.type) for field in batches[0].schema] == ["fixed_size_binary[784]", "uint8"]
    assert [len(batch) for batch in batches] == [3, 2]
    assert batches[0]["image"][1].as_py() == tiny.train.images[1].tobytes()
    assert batches[1]["label"].to_pylist() == tiny.test.labels.tolist()


def test_arrays_are_read_only_views_that_keep_the_file_mapped(tmp_path: Path, tiny: Dataset) -> None:
    path = tmp_path / "file.arrow"
    write_dataset(tiny, path)
    mapped = map_dataset(path)
    assert isinstance(mapped, Dataset)
    regions = mapped_regions(path)
    path.unlink()
    for part, original in ((mapped.train, tiny.train), (mapped.test, tiny.test)):
        for view, array in ((part.images, original.images), (part.labels, original.labels)):
            start = view.__array_interface__["data"][0]
            assert any(low <= start and start + view.nbytes <= high for low, high in regions)
            assert not view.flags.writeable
            np.testing.assert_array_equal(view, array)


def mapped_regions(path: Path) -> list[tuple[int, int]]:
    """Returns the address ranges at which this process has mapped the file."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    bounds = [line.split()[0].split("-") for line in lines if line.endswith(str(path))]
    return [(int(low, 16), int(high, 16)) for low, high in bounds]
