"""A headless Chromium that shows pages as people see them, and notes what they say and ask for."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NO_CHROMIUM = "needs Chromium: apt-get install --no-install-recommends chromium fonts-dejavu-core"


@dataclass
class ShownPage:
    """A page in the browser.

    Attributes:
        page: to click and read.
        messages: what it wrote to the console, and its errors.
        requests: the addresses that it asked for, beside its own.
    """

    page: Page
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """Returns what axe finds wrong for people who use a screen reader, a keyboard, or see little contrast."""
        self.page.evaluate((files("axe_core_python") / "axe.min.js").read_text("utf-8"))
        found: dict[str, Any] = self.page.evaluate("axe.run()")
        return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found["violations"]]

    def texts(self, selector: str) -> list[str]:
        """Returns the texts of all elements that can be seen."""
        return [each.inner_text() for each in self.page.locator(selector).all() if each.is_visible()]


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Opens the browser, with a profile of its own that is deleted at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def show(
    browser: Browser, address: str | Path, *, width: int = 1366, scheme: Literal["light", "dark"] = "light"
) -> Iterator[ShownPage]:
    """Opens a page and waits until its charts are drawn.

    Args:
        browser: from `open_browser`.
        address: of a page, or the path of a file.
        width: of the window, in pixels.
        scheme: which colours the reader prefers.
    """
    url = Path(address).as_uri() if isinstance(address, Path) else address
    context = browser.new_context(viewport={"width": width, "height": 768}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(120_000)  # a busy machine draws a thousand curves slowly
    shown = ShownPage(page)
    page.on("console", lambda message: shown.messages.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: shown.messages.append(f"error: {error}"))
    page.on("request", lambda request: shown.requests.append(request.url))
    page.goto(url)
    page.locator("html[data-drawn]").wait_for()
    shown.requests = [each for each in shown.requests if each != url and not each.startswith("data:")]
    yield shown
    context.close()
