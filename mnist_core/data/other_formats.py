"""Recognises files that people have where an IDX file should be, by their first bytes. Reads no files itself."""

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
