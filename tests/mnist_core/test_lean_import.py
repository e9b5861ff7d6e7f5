"""A hidden package looks as if it were not installed while a library is imported; a greeting is not written."""

import os
import re
import sys
from contextlib import suppress

import pytest

from mnist_core.lean_import import filtered_stderr, hidden_packages


@pytest.fixture
def package() -> str:
    """A package that can be imported and is not loaded yet."""
    sys.modules.pop("wsgiref", None)
    return "wsgiref"


def test_hidden_package_cannot_be_imported_until_the_block_ends(package: str) -> None:
    with hidden_packages(package), pytest.raises(ImportError):
        __import__(package)
    assert __import__(package).__name__ == package


def test_loaded_package_stays_visible() -> None:
    with hidden_packages("json"):
        assert __import__("json") is sys.modules["json"]


def test_package_is_visible_again_after_an_error(package: str) -> None:
    with pytest.raises(ZeroDivisionError), hidden_packages(package):
        raise ZeroDivisionError
    assert __import__(package).__name__ == package


def test_stderr_loses_only_the_lines_that_begin_with_the_pattern(capfd: pytest.CaptureFixture[str]) -> None:
    with filtered_stderr(re.compile(rb"hello")):
        os.write(2, b"hello you\nfirst\nsecond, hello\n")
    os.write(2, b"third\n")
    assert capfd.readouterr().err == "first\nsecond, hello\nthird\n"


def test_stderr_is_restored_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with suppress(ZeroDivisionError), filtered_stderr(re.compile(rb"hello")):
        os.write(2, b"kept\n")
        raise ZeroDivisionError
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "kept\nafter\n"
