"""A Ray cluster that cannot be joined, and one that dies under a running driver."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.run_dir.paths import RunDir
from cluster.trial import TrialState
from tests.faults.kit.matrix import fault
from tests.faults.kit.studies import trials_of
from tests.support.command_line import ROOT, assert_one_line_error, command, run_successfully
from tests.support.processes import wait_until
from tests.support.ray_head import RayHead, ray_head

pytestmark = pytest.mark.slow

PATIENCE_S = 8
EPOCHS = 4000


@pytest.fixture
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayHead]:
    """A head whose nodes give up soon after its GCS has died."""
    with ray_head(tmp_path_factory.mktemp("head"), RAY_gcs_rpc_server_reconnect_timeout_s=str(PATIENCE_S)) as head:
        yield head


def run_smoke(options: list[str], *more: str | Path) -> list[str]:
    on_ray = [option for option in options if option != "--local"]
    fields = [f"--set=training.epochs={EPOCHS}", "--set=limits.checkpoint_every_s=1"]
    return command("run", *on_ray, *fields, "--trials=1", "--quiet", *more)


@fault(
    "The driver",
    "the cluster at `--address` has another token, or another version of Ray or Python; or what answers is no cluster",
    seen="one-line error that says so and what to do, exit code 3, within seconds; no run directory",
    cost="nothing",
)
def test_cluster_with_another_token_is_named_at_once(
    head: RayHead, environment: dict[str, str], options: list[str], tmp_path: Path
) -> None:
    done = subprocess.run(
        run_smoke(options, "--address", head.address, "--out", tmp_path / "run"),
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert_one_line_error(done, 3, f"the Ray cluster at {head.address} rejects this machine's token", "auth_token")
    assert not (tmp_path / "run").exists()


@fault(
    "The driver",
    "the GCS of its Ray cluster dies and does not come back",
    seen="one-line error after 45 s, exit code 3, with the command to resume, on another cluster or with `--local`",
    cost="training since the last checkpoints",
)
def test_study_whose_cluster_dies_is_saved_and_resumes_elsewhere(
    head: RayHead, environment: dict[str, str], options: list[str], tmp_path: Path
) -> None:
    run_dir = tmp_path / "run"
    end_gcs_under_study(signal.SIGKILL, head, environment, options, run_dir)
    run_successfully(environment, "resume", run_dir, "--local", "--quiet")
    (trial,) = trials_of(RunDir(run_dir))
    assert (trial.state, trial.epochs) == (TrialState.COMPLETE, EPOCHS)
    run_successfully(environment, "reproduce", run_dir)


@fault(
    "The driver",
    "the GCS of its Ray cluster hangs (SIGSTOP)",
    seen="as if it had died",
    cost="training since the last checkpoints",
)
def test_study_whose_cluster_hangs_is_saved(
    head: RayHead, environment: dict[str, str], options: list[str], tmp_path: Path
) -> None:
    end_gcs_under_study(signal.SIGSTOP, head, environment, options, tmp_path / "run")


def end_gcs_under_study(
    number: signal.Signals, head: RayHead, environment: dict[str, str], options: list[str], run_dir: Path
) -> None:
    """Sends the GCS a signal while a study trains, and checks how the study ends."""
    with subprocess.Popen(
        run_smoke(options, "--address", head.address, "--out", run_dir),
        env={**head.environment, "XDG_CACHE_HOME": environment["XDG_CACHE_HOME"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as driver:
        wait_until(lambda: run_dir.exists() and epochs_of(run_dir) > 2, "the study trains")
        head.gcs_server().send_signal(number)
        stdout, stderr = driver.communicate(timeout=120)
    ended = subprocess.CompletedProcess(driver.args, driver.returncode, stdout, stderr)
    resume = f"then resume with: mxtrials resume {run_dir}"
    assert_one_line_error(ended, 3, "the Ray cluster at", "does not answer any more", resume)
    assert 2 < epochs_of(run_dir) < EPOCHS


def epochs_of(run_dir: Path) -> int:
    return sum(trial.epochs for trial in trials_of(RunDir(run_dir)))
