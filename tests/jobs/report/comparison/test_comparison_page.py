"""The comparison of two real studies in a browser: drawn in silence, and right for every reader."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.browser import show
from tests.support.command_line import run_successfully
from tests.support.tabled_study import SPEC, tabled_study


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """The page that `mxtrials compare` writes of two studies, of which eight trials are the same."""
    folder = tmp_path_factory.mktemp("compared")
    first = tabled_study(folder / "one", 30)
    second = tabled_study(folder / "other", 31, SPEC.replace("epochs: 8", "epochs: 9"))
    run_successfully(environment, "compare", first.path, second.path, "--html", folder / "page.html")
    return folder / "page.html"


def test_page_is_drawn_in_silence_and_without_a_request(browser: Browser, page: Path) -> None:
    with show(browser, page) as shown:
        assert shown.messages == []
        assert shown.requests == []
        assert shown.texts("h2") == ["Verdict", "Learning curves", "Differences", "Specs: what differs"]
        assert shown.page.locator("figure .chart svg").count() == 2
        assert shown.page.title() == "one and other: mxtrials comparison"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1366, 390])
def test_axe_finds_nothing_with_every_table_open(browser: Browser, page: Path, scheme: str, width: int) -> None:
    with show(browser, page, width=width, scheme="dark" if scheme == "dark" else "light") as shown:
        for summary in shown.page.locator("summary").all():
            summary.click()

        assert shown.violations() == []
        assert shown.page.evaluate("document.documentElement.scrollWidth") == width
