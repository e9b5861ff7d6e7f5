"""The pages name only files, folders and modules that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", *(str(page.relative_to(ROOT)) for page in sorted(ROOT.glob("docs/*.md")))]
PACKAGES = "(?:tests|mnist_core|cluster|jobs)"
PATH = re.compile(rf"(?<![\w/]){PACKAGES}/[\w./*-]*\w")  # may be a pattern such as cluster/*.py
MODULE = re.compile(rf"(?<![\w/.]){PACKAGES}(?:\.\w+)+")


@pytest.mark.parametrize("page", PAGES)
def test_every_named_file_and_module_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    paths = set(PATH.findall(text))
    modules = set(MODULE.findall(text))

    assert [path for path in sorted(paths) if not any(ROOT.glob(path))] == []
    assert [name for name in sorted(modules) if not is_module(name)] == []


def is_module(name: str) -> bool:
    """Whether a dotted name is a package, a module, or a class or function of a module."""
    path = ROOT / name.replace(".", "/")
    parent = path.parent.with_suffix(".py")
    is_member = parent.is_file() and re.search(rf"^(class|def) {path.name}\b", parent.read_text(), re.MULTILINE)
    return path.is_dir() or path.with_suffix(".py").is_file() or bool(is_member)
