"""A person's word before orders are deleted: by the form in Prefect, on the terminal, too late, or never."""

import os
import pty
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.states import Cancelled
from pyspark.sql import SparkSession

from ecommerce.archive.approval import ANSWER_TIME
from ecommerce.archive.lease import require_free_lease
from ecommerce.archive.run import ARCHIVE_RUNS
from ecommerce.archive.view import open_view
from ecommerce.mongo import MongoDatabase
from ecommerce.services.prefect import post
from ecommerce.settings import Settings
from tests.approving import ARCHIVE, answer, message, question, suspended
from tests.archiving import an_order, assert_one_place, emptied_afterwards, hot_ids, insert, shop_beside_a_worker
from tests.prefect_stack import PrefectStack, prefect_stack
from tests.programs import PROGRAM, clean_environment, ecommerce

pytestmark = pytest.mark.slow

ORDERS = [an_order(i, day=i % 2) for i in range(20)]


@pytest.fixture(scope="module")
def archive(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return shop_beside_a_worker(mongo_uri, tmp_path_factory.mktemp("approval"))


@pytest.fixture(scope="module")
def shared_stack(archive: Settings) -> Iterator[PrefectStack]:
    """One server and one worker for all tests: they start for half a minute."""
    with prefect_stack(archive, archive.home_directory / "prefect") as stack, stack.worker():
        stack.pause("generate-orders/hourly")
        yield stack


@pytest.fixture
def database(archive: Settings) -> Iterator[MongoDatabase]:
    with emptied_afterwards(archive) as database:
        insert(database, ORDERS)
        yield database


@pytest.fixture
def stack(shared_stack: PrefectStack, database: MongoDatabase) -> PrefectStack:
    return shared_stack


def record(database: MongoDatabase) -> dict[str, Any]:
    (found,) = database[ARCHIVE_RUNS].find()
    return found


def staged(archive: Settings) -> list[str]:
    """What was exported and is not published: branches of the table."""
    table = open_view(archive).table
    assert table is not None
    return [name for name in table.refs() if name != "main"]


@pytest.mark.timeout(600)
def test_a_run_waits_for_the_form_and_holds_nothing_meanwhile(
    stack: PrefectStack, archive: Settings, database: MongoDatabase, spark: SparkSession
) -> None:
    run = suspended(stack, approve=True)
    waiting = record(database)
    assert (waiting["state"], waiting["flow_run"], waiting["asked_by"]) == ("verified", str(run), str(run))
    assert timedelta(hours=23, minutes=50) < waiting["answer_until"] - datetime.now(UTC) <= ANSWER_TIME
    assert hot_ids(database) == set(range(20))
    require_free_lease(database)
    # What the form says.
    text = question(stack, run)
    for said in ("Delete 20 orders", "2 days (2024-03-01 to 2024-03-02)", "| 2024-03-01 | 10 |", "stay: not"):
        assert said in text
    # Others go on: a check of the archive, and the nightly run, which says what waits and does nothing else.
    insert(database, [an_order(100)])
    check, night = stack.wait(stack.ask("check-orders/daily"), stack.ask(ARCHIVE))
    assert [check.state_name, night.state_name] == ["Completed", "Completed"], stack.log(check.id)
    assert "waits for a person's word until" in message(night)
    assert record(database)["state"] == "verified"
    # An empty form is none.
    with pytest.raises(RuntimeError, match="'answer' is a required property"):
        answer(stack, run)
    answer(stack, run, answer="approve", comment="as agreed")
    (ended,) = stack.wait(run)
    assert ended.state_name == "Completed", stack.log(run)
    assert "archived 20 orders" in message(ended)
    committed = record(database)
    assert (committed["state"], committed["answer"], committed["comment"]) == ("committed", "approved", "as agreed")
    # The order that came meanwhile was not asked about.
    assert hot_ids(database) == {100}
    assert_one_place(spark, archive, database, [*ORDERS, an_order(100)])


@pytest.mark.timeout(600)
def test_a_refused_run_deletes_nothing_and_leaves_nothing(
    stack: PrefectStack, archive: Settings, database: MongoDatabase
) -> None:
    run = suspended(stack, include_open=True)
    assert staged(archive)
    answer(stack, run, answer="refuse", comment="not in December")
    (ended,) = stack.wait(run)
    assert ended.state_name == "Completed", stack.log(run)
    assert "was refused: not in December" in message(ended)
    closed = record(database)
    assert closed["state"] == "refused"
    assert "unfinished" not in closed
    assert hot_ids(database) == set(range(20))
    assert staged(archive) == []


@pytest.mark.timeout(600)
def test_without_an_answer_in_time_or_when_it_is_cancelled_it_is_refused_by_the_next_run(
    stack: PrefectStack, archive: Settings, database: MongoDatabase
) -> None:
    def next_run() -> None:
        """One that has nothing of its own to archive."""
        (run,) = stack.wait(stack.ask(ARCHIVE, older_than_days=36_500, compact_from=0))
        assert run.state_name == "Completed", stack.log(run.id)

    run = suspended(stack, approve=True)
    database[ARCHIVE_RUNS].update_one({}, {"$set": {"answer_until": datetime.now(UTC)}})
    next_run()
    assert record(database)["state"] == "refused"
    assert staged(archive) == []
    # Too late: the answer finds the run closed, and deletes nothing.
    answer(stack, run, answer="approve")
    (late,) = stack.wait(run)
    assert message(late).startswith("already answered: run "), stack.log(run)
    assert record(database)["state"] == "refused"
    assert hot_ids(database) == set(range(20))
    database[ARCHIVE_RUNS].delete_many({})

    run = suspended(stack, approve=True)
    stack.client.set_flow_run_state(run, Cancelled(), force=True)
    next_run()
    assert record(database)["state"] == "refused"
    assert hot_ids(database) == set(range(20))


@pytest.mark.timeout(600)
def test_an_operator_s_choice_lasts_and_a_run_may_choose_otherwise(
    stack: PrefectStack, archive: Settings, database: MongoDatabase
) -> None:
    variable = post(stack.settings, "/variables/", {"name": "ecommerce_archive_approve", "value": True})
    try:
        stack.deploy()
        # What Prefect's form sends where nobody touched it: for a plain switch it would send false.
        run = suspended(stack, include_open=False, compact_from=4, dry_run=False, approve=None)
        assert hot_ids(database) == set(range(20))
        answer(stack, run, answer="refuse")
        stack.wait(run)
        assert hot_ids(database) == set(range(20))
        (without,) = stack.wait(stack.ask(ARCHIVE, approve=False))
        assert without.state_name == "Completed", stack.log(without.id)
        assert hot_ids(database) == set()
    finally:
        post(stack.settings, f"/variables/{variable['id']}", None, "DELETE")


@pytest.mark.timeout(600)
def test_a_command_asks_on_its_terminal_and_yes_answers_beforehand(
    stack: PrefectStack, archive: Settings, database: MongoDatabase
) -> None:
    def typed(text: str, *options: str) -> subprocess.CompletedProcess[str]:
        terminal, ours = pty.openpty()
        os.write(terminal, text.encode())
        return subprocess.run(
            [PROGRAM, "archive", *options],
            stdin=ours,
            capture_output=True,
            text=True,
            env=clean_environment(stack.settings),
        )

    nobody = ecommerce(stack.settings, "archive", "--include-open")
    assert nobody.returncode != 0
    assert "--yes answers beforehand" in nobody.stderr
    assert database[ARCHIVE_RUNS].count_documents({}) == 0, "it is known before anything is exported"

    refused = typed("n\n", "--approve")
    assert "Delete 20 orders from MongoDB?" in refused.stderr
    assert "was refused: on the command line; all of them are in MongoDB" in refused.stdout, refused.stderr
    assert hot_ids(database) == set(range(20))
    database[ARCHIVE_RUNS].delete_many({})

    # What waits elsewhere is said, and answered where that is asked for.
    run = suspended(stack, approve=True)
    waiting = typed("y\n")
    assert "waits for a person's word until" in waiting.stdout, waiting.stderr
    assert hot_ids(database) == set(range(20))
    answered = typed("y\n", "--approve")
    assert "20 orders of 2 days" in answered.stdout, answered.stderr
    assert hot_ids(database) == set()
    answer(stack, run, answer="refuse")
    (late,) = stack.wait(run)
    assert message(late).startswith("already answered: run "), stack.log(run)

    insert(database, [an_order(100, status="Pending")])
    said_yes = ecommerce(stack.settings, "archive", "--include-open", "--yes")
    assert "1 order of 1 day" in said_yes.stdout, said_yes.stderr
    assert hot_ids(database) == set()


@pytest.mark.timeout(600)
def test_the_question_stays_on_the_terminal_and_who_leaves_it_can_refuse_later(
    stack: PrefectStack, archive: Settings, database: MongoDatabase
) -> None:
    environment = clean_environment(stack.settings) | {"TERM": "xterm", "COLUMNS": "120"}
    terminal, ours = pty.openpty()
    asking = subprocess.Popen([PROGRAM, "archive", "--approve"], stdin=ours, stdout=ours, stderr=ours, env=environment)
    os.close(ours)
    shown = ""
    while "[y/N]" not in shown:
        shown += os.read(terminal, 65_536).decode(errors="replace")
    time.sleep(2)  # the bar would be drawn twenty times
    os.set_blocking(terminal, False)
    with suppress(BlockingIOError):
        shown += os.read(terminal, 65_536).decode(errors="replace")
    behind = shown.rpartition("[y/N]")[2]
    assert behind.strip(": ") == "", f"drawn over the question: {behind!r}"
    os.set_blocking(terminal, True)
    os.write(terminal, b"\x04")  # Ctrl-D: the person leaves
    assert asking.wait(120) == 0
    os.set_blocking(terminal, False)
    with suppress(BlockingIOError, OSError):
        shown += os.read(terminal, 65_536).decode(errors="replace")
    assert "waits for a person's word until" in shown.replace("\r\n", " "), shown[-2000:]
    os.close(terminal)
    assert record(database)["state"] == "verified"
    assert hot_ids(database) == set(range(20))

    plan = ecommerce(stack.settings, "archive", "--dry-run")
    assert "before any of that: run " in plan.stdout, plan.stderr
    assert ecommerce(stack.settings, "archive", "--refuse", "--yes").returncode == 2
    refused = ecommerce(stack.settings, "archive", "--refuse")
    assert "was refused: on the command line; all of them are in MongoDB" in refused.stdout, refused.stderr
    assert record(database)["state"] == "refused"
    assert hot_ids(database) == set(range(20))
    nothing = ecommerce(stack.settings, "archive", "--refuse")
    assert "no archive run waits for a person's word" in nothing.stderr
    assert nothing.returncode == 2

    # One that Prefect asks about is refused, too, and what the settings say of other orders is not done then.
    database[ARCHIVE_RUNS].delete_many({})
    asking_run = suspended(stack, approve=True)
    strict = {"ECOMMERCE_ARCHIVE_MAX_HOT_ORDERS": "0"}
    refused = ecommerce(stack.settings, "archive", "--refuse", shell=strict)
    assert "was refused: on the command line" in refused.stdout
    assert [one["state"] for one in database[ARCHIVE_RUNS].find()] == ["refused"], "no other run was made"
    assert hot_ids(database) == set(range(20))
    answer(stack, asking_run, answer="approve")
    (late,) = stack.wait(asking_run)
    assert message(late).startswith("already answered: run "), stack.log(asking_run)
    assert hot_ids(database) == set(range(20))
