"""The pages name only files, folders and modules that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", *(str(page.relative_to(ROOT)) for page in sorted(ROOT.glob("docs/*.md")))]
PACKAGES = "(?:tests|mnist_core|cluster|jobs)"
PATH = re.compile(rf"(?<![\w/]){PACKAGES}/[\w./*-]*\w")  # may be a pattern such as cluster/*.py
LINK = re.compile(r"\]\(([^)]+)\)")
MODULE = re.compile(rf"(?<![\w/.]){PACKAGES}(?:\.\w+)+")


@pytest.mark.parametrize("page", PAGES)
def test_every_named_file_and_module_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    paths = set(PATH.findall(text))
    modules = set(MODULE.findall(text))

    assert [path for path in sorted(paths) if not any(ROOT.glob(path))] == []
    assert [name for name in sorted(modules) if not is_module(name)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_a_heading(page: str) -> None:
    text = (ROOT / page).read_text()
    links = [link for link in LINK.findall(text) if "://" not in link]
    assert [link for link in links if not leads_somewhere(link, ROOT / page)] == []
    assert {name for name in re.findall(r"\]\[(\w+)\]", text) if f"\n[{name}]: " not in text} == set()


def test_pictures_are_small_and_shown() -> None:
    pictures = [path for path in (ROOT / "docs").iterdir() if path.suffix in (".png", ".svg")]
    sizes = [path.stat().st_size for path in pictures]
    assert len(pictures) > 1
    assert max(sizes) <= 120_000
    assert sum(sizes) <= 400_000
    pages = " ".join((ROOT / page).read_text() for page in PAGES)
    assert [path.name for path in pictures if f"{path.name})" not in pages] == []


def leads_somewhere(link: str, page: Path) -> bool:
    """Whether the file of a relative link exists, and the heading that it names, if any."""
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    if not anchor or not target.exists():
        return target.exists()
    headings = re.findall(r"^#+ (.*)", target.read_text(), re.MULTILINE)
    return anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_module(name: str) -> bool:
    """Whether a dotted name is a package, a module, or a class or function of a module."""
    path = ROOT / name.replace(".", "/")
    parent = path.parent.with_suffix(".py")
    is_member = parent.is_file() and re.search(rf"^(class|def) {path.name}\b", parent.read_text(), re.MULTILINE)
    return path.is_dir() or path.with_suffix(".py").is_file() or bool(is_member)
