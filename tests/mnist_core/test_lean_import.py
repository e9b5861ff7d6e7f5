"""What is hidden from a library looks as if it were not installed, for as long as that library is imported."""

import sys

import pytest

from mnist_core.lean_import import hidden_packages


@pytest.fixture
def package() -> str:
    """One that can be imported, and is not loaded yet."""
    sys.modules.pop("wsgiref", None)
    return "wsgiref"


def test_hidden_package_cannot_be_imported_until_the_end_of_the_block(package: str) -> None:
    with hidden_packages(package), pytest.raises(ImportError):
        __import__(package)
    assert __import__(package).__name__ == package


def test_package_that_is_loaded_stays_in_sight() -> None:
    with hidden_packages("json"):
        assert __import__("json") is sys.modules["json"]


def test_hidden_package_is_back_after_an_error(package: str) -> None:
    with pytest.raises(ZeroDivisionError), hidden_packages(package):
        raise ZeroDivisionError
    assert __import__(package).__name__ == package
