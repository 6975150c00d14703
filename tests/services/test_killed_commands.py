"""A command that gets SIGKILL leaves no run that is Running for ever: the next command says that it crashed."""

import re
import signal
import subprocess
import time
from collections.abc import Mapping
from uuid import UUID

import pytest

from ecommerce.services.command_runs import killed_runs
from ecommerce.services.mending import mend
from tests.prefect_stack import PrefectStack
from tests.programs import PROGRAM, clean_environment

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(stack: PrefectStack) -> Mapping[str, str]:
    return clean_environment(stack.settings)


def killed_command(environment: Mapping[str, str]) -> UUID:
    """The run of a command that makes live orders and is killed while it does."""
    command = live_orders(environment)
    run = run_of(command)
    time.sleep(1)
    command.send_signal(signal.SIGKILL)
    command.communicate()
    return run


def live_orders(environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen([PROGRAM, "generate", "--rate", "5"], env=environment, stderr=subprocess.PIPE, text=True)


def run_of(command: "subprocess.Popen[str]") -> UUID:
    """The run whose address a command says among its first lines."""
    assert command.stderr is not None
    for line in command.stderr:
        if found := re.search(r"flow-run/([0-9a-f-]{36})", line):
            return UUID(found.group(1))
    raise AssertionError("the command named no run")


@pytest.mark.timeout(600)
def test_the_next_command_calls_the_run_crashed(stack: PrefectStack, environment: Mapping[str, str]) -> None:
    home = stack.settings.home_directory
    for arguments in (["status"], ["kpis", "--json"], ["summarize"]):
        run = killed_command(environment)
        assert stack.client.read_flow_run(run).state_name == "Running"
        assert set(killed_runs(home)) == {str(run)}
        done = subprocess.run([PROGRAM, *arguments], env=environment, capture_output=True, text=True, timeout=120)
        assert "is called crashed: the process of its command was killed" in done.stderr
        assert stack.client.read_flow_run(run).state_name == "Crashed"
        assert killed_runs(home) == {}
    # One that ended by itself leaves no note, and what `up` looks at again and again finds a killed one, too.
    assert list((home / "run" / "command-runs").iterdir()) == []
    run, said = killed_command(environment), list[str]()
    mend(stack.settings, said.append, stack.deploy)
    assert len(said) == 1
    assert stack.client.read_flow_run(run).state_name == "Crashed"


@pytest.mark.timeout(600)
def test_a_run_that_works_is_left_alone(stack: PrefectStack, environment: Mapping[str, str]) -> None:
    command = live_orders(environment)
    try:
        run = run_of(command)
        subprocess.run([PROGRAM, "summarize"], env=environment, check=True, capture_output=True, timeout=120)
        assert stack.client.read_flow_run(run).state_name == "Running"
        command.send_signal(signal.SIGTERM)
        command.communicate(timeout=60)
        assert stack.client.read_flow_run(run).state_name in ("Crashed", "Cancelled", "Completed")
    finally:
        command.kill()
        command.communicate()
