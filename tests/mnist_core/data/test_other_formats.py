"""What is often found where an IDX file should be is named, with what to do about it."""

import bz2
import io
import lzma
import pickle
import tarfile
import zipfile
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mnist_core.data.other_formats import HEAD_BYTES, recognise_format
from tests.support.idx_files import idx

DIGIT = np.arange(784, dtype=np.uint8).reshape(28, 28)


def written(write: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def picture(kind: str) -> bytes:
    return written(lambda buffer: Image.fromarray(DIGIT).save(buffer, kind))


def zip_archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("train-images-idx3-ubyte", idx((1, 28, 28), bytes(784)))
    return buffer.getvalue()


def tar_archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("train-images-idx3-ubyte"))
    return buffer.getvalue()


FILES = {
    "web page": (b"<!DOCTYPE html>\n<html><body>404 Not Found", "a web page", "download the IDX file itself"),
    "web page after blank lines": (b"\n\n  <HTML lang='en'>", "a web page", "download the IDX file itself"),
    "web page with a byte order mark": (b"\xef\xbb\xbf<html>", "a web page", "download the IDX file itself"),
    "server's error": (b"<?xml version='1.0'?><Error><Code>AccessDenied", "an XML document", "download"),
    "Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", "a Git LFS", "git lfs pull"),
    "git-annex pointer": (b"/annex/objects/SHA256E-s1--4d7a.gz", "a git-annex pointer", "git annex get"),
    "zip": (zip_archive(), "a zip archive", "unpack it"),
    "npz": (written(lambda buffer: np.savez(buffer, x=DIGIT)), "NumPy .npz", "as IDX"),
    "npy": (written(lambda buffer: np.save(buffer, DIGIT)), "a NumPy array", "as IDX"),
    "bzip2": (bz2.compress(b"x"), "a bzip2 file", "unpack it"),
    "xz": (lzma.compress(b"x"), "an xz file", "unpack it"),
    "tar": (tar_archive(), "a tar archive", "unpack it"),
    "pickle": (pickle.dumps(DIGIT), "a Python pickle", "as IDX"),
    "parquet": (written(lambda buffer: pq.write_table(pa.table({"a": [1]}), buffer)), "a Parquet file", "as IDX"),
    "PNG": (picture("PNG"), "a PNG picture", "as IDX"),
    "JPEG": (picture("JPEG"), "a JPEG picture", "as IDX"),
    "GIF": (picture("GIF"), "a GIF picture", "as IDX"),
    "BMP": (picture("BMP"), "a BMP picture", "as IDX"),
    "TIFF": (picture("TIFF"), "a TIFF picture", "as IDX"),
    "PGM": (picture("PPM"), "a PGM picture", "as IDX"),
    "CSV": (b"label,pixel0,pixel1\n5,0,0\n", "text that begins with 'label,pixel0,pixel1'", "as IDX"),
    "JSON": (b'{"message": "Not Found"}', 'text that begins with \'{"message": "Not Found"}\'', "download"),
    "low byte first": (b"\x03\x08\0\0" + bytes(12), "an IDX header in reversed byte order", "highest byte first"),
}


@pytest.mark.parametrize(("content", "name", "remedy"), FILES.values(), ids=FILES.keys())
def test_other_format_is_recognised(content: bytes, name: str, remedy: str) -> None:
    found = recognise_format(content[:HEAD_BYTES])
    assert found is not None
    assert name in found.name
    assert remedy in found.remedy


@given(head=st.binary(max_size=HEAD_BYTES))
def test_any_bytes_are_named_in_one_printable_line_or_not_at_all(head: bytes) -> None:
    found = recognise_format(head)
    if found is not None:
        assert (found.name + found.remedy).isprintable()


@pytest.mark.parametrize("head", [b"", b"\xc7\x01\x02\x03", b"x"])
def test_unknown_bytes_are_not_named(head: bytes) -> None:
    assert recognise_format(head) is None
