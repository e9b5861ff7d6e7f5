"""Recognises what people have where IDX files should be, by first bytes, names or labels. Reads no files itself."""

import re
from dataclasses import dataclass

# A tar archive has its name this far into its first block.
HEAD_BYTES = 264
_TAR_NAME = slice(257, 262)
_EXCERPT_BYTES = 24

_FETCH = "download the IDX file itself"
_CONVERT = "write your own data as IDX files; the README shows how"
_UNPACK = "unpack it, and put the IDX file that it contains here"


@dataclass(frozen=True)
class OtherFormat:
    """What a file is instead of IDX, with its article, and what to do about it."""

    name: str
    remedy: str


_STARTS: tuple[tuple[bytes, OtherFormat], ...] = (
    (b"version https://git-lfs", OtherFormat("a Git LFS pointer, not the file itself", "fetch it with `git lfs pull`")),
    (b"/annex/objects/", OtherFormat("a git-annex pointer, not the file itself", "fetch it with `git annex get`")),
    (b"\x1f\x8b", OtherFormat("gzip inside gzip", "unpack it once with `gunzip`")),
    (b"\x1f\x9d", OtherFormat("a file packed by compress", _UNPACK)),
    (b"PK", OtherFormat("a zip archive (or a NumPy .npz)", f"{_UNPACK}, or {_CONVERT}")),
    (b"BZh", OtherFormat("a bzip2 file", _UNPACK)),
    (b"\xfd7zXZ", OtherFormat("an xz file", _UNPACK)),
    (b"\x28\xb5\x2f\xfd", OtherFormat("a zstd file", _UNPACK)),
    (b"7z\xbc\xaf", OtherFormat("a 7z archive", _UNPACK)),
    (b"Rar!", OtherFormat("a RAR archive", _UNPACK)),
    (b"\x93NUMPY", OtherFormat("a NumPy array (.npy)", _CONVERT)),
    (b"\x89HDF", OtherFormat("an HDF5 file", _CONVERT)),
    (b"PAR1", OtherFormat("a Parquet file", _CONVERT)),
    (b"ARROW1", OtherFormat("an Arrow file", _CONVERT)),
    (b"MATLAB", OtherFormat("a MATLAB file", _CONVERT)),
    (b"\x80", OtherFormat("a Python pickle", _CONVERT)),
    (b"\x89PNG", OtherFormat("a PNG picture", _CONVERT)),
    (b"\xff\xd8\xff", OtherFormat("a JPEG picture", _CONVERT)),
    (b"GIF8", OtherFormat("a GIF picture", _CONVERT)),
    (b"BM", OtherFormat("a BMP picture", _CONVERT)),
    (b"II*\0", OtherFormat("a TIFF picture", _CONVERT)),
    (b"MM\0*", OtherFormat("a TIFF picture", _CONVERT)),
    (b"P5", OtherFormat("a PGM picture", _CONVERT)),
    (b"%PDF", OtherFormat("a PDF document", _FETCH)),
)
_SWAPPED = tuple(bytes([rank, dtype, 0, 0]) for rank in (1, 2, 3) for dtype in (8, 9, 11, 12, 13, 14))
_PAGES = (b"<!doctype", b"<html", b"<head", b"<body")


def recognise_format(head: bytes) -> OtherFormat | None:
    """Returns what a file is that does not begin as IDX does, or None if it is not known.

    Args:
        head: its first bytes, up to `HEAD_BYTES`.
    """
    for start, found in _STARTS:
        if head.startswith(start):
            return found
    if head[_TAR_NAME] == b"ustar":
        return OtherFormat("a tar archive", _UNPACK)
    if head[:4] in _SWAPPED:
        return OtherFormat("an IDX header in reversed byte order", "write its numbers with the highest byte first")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.lower().startswith(_PAGES):
        return OtherFormat("a web page (HTML)", f"{_FETCH}, not the page about it")
    if text.startswith(b"<"):
        return OtherFormat("an XML document, perhaps a server's error message", _FETCH)
    if len(text) > 1 and all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in text):
        excerpt = text[:_EXCERPT_BYTES].decode().split("\n")[0].strip()
        return OtherFormat(f"text that begins with {excerpt!r}", f"{_FETCH}, or {_CONVERT}")
    return None


_AS_IDX = "and write the arrays as IDX, as the README shows"
_UNPACK_THERE = "unpack it, and give the folder with the IDX files in it"
_WHOLE_SETS: tuple[tuple[tuple[str, ...], OtherFormat], ...] = (
    ((".npz",), OtherFormat("a NumPy archive, as Keras' mnist.npz is", f"read it with `numpy.load`, {_AS_IDX}")),
    ((".npy",), OtherFormat("a NumPy array", f"read it with `numpy.load`, {_AS_IDX}")),
    (
        (".csv", ".csv.gz"),
        OtherFormat("a table of pixels, as Kaggle's is", f"read it with `pandas.read_csv`, {_AS_IDX}"),
    ),
    (
        (".parquet",),
        OtherFormat("a Parquet file, as Hugging Face's are", f"read it with `pandas.read_parquet`, {_AS_IDX}"),
    ),
    ((".arrow", ".feather"), OtherFormat("an Arrow file", f"read it with the tool that wrote it, {_AS_IDX}")),
    (
        (".pkl", ".pickle", ".pkl.gz"),
        OtherFormat("a Python pickle", f"read it with Python, if you trust it, {_AS_IDX}"),
    ),
    ((".pt", ".pth"), OtherFormat("a file of PyTorch", "give torchvision's `raw` folder, which has the IDX files")),
    ((".mat",), OtherFormat("a MATLAB file", f"read it with `scipy.io.loadmat`, {_AS_IDX}")),
    ((".arff", ".arff.gz"), OtherFormat("a table of OpenML", f"read it with `scipy.io.arff`, {_AS_IDX}")),
    ((".h5", ".hdf5"), OtherFormat("an HDF5 file", f"read it with h5py, {_AS_IDX}")),
    ((".tfrecord",), OtherFormat("a file of TensorFlow Datasets", f"read it with that library, {_AS_IDX}")),
    ((".png", ".jpg", ".jpeg", ".bmp", ".tif"), OtherFormat("a picture", f"read the pictures with Pillow, {_AS_IDX}")),
    ((".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".zip", ".7z"), OtherFormat("an archive", _UNPACK_THERE)),
    ((".part", ".partial", ".crdownload", ".download"), OtherFormat("an unfinished download", "download it again")),
)


def recognise_data_set(name: str) -> OtherFormat | None:
    """Returns which other way of keeping a data set a file's name speaks of, or None if it is not known."""
    # TensorFlow Datasets writes the number of the part behind the suffix.
    lower = re.sub(r"-\d+-of-\d+$", "", name.lower())
    return next((found for suffixes, found in _WHOLE_SETS if lower.endswith(suffixes)), None)


_DIGITS = "give its digits, whose names begin with `emnist-digits` or `emnist-mnist`"
# The name of a set, its smallest and largest label, and what it is.
_OTHER_LABELS: tuple[tuple[str, int, int, OtherFormat], ...] = (
    ("letters", 1, 26, OtherFormat("EMNIST's letters (1 to 26)", _DIGITS)),
    ("balanced", 0, 46, OtherFormat("EMNIST's balanced digits and letters (0 to 46)", _DIGITS)),
    ("bymerge", 0, 46, OtherFormat("EMNIST's digits and letters by merge (0 to 46)", _DIGITS)),
    ("byclass", 0, 61, OtherFormat("EMNIST's digits and letters by class (0 to 61)", _DIGITS)),
    ("k49", 0, 48, OtherFormat("Kuzushiji-49's characters (0 to 48)", "give KMNIST, which has ten")),
)


def recognise_labels(name: str, lowest: int, highest: int) -> str:
    """Returns what labels that are not all in 0..9 are, and what to do about them.

    Args:
        name: the file's.
        lowest: the smallest label in the file.
        highest: the largest label in the file.
    """
    for word, _, _, found in _OTHER_LABELS:
        if re.search(rf"(?<![a-z0-9]){word}(?![a-z0-9])", name.lower()):
            return f"these are the labels of {found.name}: {found.remedy}"
    for _, first, last, found in _OTHER_LABELS:
        if (lowest, highest) == (first, last):
            return f"these look like the labels of {found.name}: {found.remedy}"
    if (lowest, highest) == (1, 10):
        return "your own labels are 1 to 10: write them as `labels % 10` if 10 means the digit 0, else as `labels - 1`"
    return "leave out the images of your own that are no digits, with their labels"
