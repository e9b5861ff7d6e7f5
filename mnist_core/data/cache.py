"""The parsed dataset on disk: one Arrow file per content of the source files, built once, then mapped.

Decides where the file is and when to build it; idx_folder.py reads the source, arrow_file.py the cache.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from mnist_core.atomic_file import check_locks, sync_folder, write_errors
from mnist_core.data.arrow_file import FORMAT_VERSION, CacheMiss, fingerprint, map_dataset, write_dataset
from mnist_core.data.dataset import CLASSES, Dataset, LabelledImages, find_unusual_pixels
from mnist_core.data.idx_folder import BUNDLED, IdxFiles, find_idx_files
from mnist_core.errors import DataError, NotWritable

_KEY_LENGTH = 16
# A build takes about a second, so a process that holds the lock this long has hung.
_LOCK_TIMEOUT_S = 300.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CacheReport:
    """A cache, every byte of which was checked.

    Attributes:
        path: the Arrow file.
        built: whether it was just built, because it was missing or damaged.
        damage: what was wrong with the file that was replaced; None if nothing was wrong.
        size_bytes: size of the Arrow file.
        fingerprint: SHA-256 (hex) of the content.
        train_counts: training images of each digit, 0 to 9.
        test_counts: test images of each digit, 0 to 9.
        warning: what is unusual about the images, in one sentence; None if nothing is.
    """

    path: Path
    built: bool
    damage: str | None
    size_bytes: int
    fingerprint: str
    train_counts: tuple[int, ...]
    test_counts: tuple[int, ...]
    warning: str | None = None


@dataclass(frozen=True)
class _Cached:
    dataset: Dataset
    path: Path
    built: bool = False
    damage: str | None = None


def default_cache_dir() -> Path:
    """Returns `$XDG_CACHE_HOME/mxtrials`, or `~/.cache/mxtrials` if that variable is unset or relative.

    Raises:
        NotWritable: the user has no home folder.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():
        return base / "mxtrials"
    try:
        return Path.home() / ".cache" / "mxtrials"
    except RuntimeError as err:
        raise NotWritable("this user has no home folder for the data cache: set XDG_CACHE_HOME") from err


def open_dataset(source: str | Path = BUNDLED, *, cache_dir: Path) -> Dataset:
    """Opens a dataset from its cache, which is built first if it is missing or damaged.

    Many processes may do so at once: one builds it, the others wait.

    Args:
        source: "bundled", or a folder with four IDX files, each plain or with `.gz`; see `find_idx_files`.
        cache_dir: the folder of the cache, created if it does not exist; see `default_cache_dir`.

    Returns:
        arrays that are read-only views of the mapped file and keep it mapped.

    Raises:
        DataError: the source is missing or malformed.
        NotWritable: the cache must be built, and the folder or the disk is not writable.
    """
    return _open(source, cache_dir).dataset


def inspect_cache(source: str | Path = BUNDLED, *, cache_dir: Path) -> CacheReport:
    """Opens a dataset like `open_dataset`, and describes its cache.

    Raises:
        DataError: the source is missing or malformed.
        NotWritable: the cache must be built, and the folder or the disk is not writable.
    """
    cached = _open(source, cache_dir)
    return CacheReport(
        path=cached.path,
        built=cached.built,
        damage=cached.damage,
        size_bytes=cached.path.stat().st_size,
        fingerprint=cached.dataset.fingerprint,
        train_counts=_label_counts(cached.dataset.train),
        test_counts=_label_counts(cached.dataset.test),
        warning=find_unusual_pixels(cached.dataset),
    )


def _open(source: str | Path, cache_dir: Path) -> _Cached:
    with find_idx_files(source) as files:
        digest = files.digest()
        path = cache_dir / f"mnist-{_key(digest)}.arrow"
        # Needs no lock: a finished file is never written to, only replaced.
        found = map_dataset(path)
        if isinstance(found, Dataset):
            return _Cached(found, path)
        with _locked(path):
            return _open_locked(files, digest, path)


def _open_locked(files: IdxFiles, digest: str, path: Path) -> _Cached:
    """Looks again now that no other process is building, and builds the file if there is still no intact one."""
    found = map_dataset(path)
    if isinstance(found, Dataset):
        return _Cached(found, path)
    damage = found.reason if path.exists() else None
    if damage:
        _log.warning("rebuilding the data cache %s: %s", path, damage)
    _build(files, digest, path)
    built = map_dataset(path)
    if isinstance(built, CacheMiss):
        raise NotWritable(f"the data cache {path} was just written, but {built.reason}: check the disk")
    return _Cached(built, path, built=True, damage=damage)


def _build(files: IdxFiles, digest: str, path: Path) -> None:
    train, test = files.read()
    if files.digest() != digest:
        raise DataError(f"{files.train_images.parent}: its IDX files changed while they were being read: try again")
    # A fixed name is safe under the lock, and the next build overwrites what a killed one left.
    temporary = path.with_suffix(".tmp")
    try:
        write_dataset(Dataset(train, test, fingerprint(train, test)), temporary)
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds the lock of a cache file; an OSError in the block becomes a NotWritable."""
    with write_errors(f"the data cache {path}", "free disk space or choose another cache folder"):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = path.with_suffix(".lock")
            check_locks(lock, f"the data cache {path}", "set XDG_CACHE_HOME to a folder on a local disk")
            with FileLock(lock, timeout=_LOCK_TIMEOUT_S):
                yield
        except Timeout as err:
            raise NotWritable(
                f"another process has held {err.lock_file} for {_LOCK_TIMEOUT_S:.0f} s: end it or choose another folder"
            ) from err


def _key(digest: str) -> str:
    return sha256(f"{FORMAT_VERSION} {digest}".encode()).hexdigest()[:_KEY_LENGTH]


def _label_counts(images: LabelledImages) -> tuple[int, ...]:
    return tuple(np.bincount(images.labels, minlength=CLASSES).tolist())
