"""A study submitted with `ray job submit` to a separate, authenticated head on this machine."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from cluster.run_dir.paths import RunDir
from tests.cluster.ray_backend.test_user_modules import write_modules
from tests.support.processes import free_port, wait_until
from tests.support.ray_head import RAY, TIMEOUT_S, client_environment, processes_of

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Head:
    """A running head: where its Jobs API listens, and the environment of a client that has its token."""

    address: str
    environment: dict[str, str]


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    folder = tmp_path_factory.mktemp("head")
    environment = client_environment(folder)
    gcs, dashboard = free_port(), free_port()
    command = [RAY, "start", "--head", "--block", "--num-cpus=2", "--node-ip-address=127.0.0.1", f"--port={gcs}"]
    command += ["--include-dashboard=true", "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}"]
    command += [
        f"--dashboard-agent-listen-port={free_port()}"
    ]  # by default a fixed port, which another cluster may use
    sessions = tempfile.mkdtemp(prefix="ray-")  # under pytest's own folder, the paths of Ray's sockets are too long
    with subprocess.Popen(
        [*command, f"--temp-dir={sessions}"], env=environment, stdout=subprocess.PIPE, text=True
    ) as ray:
        try:
            assert ray.stdout is not None
            assert any("Ray runtime started" in line for line in ray.stdout)
            yield Head(f"http://127.0.0.1:{dashboard}", environment)
        finally:
            ray.send_signal(signal.SIGTERM)  # with --block, this also ends its processes
            ray.communicate(timeout=TIMEOUT_S)
            wait_until(lambda: not processes_of(sessions), "the end of Ray's processes, which outlive `ray start`")
            shutil.rmtree(sessions)


def submit(
    head: Head, environment: dict[str, str], *entrypoint: str, folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Submits a job; retries until the head's job agent is up, which takes longer than the head itself."""
    command = [RAY, "job", "submit", "--address", head.address, "--working-dir", ".", "--", *entrypoint]
    deadline_s = time.monotonic() + TIMEOUT_S
    while True:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        if "No available agent to submit job" not in done.stdout or time.monotonic() > deadline_s:
            return done


def test_submitted_study_completes_both_trials(head: Head, tmp_path: Path) -> None:
    out = tmp_path / "run"

    done = submit(head, head.environment, "python", "-m", "jobs", "run", "smoke", "--out", str(out))

    assert done.returncode == 0, done.stdout
    with closing(sqlite3.connect(RunDir.open(out).store)) as store:
        assert store.execute("SELECT state FROM trials").fetchall() == [("COMPLETE",), ("COMPLETE",)]


def test_submitted_folder_of_the_user_may_have_modules_of_any_name(head: Head, tmp_path: Path) -> None:
    (folder := tmp_path / "mine").mkdir()
    write_modules(folder, ("cluster", "jobs", "mxnet", "optuna", "rich"))  # with a numpy.py, Ray Jobs itself fails
    # The program `mxtrials`: Python finds mxtrials where it is installed, and Ray puts the folder first on PYTHONPATH.
    (folder / "program.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom mnist_core.installed import main\nsys.exit(main())\n"
    )
    out = tmp_path / "run"

    options = ("--workers", "cpu=1", "--trials", "1", "--out", str(out))
    done = submit(head, head.environment, "python", "program.py", "run", "smoke", *options, folder=folder)

    assert done.returncode == 0, done.stdout
    with closing(sqlite3.connect(RunDir.open(out).store)) as store:
        assert store.execute("SELECT state FROM trials").fetchall() == [("COMPLETE",)]


def test_submitted_folder_holds_the_package_and_nothing_that_git_ignores(head: Head) -> None:
    script = (
        "from pathlib import Path; files = {str(p) for p in Path().rglob('*') if p.is_file()};"
        "print('FILES', len(files), sum(Path(f).stat().st_size for f in files));"
        "assert 'jobs/specs/smoke.yaml' in files and any(f.startswith('mnist_core/data/bundled/') for f in files);"
        "assert not {f.split('/')[0] for f in files} & {'.git', '.venv', 'runs', 'build', '.mypy_cache'}"
    )

    done = submit(head, head.environment, sys.executable, "-c", f'"{script}"')

    assert done.returncode == 0, done.stdout
    assert "larger than" not in done.stdout


def test_submission_without_the_token_is_rejected(head: Head) -> None:
    stranger = {**head.environment, "RAY_AUTH_MODE": "disabled"}
    request = Request(
        f"{head.address}/api/jobs/", b'{"entrypoint": "echo never"}', {"Content-Type": "application/json"}
    )

    done = submit(head, stranger, "echo", "never")
    with pytest.raises(HTTPError) as raised:
        urlopen(request, timeout=TIMEOUT_S)
    raised.value.close()

    assert done.returncode != 0
    assert "token authentication is enabled" in done.stdout
    assert raised.value.code == 401
