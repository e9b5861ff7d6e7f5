"""Reads which packages are installed from their metadata. Imports none of them."""

from importlib.metadata import PackageNotFoundError, version


def installed_version(package: str) -> str | None:
    """Returns a package's version, e.g. "1.9.1"; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
