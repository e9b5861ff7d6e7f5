"""`mxtrials report --serve`: the page on this machine only, loaded again when the study has changed."""

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser

from cluster.spec.space import Params
from cluster.store.store import Store
from jobs.report.server import ReportServer, open_report_server
from mnist_core.errors import EnvironmentProblem
from mnist_core.measurement import Measurement
from tests.support.browser import show
from tests.support.command_line import CommandLine
from tests.support.tabled_study import tabled_study

PARAMS: Params = {"model": {"kind": "mlp", "hidden": [8]}, "training.learning_rate": 0.1}


@pytest.fixture
def server(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[ReportServer]:
    """A server of the report of a study with ten trials, on a free port."""
    monkeypatch.setenv("XDG_CACHE_HOME", environment["XDG_CACHE_HOME"])
    with open_report_server(tabled_study(tmp_path / "run", 10), 0) as opened:
        Thread(target=opened.serve_forever, daemon=True).start()
        yield opened
        opened.shutdown()


def answer(server: ReportServer, path: str, host: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.request("GET", path, headers={} if host is None else {"Host": host})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def add_trial(server: ReportServer, run: Path, number: int) -> None:
    with Store.open(run / "study.db") as store:
        store.add_trial(number, "mlp", PARAMS, seed=number)
        store.start_attempt(number, "cpu-0")
        store.add_measurement(number, Measurement(1, {"val/digit_accuracy": 0.5}, 1.0), 0.5)


def test_server_answers_with_the_page_and_its_revision_only(server: ReportServer) -> None:
    assert answer(server, "/")[0] == 200
    assert "connect-src &#39;self&#39;" in answer(server, "/")[1]
    assert answer(server, "/revision") == (200, server.revision())
    assert answer(server, "/../study.db")[0] == 404


def test_server_does_not_answer_under_another_name(server: ReportServer) -> None:
    status, text = answer(server, "/", host=f"evil.example:{server.server_port}")

    assert status == 421
    assert "tabled" not in text


def test_server_listens_on_the_loopback_address_only(server: ReportServer) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_page_in_the_browser_follows_the_study(server: ReportServer, browser: Browser, tmp_path: Path) -> None:
    with show(browser, server.address) as shown:
        assert shown.page.locator("#trials tbody tr").count() == 10
        add_trial(server, tmp_path / "run", 10)
        shown.page.locator("#trials tbody tr").nth(10).wait_for()

        assert shown.messages == []


def test_study_that_can_no_longer_be_read_is_an_answer(server: ReportServer, tmp_path: Path) -> None:
    (tmp_path / "run" / "spec.yaml").write_text("name: [")
    (tmp_path / "run" / "study.db").touch()

    status, text = answer(server, "/")

    assert status == 500
    assert "spec.yaml" in text


def test_port_in_use_is_an_error(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(EnvironmentProblem, match="another --port"),
        open_report_server(tabled_study(tmp_path / "run", 1), taken.getsockname()[1]),
    ):
        pass


@pytest.mark.parametrize(
    "options", [["--port", "8000"], ["--serve", "--out", "page.html"], ["--serve", "--port", "70000"]]
)
def test_options_that_contradict_each_other_are_bad_usage(
    tmp_path: Path, mxtrials: CommandLine, options: list[str]
) -> None:
    assert mxtrials("report", tmp_path, *options).returncode == 2
