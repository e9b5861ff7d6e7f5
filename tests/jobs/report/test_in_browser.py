"""The report in a real browser: it draws everything, says nothing on the console, and asks the network for nothing."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.jobs.report.conftest import Pages
from tests.support.browser import show

SECTIONS = ["Verdict", "Leaderboard", "Progress", "Parameters", "Workers", "Networks", "First images"]


@pytest.mark.parametrize("trials", [10, 100, pytest.param(1000, marks=pytest.mark.slow)])
def test_page_of_any_size_is_drawn_in_silence_and_without_a_request(
    browser: Browser, pages: Pages, trials: int
) -> None:
    with show(browser, pages(trials)) as shown:
        assert shown.messages == []
        assert shown.requests == []
        headings = [heading for heading in shown.texts("h2") if heading != "Checks"]  # which may have nothing to say
        assert headings == [*SECTIONS, "Spec and environment"]
        drawn = shown.page.locator("figure .chart svg")
        assert drawn.count() == shown.page.locator("figure").count() >= 7
        assert shown.page.locator("#trials tbody tr").count() == trials


def test_few_epochs_are_dots_too_because_one_is_no_line(browser: Browser, pages: Pages) -> None:
    with show(browser, pages(1)) as shown:
        dots = shown.page.locator("#curves-loss svg .mark-symbol.role-mark path")

        assert dots.count() == 2 * 8  # training and validation of eight epochs


def test_dot_that_is_pointed_at_tells_its_trial(browser: Browser, pages: Pages) -> None:
    with show(browser, pages(10)) as shown:
        shown.page.locator("#best-so-far svg .mark-symbol.role-mark path").first.hover(force=True)
        tooltip = shown.page.locator("#vg-tooltip-element.visible")

        assert "learning_rate" in tooltip.inner_text()
        assert shown.messages == []


def test_page_that_is_handled_by_its_keyboard_and_its_pointer_keeps_silent(browser: Browser, pages: Pages) -> None:
    with show(browser, pages(10)) as shown:
        page = shown.page
        page.locator("#curves-digit-accuracy svg .mark-line path").first.hover(force=True)
        for slider in page.locator("input[type=range]").all():
            slider.press("ArrowLeft")
        for details in page.locator("details > summary").all():
            details.focus()
            details.press("Enter")

        assert page.locator("details:not([open])").count() == 0
        assert shown.messages == []
        assert shown.requests == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1366, 390])
def test_axe_finds_nothing_with_every_table_open(browser: Browser, pages: Pages, scheme: str, width: int) -> None:
    with show(browser, pages(10), width=width, scheme="dark" if scheme == "dark" else "light") as shown:
        for summary in shown.page.locator("summary").all():
            summary.click()

        assert shown.violations() == []


def test_no_section_is_wider_than_a_narrow_screen(browser: Browser, pages: Pages) -> None:
    with show(browser, pages(100), width=390) as shown:
        assert shown.page.evaluate("document.documentElement.scrollWidth") == 390


def test_colours_follow_what_the_reader_prefers_without_a_new_chart(browser: Browser, pages: Pages) -> None:
    with show(browser, pages(10)) as shown:
        line = shown.page.locator("#best-so-far svg .mark-line path").first
        light = line.evaluate("line => getComputedStyle(line).stroke")
        shown.page.emulate_media(color_scheme="dark")
        dark = line.evaluate("line => getComputedStyle(line).stroke")
        shown.page.emulate_media(color_scheme="light", media="print")

        assert light != dark
        assert line.evaluate("line => getComputedStyle(line).stroke") == light


def test_header_that_is_pressed_sorts_the_trials_both_ways(browser: Browser, pages: Pages) -> None:
    with show(browser, pages(100)) as shown:
        header = shown.page.locator("#trials th", has_text="learning_rate")
        column = 1 + header.evaluate("header => header.cellIndex")
        header.locator("button").press("Enter")
        ascending = list(map(float, shown.texts(f"#trials tbody tr > :nth-child({column})")))
        header.locator("button").press("Enter")
        descending = list(map(float, shown.texts(f"#trials tbody tr > :nth-child({column})")))

        assert ascending == sorted(ascending)
        assert descending == sorted(ascending, reverse=True)
        assert header.get_attribute("aria-sort") == "descending"


def test_trials_without_a_value_come_last_both_ways(browser: Browser, pages: Pages) -> None:
    with show(browser, pages(100)) as shown:
        header = shown.page.locator("#trials th", has_text="hidden")
        column = 1 + header.evaluate("header => header.cellIndex")
        for _ in range(2):
            header.locator("button").click()
            cells = shown.texts(f"#trials tbody tr > :nth-child({column})")
            filled = sum(map(bool, cells))

            assert 0 < filled < 100
            assert all(cells[:filled])


def test_filters_keep_the_trials_that_match_all_of_them(browser: Browser, pages: Pages) -> None:
    with show(browser, pages(100)) as shown:
        page = shown.page
        page.locator("#filter-network").select_option("mlp")
        page.locator("#filter-state").select_option("COMPLETE")
        page.locator("#filter-text").fill("tanh 128-64")
        kept = shown.texts("#trials tbody tr")

        assert 0 < len(kept) < 100
        assert all(re.search(r"mlp.*COMPLETE.*128-64.*tanh", row, re.DOTALL) for row in kept)
        assert page.locator("#filter-count").inner_text() == f"{len(kept)} of 100 trials"

        page.locator("#filter-text").fill("no such words")

        assert shown.texts("#trials tbody tr") == []


def test_table_behind_a_chart_has_a_row_for_each_of_its_points(browser: Browser, pages: Pages) -> None:
    with show(browser, pages(10)) as shown:
        shown.page.locator("#best-so-far summary").click()
        rows = shown.texts("#best-so-far table tbody tr")

        assert len(rows) == 10
        assert len(shown.texts("#best-so-far table thead th")) == 7


def test_slider_shows_the_confusion_of_an_earlier_epoch(browser: Browser, pages: Pages) -> None:
    with show(browser, pages(10)) as shown:
        box = shown.page.locator(".confusion").first
        last = box.locator("tbody").inner_text()
        box.locator("input").press("Home")

        assert box.locator("output").inner_text() == "1"
        assert box.locator("tbody").inner_text() != last

        box.locator("input").press("End")

        assert box.locator("tbody").inner_text() == last


def test_brush_on_an_axis_keeps_the_trials_that_pass_there(browser: Browser, pages: Pages) -> None:
    with show(browser, pages(100)) as shown:
        count = shown.page.locator("#parallel svg text", has_text="trials selected")
        count.scroll_into_view_if_needed()
        axis = shown.page.locator("#parallel .role-axis-domain line").last.bounding_box()
        assert axis is not None
        x, top = axis["x"] + axis["width"] / 2, axis["y"]
        shown.page.mouse.move(x, top + 2)
        shown.page.mouse.down()
        shown.page.mouse.move(x, top + axis["height"] * 0.3, steps=4)
        shown.page.mouse.up()
        selected = int((count.text_content() or "").split()[0])

        assert 0 < selected < 100

        shown.page.mouse.dblclick(x, top + 40)

        assert count.text_content() == "100 of 100 trials selected"
        assert shown.messages == []


def test_printed_page_holds_the_charts_and_no_controls(browser: Browser, pages: Pages, tmp_path: Path) -> None:
    with show(browser, pages(10)) as shown:
        shown.page.emulate_media(media="print")

        assert shown.texts("nav, #filters, details.data > summary, .epoch") == []
        assert len(shown.texts("figure h3")) == shown.page.locator("figure .chart svg").count()
        assert shown.page.pdf(format="A4").startswith(b"%PDF")


def test_report_shows_what_the_checks_found_under_its_verdict(browser: Browser, pages: Pages) -> None:
    with show(browser, pages(100)) as shown:
        (note,) = shown.texts("#health li")

        assert note.startswith("note\ntrial")
        assert "may be as good as the best one" in note
