"""A real TensorBoard for the tests: starts the program on a free port and reads over HTTP what it shows."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import numpy as np

from mnist_core.data.dataset import FloatArray

STARTS_WITHIN_S, SHOWS_WITHIN_S, ANSWERS_WITHIN_S, POLL_S = 90.0, 30.0, 30.0, 0.1
STATUSES = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]

T = TypeVar("T")


@dataclass(frozen=True)
class HParamsRow:
    """One trial of the HParams page.

    Attributes:
        metrics: the last value by tag.
        status: such as STATUS_SUCCESS.
    """

    hparams: Mapping[str, Any]
    metrics: Mapping[str, Any]
    status: str


@dataclass(frozen=True)
class TensorboardClient:
    """Reads from a running TensorBoard.

    What TensorBoard has not read yet is missing from an answer or raises HTTPError (404): use `eventually`.
    """

    url: str

    def get(self, path: str, **query: str | int) -> bytes:
        """Gets `/data/<path>` as bytes."""
        return self._ask(Request(f"{self.url}/data/{path}?{urlencode(query)}"))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Posts a JSON body to `/data/<path>` and decodes the answer."""
        headers = {"Content-Type": "application/json"}
        return json.loads(self._ask(Request(f"{self.url}/data/{path}", json.dumps(body).encode(), headers)))

    def runs(self) -> list[str]:
        """The names of the runs that TensorBoard has found."""
        runs: list[str] = json.loads(self.get("runs"))
        return runs

    def scalar_tags(self) -> dict[str, dict[str, Any]]:
        """The metadata of all scalars, by run and tag."""
        tags: dict[str, dict[str, Any]] = json.loads(self.get("plugin/scalars/tags"))
        return tags

    def scalars(self, run: str, tag: str) -> list[tuple[int, float]]:
        """The (step, value) pairs of one chart."""
        points = json.loads(self.get("plugin/scalars/scalars", run=run, tag=tag))
        return [(step, value) for _, step, value in points]

    def images(self, run: str, tag: str) -> list[tuple[int, bytes]]:
        """The (step, PNG) pairs of one image card."""
        samples = json.loads(self.get("plugin/images/images", run=run, tag=tag, sample=0))
        return [
            (sample["step"], self._ask(Request(f"{self.url}/data/plugin/images/individualImage?{sample['query']}")))
            for sample in samples
        ]

    def graph(self, run: str) -> str:
        """The graph of a run, as protobuf text."""
        return self.get("plugin/graphs/graph", run=run, conceptual="false").decode()

    def texts(self, run: str, tag: str) -> list[str]:
        """The HTML of each text of one card, oldest first."""
        return [text["text"] for text in json.loads(self.get("plugin/text/text", run=run, tag=tag))]

    def pr_curves(self, run: str, tag: str) -> list[dict[str, Any]]:
        """The curves of one card, by step."""
        curves: dict[str, list[dict[str, Any]]] = json.loads(self.get("plugin/pr_curves/pr_curves", run=run, tag=tag))
        return curves[run]

    def histograms(self, run: str, tag: str) -> list[tuple[int, list[tuple[float, float, float]]]]:
        """The (step, buckets) pairs of one card; a bucket has a left end, a right end and a count."""
        found = json.loads(self.get("plugin/histograms/histograms", run=run, tag=tag))
        return [(step, [(left, right, count) for left, right, count in buckets]) for _, step, buckets in found]

    def custom_layout(self) -> Any:
        """The layout of the Custom Scalars page."""
        return json.loads(self.get("plugin/custom_scalars/layout"))

    def projector_runs(self) -> list[str]:
        """The runs with an embedding."""
        runs: list[str] = json.loads(self.get("plugin/projector/runs"))
        return runs

    def embedding(self, run: str, name: str) -> tuple[FloatArray, list[str], bytes]:
        """The points, the lines of labels, and the sprite of an embedding."""
        ask = partial(self.get, run=run, name=name)
        (entry,) = json.loads(self.get("plugin/projector/info", run=run))["embeddings"]
        rows, columns = entry["tensorShape"]
        points = np.frombuffer(ask("plugin/projector/tensor"), np.float32).reshape(rows, columns)
        return points, ask("plugin/projector/metadata").decode().splitlines(), ask("plugin/projector/sprite_image")

    def experiment(self) -> Any:
        """The columns of the HParams page: `hparamInfos` and `metricInfos`, each with a `name`."""
        return self.post("plugin/hparams/experiment", {"experimentName": ""})

    def hparams(self) -> dict[str, HParamsRow]:
        """The rows of the HParams page, by run."""
        body = {"experimentName": "", "allowedStatuses": STATUSES, "colParams": [], "startIndex": 0, "sliceSize": 1000}
        groups = self.post("plugin/hparams/session_groups", body).get("sessionGroups", [])
        return {group["name"]: _row(group) for group in groups}

    def eventually(self, ask: Callable[["TensorboardClient"], T], accept: Callable[[T], bool]) -> T:
        """Asks until the answer is accepted, as TensorBoard reads new events only once a second.

        Raises:
            AssertionError: no answer was accepted within 30 s; the message has the last one.
        """
        deadline_s = time.monotonic() + SHOWS_WITHIN_S
        last: object = None
        while time.monotonic() < deadline_s:
            try:
                answer = ask(self)
            except HTTPError as err:
                last = f"{err} for {err.url}"
            else:
                if accept(answer):
                    return answer
                last = answer
            time.sleep(POLL_S)
        raise AssertionError(f"TensorBoard does not show it: {last}")

    def _ask(self, request: Request) -> bytes:
        with urlopen(request, timeout=ANSWERS_WITHIN_S) as response:
            answer: bytes = response.read()
            return answer


@contextmanager
def running_tensorboard(logdir: Path, log: Path) -> Iterator[TensorboardClient]:
    """Runs TensorBoard over `logdir` on a free port; `log` gets its output."""
    options = ["--host", "127.0.0.1", "--port", "0", "--reload_interval", "1"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir), *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield TensorboardClient(_url(process, log))
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _url(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """Waits for the address that TensorBoard prints once it answers requests."""
    deadline_s = time.monotonic() + STARTS_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline_s:
        address = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        if address:
            return address.group()
        time.sleep(POLL_S)
    raise AssertionError(f"TensorBoard did not start:\n{log.read_text()}")


def _row(group: Any) -> HParamsRow:
    session = group["sessions"][0]
    metrics = {metric["name"]["tag"]: metric["value"] for metric in session.get("metricValues", [])}
    return HParamsRow(group.get("hparams", {}), metrics, session.get("status", "STATUS_UNKNOWN"))
