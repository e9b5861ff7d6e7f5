"""Which of --address, RAY_ADDRESS and --local count."""

import pytest

from tests.support.command_line import CommandLine, assert_one_line_error

DASHBOARD = "http://10.0.0.1:8265"


@pytest.mark.parametrize("command", ["run", "resume"])
def test_address_of_the_dashboard_is_rejected_before_anything_is_read(command: str, mxtrials: CommandLine) -> None:
    done = mxtrials(command, "no-such-spec", "--address", DASHBOARD)
    assert_one_line_error(done, 2, f"--address is '{DASHBOARD}'", "dashboard", "--address 10.0.0.1:6379")
    done = mxtrials(command, "no-such-spec", RAY_ADDRESS=DASHBOARD)
    assert_one_line_error(done, 2, f"RAY_ADDRESS is '{DASHBOARD}'", "dashboard", "--address 10.0.0.1:6379")


def test_empty_address_is_rejected_and_an_empty_variable_is_none(mxtrials: CommandLine) -> None:
    assert_one_line_error(mxtrials("run", "no-such-spec", "--address", ""), 2, "--address is ''")
    assert_one_line_error(mxtrials("run", "no-such-spec", RAY_ADDRESS=""), 2, "'no-such-spec'")


def test_local_with_an_address_is_a_usage_error(mxtrials: CommandLine) -> None:
    for options in (["--local", "--address", "10.0.0.1:6379"], ["--address", DASHBOARD, "--local"]):
        done = mxtrials("run", "smoke", *options)
        assert done.returncode == 2
        assert "--local runs in this process, without Ray: leave out --address" in done.stderr


@pytest.mark.parametrize("address", ["127.0.0.1:1", DASHBOARD])
def test_local_ignores_the_address_in_the_environment(address: str, mxtrials: CommandLine, small: list[str]) -> None:
    done = mxtrials("run", "smoke", *small, "--trials=1", "--epochs=1", "--quiet", RAY_ADDRESS=address)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
