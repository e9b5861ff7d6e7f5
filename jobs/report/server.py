"""Serves a study's report on this machine only, made again whenever the study has changed.

Nobody else can read it: the server listens on the loopback address, and answers requests for that address only, so
that no other page in the browser reaches it under a name of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from typing_extensions import override

from cluster.run_dir.paths import RunDir
from jobs.report.page import render_report
from mnist_core.errors import EnvironmentProblem, MxtrialsError

LOOPBACK = "127.0.0.1"


class ReportServer(ThreadingHTTPServer):
    """A server of one report: the page at `/`, and at `/revision` a text that changes with the study."""

    daemon_threads = True

    def __init__(self, run_dir: RunDir, port: int) -> None:
        """Listens on a port; 0 takes a free one."""
        self._run_dir = run_dir
        self._made: tuple[str, bytes] = ("", b"")
        self._making = Lock()
        super().__init__((LOOPBACK, port), _Handler)

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    def revision(self) -> str:
        """Returns a text that changes whenever the driver has written to the store, or has stopped."""
        store = self._run_dir.store
        times = (_changed_ns(file) for file in (store, store.with_name(f"{store.name}-wal")))
        return "-".join(map(str, (*times, int(self._run_dir.is_locked()))))

    def page(self) -> bytes:
        """Returns the report as the study is now.

        Raises:
            MxtrialsError: the study cannot be read.
        """
        with self._making:
            revision = self.revision()
            if self._made[0] != revision:
                self._made = (revision, render_report(self._run_dir, revision))
            return self._made[1]

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores a browser that has gone away in the middle of an answer."""


def _changed_ns(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@contextmanager
def open_report_server(run_dir: RunDir, port: int) -> Iterator[ReportServer]:
    """Opens a server, which answers as long as its `serve_forever` runs.

    Raises:
        EnvironmentProblem: the port cannot be used.
    """
    try:
        server = ReportServer(run_dir, port)
    except (OSError, OverflowError) as err:
        reason = getattr(err, "strerror", None) or err
        raise EnvironmentProblem(f"port {port} cannot be used ({reason}): choose another --port, or 0") from err
    with server:
        yield server


class _Handler(BaseHTTPRequestHandler):
    server: ReportServer
    timeout = 30  # seconds for a browser that opens a connection and says nothing

    @override
    def version_string(self) -> str:
        return "mxtrials"

    def do_GET(self) -> None:
        """Answers a request for the page or its revision."""
        hosts = [f"{name}:{self.server.server_port}" for name in (LOOPBACK, "localhost")]
        if self.headers.get("Host") not in hosts:
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, b"this server answers for this machine only\n", "text/plain")
        elif self.path == "/revision":
            self._answer(HTTPStatus.OK, self.server.revision().encode(), "text/plain")
        elif self.path == "/":
            self._answer_page()
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"there is only the report, at /\n", "text/plain")

    def _answer_page(self) -> None:
        try:
            page = self.server.page()
        except MxtrialsError as err:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, f"{err}\n".encode(errors="backslashreplace"), "text/plain")
        else:
            self._answer(HTTPStatus.OK, page, "text/html")

    def _answer(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Prints nothing: the terminal shows the address."""
