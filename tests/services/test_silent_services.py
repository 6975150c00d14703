"""A service whose process is stopped (SIGSTOP) has open ports and answers nobody: it is named, started again, ended."""

import os
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest

from ecommerce.doctor.findings import PROBLEM, Finding
from ecommerce.errors import ServiceError
from ecommerce.services import supervisor, up, watch
from ecommerce.services.daemons import Daemon
from ecommerce.services.health import ServiceState, notes, service_states
from ecommerce.services.marks import end_processes, marked_processes
from ecommerce.services.mongod import mongod
from ecommerce.services.postgres import postgres
from ecommerce.services.records import identity, locked_at_once, run_directory, write_json
from ecommerce.services.supervisor import MENDING, STOPPING, UP, outlook_of, start_it, up_mends
from ecommerce.services.watch import Watch
from ecommerce.settings import Settings
from tests.doctoring import finding_of
from tests.frozen import a_service, freeze, says_it_is, service, settings, until
from tests.programs import NO_POSTGRES
from tests.runbook import row_of

pytestmark = pytest.mark.slow

__all__ = ["service", "settings"]


def watched(settings: Settings, daemon: Daemon, said: list[str]) -> Watch:
    """What an `up` knows that asked a service once."""
    its = Watch(settings.home_directory, said.append)
    ask_until_it_answers(settings, daemon, its)
    return its


def ask_until_it_answers(settings: Settings, daemon: Daemon, its: Watch) -> None:
    """Ask once, and again where a busy machine let no answer come in time."""
    its.ask([daemon])
    until(lambda: outlook_of(settings.home_directory, daemon.name).silent_since is None, lambda: its.ask([daemon]))


def test_one_that_is_silent_is_killed_and_started_again(
    settings: Settings, service: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SILENT_SECONDS", 2)
    said: list[str] = []
    its = watched(settings, service, said)
    before = service.pid
    freeze(service)
    its.ask([service])
    its.look([service])
    assert (service.pid, said) == (before, []), "a moment is no reason"
    remedy = start_it(settings, service.name)
    assert f"wait: `ecommerce up`, which runs (process {os.getpid()}), kills it and starts it again when" in remedy
    assert "silent for 60 s" in remedy

    def ask_and_look() -> None:
        its.ask([service])
        its.look([service])

    until(lambda: said, ask_and_look)
    assert service.pid != before
    assert said[0].startswith("prefect-server did not answer for ")
    assert said[0].endswith(", its process was stopped; it was started again")
    ask_until_it_answers(settings, service, its)
    assert outlook_of(settings.home_directory, service.name) == supervisor.Outlook()


def test_one_that_was_silent_for_a_while_is_left_alone(
    settings: Settings, service: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SILENT_SECONDS", 0)
    said: list[str] = []
    its = watched(settings, service, said)
    freeze(service)
    for _ in range(watch.SILENT_ANSWERS - 1):
        its.ask([service])
        its.look([service])
    assert outlook_of(settings.home_directory, service.name).silent_since is not None
    service.wake()
    ask_until_it_answers(settings, service, its)
    its.look([service])
    assert said == []


def test_doctor_and_status_say_when_one_that_ends_again_and_again_is_started(
    settings: Settings, service: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    its = watched(settings, service, said)
    for _ in range(watch.RESTARTS_MAX + 1):
        assert service.process
        service.process.kill()
        service.process.wait()
        its.look([service])
    assert "is left down for 10 minutes after 3 restarts" in said[-1]
    outlook = outlook_of(settings.home_directory, service.name)
    assert outlook.next_start
    assert timedelta(seconds=500) < outlook.next_start - datetime.now(UTC) <= timedelta(seconds=600)
    when = f"starts it again at {outlook.next_start:%H:%M:%S} UTC, in "
    why = "was ended by signal 9 after 3 restarts"
    found = look(settings, "prefect")
    assert when in found.remedy and why in found.remedy, found
    state = state_of(settings, "prefect-server")
    assert state.state == "down"
    assert when in state.reason and why in state.reason, state

    monkeypatch.setattr(time, "monotonic", lambda clock=time.monotonic: clock() + 601)
    its.look([service])
    assert said[-1] == "prefect-server was started again"
    assert outlook_of(settings.home_directory, service.name) == supervisor.Outlook()


def test_one_that_cannot_be_started_is_named_with_why_and_the_next_attempt(settings: Settings) -> None:
    said: list[str] = []
    daemon = a_service(settings, "mongod").start()
    its = watched(settings, daemon, said)
    daemon.command_parts = ["false"]
    assert daemon.process
    daemon.process.kill()
    daemon.process.wait()
    its.look([daemon])
    assert "did not start again, which is tried every minute: mongod ended with code 1 at its start" in said[0]
    found = look(settings, "mongodb")
    assert "starts it again at " in found.remedy
    assert "Last error: mongod ended with code 1 at its start" in found.remedy
    assert "its process ended; `ecommerce up` starts it again at " in state_of(settings, "mongod").reason


def test_what_up_could_not_mend_in_prefect_is_no_promise_alone(settings: Settings, service: Daemon) -> None:
    its = watched(settings, service, [])
    promise = up_mends(settings, "deploy again", 40)
    assert "mends it within 40 s as a rule. Where it does not" in promise
    its.note_failure(MENDING, "prefect-deploy ended with code 1")
    assert "as a rule. Last error: prefect-deploy ended with code 1. Where it does not" in up_mends(settings, "", 40)
    its.note_failure(MENDING, "")
    assert up_mends(settings, "deploy again", 40) == promise


def look(settings: Settings, name: str) -> Finding:
    finding = finding_of(settings, name)
    assert finding.state == PROBLEM, finding
    return finding


def state_of(settings: Settings, name: str) -> ServiceState:
    return next(state for state in service_states(settings) if state.name == name)


def test_doctor_and_status_name_a_process_that_is_stopped(settings: Settings) -> None:
    its = mongod(settings.home_directory, settings.mongo_port).start()
    try:
        freeze(its)
        why = f"its process {its.pid} is stopped, as by `kill -STOP`"
        assert why in look(settings, "mongodb").says
        assert why in state_of(settings, "mongod").reason
        (settings.home_directory / "run" / supervisor.STATE).unlink()
        found = look(settings, "mongodb")
        assert f"(`kill -CONT {its.pid}` lets it go on)" in found.says
        assert found.remedy == "let it go on; or `ecommerce down`, then `ecommerce up`"
        assert not its.answers()
        its.wake()
        until(its.answers, lambda: None)
    finally:
        its.stop()


@pytest.mark.skipif(NO_POSTGRES is not None, reason=str(NO_POSTGRES))
def test_doctor_names_a_postgres_that_is_stopped(settings: Settings) -> None:
    its = postgres(settings.home_directory).start()
    try:
        until(its.answers, lambda: None)
        freeze(its)
        assert not its.answers()
        found = look(settings, "postgres")
        assert f"postgres is down: its process {its.pid} is stopped" in found.says
        assert "wait: `ecommerce up`" in found.remedy
    finally:
        its.stop()


def test_an_up_that_is_stopped_itself_is_named(settings: Settings) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        mine = {"supervisor": identity(other.pid), "state": UP}
        write_json(run_directory(settings.home_directory) / supervisor.STATE, mine)
        other.send_signal(signal.SIGSTOP)
        until(lambda: "is stopped" in " ".join(notes(settings)), lambda: None)
        stopped = f"`ecommerce up` (process {other.pid}) is stopped itself, as by `kill -STOP`"
        says = f"{stopped}: nothing that ends is started again"
        remedy = f"`kill -CONT {other.pid}` lets it go on; or `ecommerce down`, then `ecommerce up`"
        assert notes(settings) == [f"{says} → {remedy}"]
        assert start_it(settings, "mongod") == f"{says}: {remedy}"
        found = look(settings, "services")
        assert (found.says, found.remedy) == (says, remedy)
        with (
            locked_at_once(settings.home_directory, "up"),
            pytest.raises(ServiceError, match="stopped itself") as raised,
        ):
            up.run(settings, print, lambda: None, demo=False)
        assert str(raised.value) == f"already running in {settings.home_directory}, but {says}: {remedy}"
        said: list[str] = []
        begin = time.monotonic()
        assert up.stop(settings, said.append)
        assert (time.monotonic() - begin < 10, said) == (True, [])


def test_a_stopped_process_is_ended_as_any_other(settings: Settings, service: Daemon) -> None:
    freeze(service)
    begin = time.monotonic()
    service.stop()
    assert time.monotonic() - begin < 10

    again = a_service(settings).start()
    freeze(again)
    begin = time.monotonic()
    end_processes(marked_processes(settings.home_directory), timeout_seconds=30)
    assert time.monotonic() - begin < 10
    again.kill()


def test_up_status_and_doctor_agree_that_the_services_are_being_stopped(settings: Settings, service: Daemon) -> None:
    says_it_is(settings, STOPPING)
    home = settings.home_directory
    with locked_at_once(home, "up"), pytest.raises(ServiceError) as raised:
        up.run(settings, print, lambda: None, demo=False)
    assert row_of(str(raised.value)) == "the services of … are being stopped…"
    assert {state.state for state in service_states(settings)} == {"stopping"}
    assert "are being stopped" in look(settings, "services").says
    assert f"wait: the services are being stopped (process {os.getpid()})" in start_it(settings, "mongod")
