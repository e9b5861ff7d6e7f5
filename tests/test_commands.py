"""The commands and the Python of the pages work: each is parsed, and run from the top of its page to the end.

They run as written, but on few images, in one process instead of on Ray, and without servers and installers.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import click
import pytest

from jobs.cli import main
from mnist_core.errors import FallsShort
from tests.support.command_line import ROOT, command

PAGES = ["README.md", "docs/tutorials.md", "docs/results.md", "docs/faults.md", "docs/performance.md", "docs/design.md"]
BLOCK = re.compile(r"^( *)```(sh|python)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
MXTRIALS = ("mxtrials", ".venv/bin/mxtrials")
TENSORBOARD = ("tensorboard", ".venv/bin/tensorboard")
CLUSTER = ("export", "ray")  # tests/jobs/study/test_ray_job.py submits a job
PLACEHOLDERS = {"HOST:PORT": "10.0.0.1:6379", "NAME": "train", "FORMAT": "csv", "N": "0"}


def blocks(page: str) -> list[tuple[str, str]]:
    """Returns the language and the text of each block of a page that can be run."""
    return [
        (language, re.sub(f"^{indent}", "", text, flags=re.MULTILINE))
        for indent, language, text in BLOCK.findall((ROOT / page).read_text())
    ]


def lines(page: str) -> list[list[str]]:
    """Returns the words of each shell command of a page, in order."""
    text = re.sub(">>.*", "", "\n".join(text for language, text in blocks(page) if language == "sh"))
    return [words for words in (shlex.split(line, comments=True) for line in text.splitlines()) if words]


def inline(page: str) -> list[list[str]]:
    """Returns the words of the commands within the sentences of a page."""
    text = BLOCK.sub("", (ROOT / page).read_text())
    return [shlex.split(each) for each in re.findall(r"`((?:\.venv/bin/)?mxtrials [^`|]+)`", text.replace("\n", " "))]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_has_the_form_that_the_command_line_takes(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs" / "quickstart").mkdir(parents=True)
    (tmp_path / "runs" / "quickstart" / "study.db").touch()  # the newest study, for commands that name none
    monkeypatch.chdir(tmp_path)
    for words in lines(page):
        check_form(words)
    for words in inline(page):
        with suppress(click.MissingParameter):  # sentences name commands without their arguments
            check_form(words)


def check_form(words: list[str]) -> None:
    """Fails with click's error if an `mxtrials` command has another form."""
    if words[0] in MXTRIALS and not words[1].startswith("-"):
        name, *arguments = (PLACEHOLDERS.get(word, word) for word in words[1:])
        with main.commands[name].make_context(name, arguments):
            pass


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_exists(page: str) -> None:
    targets = [words[1] for words in lines(page) if words[0] == "make"]
    known = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(targets) <= set(known)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_page_works_from_top_to_bottom(
    page: str, environment: Mapping[str, str], small_idx_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    small = ["--local", "--set", f"data.source={small_idx_folder}", "--set", "data.holdout=56"]
    studies = [] if page == "README.md" else [("sh", "make run\nmxtrials run mlp-asha")]
    for language, text in (*studies, *blocks(page)):
        if language == "python":
            run([sys.executable, "-c", text], environment, tmp_path)
            continue
        for line in text.splitlines():
            words = shlex.split(line.partition(">>")[0], comments=True)
            if words[:2] == ["make", "run"]:
                words = [] if (tmp_path / "runs/quickstart").exists() else ["mxtrials", "run", "quickstart"]
            if words and words[0] in MXTRIALS:
                run(command(*on_few_images(words[1:], small)), environment, tmp_path)
            elif words and words[0] in TENSORBOARD:
                assert (tmp_path / words[words.index("--logdir") + 1]).is_dir(), line
            else:
                assert not words or words[0] in ("make", *CLUSTER), f"{line!r} is not run by a test"


def on_few_images(arguments: list[str], small: list[str]) -> list[str]:
    """Returns a command that trains on few images without Ray, if it trains at all."""
    if arguments[0] == "run":
        workers = arguments.index("--workers") if "--workers" in arguments else len(arguments)
        return [*(word for word in arguments[:workers] if word != "--local"), *arguments[workers + 2 :], *small]
    # `--watch` needs a terminal: tests/jobs/terminal/studies has its own tests.
    return [*arguments, "--local"] if arguments[0] == "resume" else [word for word in arguments if word != "--watch"]


def run(arguments: list[str], environment: Mapping[str, str], folder: Path) -> None:
    """Runs a command that must succeed, or may only fall short of what it requires of few images."""
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    expected = FallsShort.exit_code if "--require" in arguments else 0
    assert done.returncode == expected, f"{arguments}\n{done.stdout}\n{done.stderr}"
