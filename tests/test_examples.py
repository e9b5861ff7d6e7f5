"""The examples in docstrings that are written as a session, with `>>>`, print what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [
    path.relative_to(ROOT)
    for package in ("cluster", "jobs")  # those of mnist_core need images: see tests/mnist_core/test_examples.py
    for path in sorted((ROOT / package).rglob("*.py"))
    if ">>> " in path.read_text()
]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_example_prints_what_it_says(file: Path) -> None:
    module = import_module(".".join(file.with_suffix("").parts))
    outcome = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_there_are_examples() -> None:
    assert len(FILES) >= 5
