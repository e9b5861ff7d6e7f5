"""The four files are found under the names and in the folders that other tools give them."""

import gzip
from pathlib import Path

import pytest

from mnist_core.data.cache import inspect_cache
from mnist_core.data.idx_names import CANONICAL_NAMES, find_named_files
from mnist_core.errors import DataError

NAMES = {
    "canonical": CANONICAL_NAMES,
    "dots": (
        "train-images.idx3-ubyte",
        "train-labels.idx1-ubyte",
        "t10k-images.idx3-ubyte",
        "t10k-labels.idx1-ubyte",
    ),
    "test": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "test-images-idx3-ubyte", "test-labels-idx1-ubyte"),
    "underscores": ("train_images.idx3", "train_labels.idx1", "test_images.idx3", "test_labels.idx1"),
    "emnist": tuple(
        f"emnist-digits-{part}-{kind}-ubyte" for part in ("train", "test") for kind in ("images-idx3", "labels-idx1")
    ),
    "qmnist": (
        "qmnist-train-images-idx3-ubyte",
        "qmnist-train-labels-idx2-int",
        "qmnist-test-images-idx3-ubyte",
        "qmnist-test-labels-idx2-int",
    ),
    "capitals": tuple(name.upper() for name in CANONICAL_NAMES),
    "a user's": (
        "my digits train images.idx",
        "my digits train labels.idx",
        "my digits test images.idx",
        "my digits test labels.idx",
    ),
    "a text editor's": tuple(f"{name}.txt" for name in CANONICAL_NAMES),
}
BELOW = ["", "MNIST/raw", "raw", "mnist", "QMNIST/raw", "gzip", "data/MNIST", "data/MNIST/raw", "FashionMNIST/raw"]
BELOW += ["KMNIST/raw", "K49", "archive", "fashion-mnist", "mnist_data"]
# A file, and what the sentence says of it.
OTHER_DATA_SETS = {
    "mnist.npz": ("a NumPy archive, as Keras' mnist.npz is", "`numpy.load`"),
    "x_train.npy": ("a NumPy array", "`numpy.load`"),
    "train.csv": ("a table of pixels, as Kaggle's is", "`pandas.read_csv`"),
    "mnist/train-00000-of-00001.parquet": ("a Parquet file, as Hugging Face's are", "`pandas.read_parquet`"),
    "mnist/3.0.1/mnist-train.tfrecord-00000-of-00001": ("a file of TensorFlow Datasets", "with that library"),
    "MNIST/processed/training.pt": ("a file of PyTorch", "`raw` folder"),
    "mnist.pkl.gz": ("a Python pickle", "if you trust it"),
    "emnist-digits.mat": ("a MATLAB file", "`scipy.io.loadmat`"),
    "mnist_784.arff": ("a table of OpenML", "`scipy.io.arff`"),
    "MNIST.tar.gz": ("an archive", "unpack it"),
    "archive.zip": ("an archive", "unpack it"),
    "training/5/12.PNG": ("a picture", "with Pillow"),
    "train-images-idx3-ubyte.gz.crdownload": ("an unfinished download", "download it again"),
}


def write(folder: Path, names: tuple[str, ...], suffix: str = "") -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}{suffix}" for name in names]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES.keys())
def test_files_are_found_under_the_names_of_other_tools(tmp_path: Path, names: tuple[str, ...], suffix: str) -> None:
    expected = write(tmp_path, names, suffix)
    assert find_named_files(tmp_path) == expected


@pytest.mark.parametrize("below", BELOW)
@pytest.mark.parametrize("kind", ["canonical", "qmnist"])
def test_files_are_found_in_the_folders_of_other_tools(tmp_path: Path, below: str, kind: str) -> None:
    expected = write(tmp_path / below, NAMES[kind], ".gz")
    assert find_named_files(tmp_path) == expected


def test_files_in_folders_of_their_own_names_are_found(tmp_path: Path) -> None:
    expected = [write(tmp_path / name, (name,))[0] for name in NAMES["dots"]]
    assert find_named_files(tmp_path) == expected


def test_canonical_files_go_before_others_and_plain_ones_before_gzip(tmp_path: Path) -> None:
    for kind in ("dots", "test", "emnist", "qmnist"):
        write(tmp_path, NAMES[kind], ".gz")
        write(tmp_path, NAMES[kind])
    write(tmp_path / "MNIST" / "raw", CANONICAL_NAMES)
    packed = write(tmp_path, CANONICAL_NAMES[2:], ".gz")
    assert find_named_files(tmp_path) == [*(tmp_path / name for name in CANONICAL_NAMES[:2]), *packed]
    plain = write(tmp_path, CANONICAL_NAMES)
    assert find_named_files(tmp_path) == plain


def test_plain_file_goes_before_gzip_under_the_names_of_other_tools(tmp_path: Path) -> None:
    write(tmp_path, NAMES["qmnist"], ".gz")
    expected = write(tmp_path, NAMES["qmnist"])
    assert find_named_files(tmp_path) == expected


def test_one_complete_set_among_incomplete_ones_is_found(tmp_path: Path) -> None:
    write(tmp_path, NAMES["emnist"][:3])
    write(tmp_path, ("qmnist-test50k-images-idx3-ubyte", "xnist-images-idx3-ubyte", "train.csv"))
    expected = write(tmp_path, NAMES["qmnist"])
    assert find_named_files(tmp_path) == expected


def test_several_sets_are_rejected_with_their_names(tmp_path: Path) -> None:
    write(tmp_path / "raw", NAMES["emnist"])
    write(tmp_path / "raw", tuple(name.replace("digits", "mnist") for name in NAMES["emnist"]))
    with pytest.raises(DataError) as error:
        find_named_files(tmp_path)
    assert str(error.value) == (
        f"data folder {tmp_path} has 2 sets of IDX files, with raw/emnist-digits-train-images-idx3-ubyte and "
        "raw/emnist-mnist-train-images-idx3-ubyte: give a folder with only one of them"
    )


@pytest.mark.parametrize("number", range(4))
def test_missing_file_is_named_with_those_that_are_there(tmp_path: Path, number: int) -> None:
    write(tmp_path, NAMES["qmnist"])[number].unlink()
    with pytest.raises(DataError, match=rf"has no file {CANONICAL_NAMES[number]} .*, only qmnist-\S*, qmnist-"):
        find_named_files(tmp_path)


def test_folder_without_the_files_is_rejected_with_what_it_has(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.dat").touch()
    with pytest.raises(DataError, match=r"\(or train-images-idx3-ubyte.gz\), only 0.dat, 1.dat, 2.dat and 2 more: put"):
        find_named_files(tmp_path)


@pytest.mark.parametrize(("name", "says"), OTHER_DATA_SETS.items(), ids=OTHER_DATA_SETS.keys())
def test_data_set_of_another_kind_is_named_with_the_remedy(tmp_path: Path, name: str, says: tuple[str, str]) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    with pytest.raises(DataError) as in_folder:
        inspect_cache(tmp_path, cache_dir=tmp_path / "cache")
    start = f"data folder {tmp_path} has no file train-images-idx3-ubyte (or train-images-idx3-ubyte.gz), but {name}, "
    assert str(in_folder.value).startswith(start + says[0] + ": ")
    with pytest.raises(DataError) as alone:
        inspect_cache(file, cache_dir=tmp_path / "cache")
    assert str(alone.value).startswith(f"data folder {file} is not a folder but {says[0]}: ")
    for error in (in_folder.value, alone.value):
        assert says[1] in str(error)
        assert str(error).endswith(", or use `bundled`")


def test_copies_that_a_browser_has_numbered_are_found(tmp_path: Path) -> None:
    packed = write(tmp_path / "packed", tuple(f"{name} (1)" for name in CANONICAL_NAMES), ".gz")
    assert find_named_files(tmp_path / "packed") == packed
    plain = write(tmp_path / "plain", tuple(f"{name}(2)" for name in CANONICAL_NAMES))
    assert find_named_files(tmp_path / "plain") == plain


def test_hidden_files_that_macos_adds_are_no_second_set(tmp_path: Path) -> None:
    write(tmp_path, tuple(f"._{name}" for name in NAMES["dots"]))
    expected = write(tmp_path, NAMES["dots"])
    assert find_named_files(tmp_path) == expected


def test_names_and_folders_change_neither_the_cache_nor_the_fingerprint(small_idx_folder: Path, tmp_path: Path) -> None:
    canonical = inspect_cache(small_idx_folder, cache_dir=tmp_path / "cache")
    folder = tmp_path / "source" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name, other in zip(CANONICAL_NAMES, NAMES["test"], strict=True):
        (folder / other).write_bytes((small_idx_folder / name).read_bytes())
    report = inspect_cache(tmp_path / "source", cache_dir=tmp_path / "cache")
    assert (report.path, report.built, report.fingerprint) == (canonical.path, False, canonical.fingerprint)


def test_good_gzip_beside_a_cut_plain_file_is_named(small_idx_folder: Path, tmp_path: Path) -> None:
    for name in CANONICAL_NAMES:
        (tmp_path / name).write_bytes((small_idx_folder / name).read_bytes())
    cut = tmp_path / CANONICAL_NAMES[0]
    content = cut.read_bytes()
    cut.write_bytes(content[:5000])
    packed = tmp_path / f"{cut.name}.gz"
    with pytest.raises(DataError, match="get an undamaged MNIST file$"):
        inspect_cache(tmp_path, cache_dir=tmp_path)
    packed.write_bytes(gzip.compress(content)[:5000])
    with pytest.raises(DataError, match="get an undamaged MNIST file$"):
        inspect_cache(tmp_path, cache_dir=tmp_path)
    packed.write_bytes(gzip.compress(content))
    with pytest.raises(DataError, match=f"; or delete it, and {packed.name} beside it, which is undamaged, will be"):
        inspect_cache(tmp_path, cache_dir=tmp_path)
    cut.unlink()
    assert sum(inspect_cache(tmp_path, cache_dir=tmp_path).train_counts) == 256
