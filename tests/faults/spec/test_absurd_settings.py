"""Settings that no machine can satisfy: the study is rejected, or one trial fails with the cause."""

import json
from pathlib import Path

import pytest

from tests.faults.kit.matrix import fault
from tests.support.command_line import CommandLine, assert_one_line_error, run_with_ulimit

ADDRESSES_KB = 5_000_000


@fault(
    "Data, specs and settings",
    "a network or batch that does not fit into memory",
    seen="the trial is FAIL with the memory that it needs and what is free; the other trials continue",
    cost="that trial",
)
def test_network_larger_than_memory_fails_alone(environment: dict[str, str], small: list[str], tmp_path: Path) -> None:
    fields = (
        "search.space={model.hidden: {choices: [[8192, 8192, 8192, 8192, 8192, 8192, 8192, 8192], [16]]}}",
        "search.sampler.kind=grid",
        "training.batch_size=10000",
        "limits.attempts=2",
    )
    options = [*small, *(f"--set={field}" for field in fields), "--json"]
    done = run_with_ulimit(f"-v {ADDRESSES_KB}", environment, "run", "smoke", *options, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    huge, modest = json.loads(done.stdout)["trials"]
    assert (huge["state"], huge["attempts"], modest["state"]) == ("FAIL", 2, "COMPLETE")
    assert "training takes about 13." in huge["error"]


@fault(
    "Data, specs and settings",
    "more workers (and trials) than the machine has memory for (`workers.cpu: 100000`)",
    seen="one-line error with how many fit, exit code 3",
    cost="nothing",
)
def test_more_workers_than_fit_are_rejected(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    on_ray = [option for option in small if option != "--local"]
    too_many = ("--workers", "cpu=100000", "--trials", "1000000", "--quiet")
    assert_one_line_error(
        mxtrials("run", "smoke", *on_ray, *too_many), 3, "100000 workers take at least 12000.0 GB", "workers.cpu"
    )
    assert not (tmp_path / "runs" / "smoke").exists()


@pytest.mark.slow
@fault(
    "Data, specs and settings",
    "a GPU is requested and there is none",
    seen="one-line error with what was requested and what there is, exit code 3; no run directory",
    cost="nothing",
)
def test_missing_gpu_is_reported(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    on_ray = [option for option in small if option != "--local"]
    done = mxtrials("run", "smoke", *on_ray, "--workers", "cpu=1,gpu=1", "--quiet", CUDA_VISIBLE_DEVICES="")
    assert_one_line_error(done, 3, "workers.gpu is 1, but the cluster offers 0 GPUs")
    assert not (tmp_path / "runs" / "smoke").exists()
