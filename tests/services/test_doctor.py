"""`ecommerce doctor` names what is wrong: set-ups that are broken on purpose, on a real mongod, each in one way."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import pytest
from bson import Timestamp

from ecommerce.archive.lease import archive_lease
from ecommerce.archive.run import ARCHIVE, ARCHIVE_RUNS, PLANNED, VERIFIED, Run
from ecommerce.archive.runs import new_run, prepare_archive
from ecommerce.doctor import machine
from ecommerce.doctor.checkup import CHECKS
from ecommerce.doctor.findings import OK, PROBLEM, SKIPPED
from ecommerce.java import _java_home
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.services.health import service_states
from ecommerce.services.mongod import find_mongod
from ecommerce.settings import Settings
from ecommerce.summaries.state import STATE, STATE_ID, State
from tests.doctoring import finding_of, look, only_problem, settings
from tests.ports import free_port
from tests.secured_mongo import secured_mongod
from tests.version_0_1_0 import bring_back

__all__ = ["settings"]


def test_a_good_set_up_is_all_well(settings: Settings, database: MongoDatabase) -> None:
    findings = look(settings)
    assert {finding.state for finding in findings.values()} == {OK}, findings


def test_an_archive_run_is_under_way_only_while_somebody_works_on_it(
    settings: Settings, database: MongoDatabase
) -> None:
    prepare_archive(database)
    now = datetime.now(UTC)
    run = Run("r1", ARCHIVE, PLANNED, now, None, "file:/a", started_at=now, approve=True)
    new_run(database, run)
    with archive_lease(database):
        assert finding_of(settings, "archive runs").says == "run r1 is under way (planned)"
    left = finding_of(settings, "archive runs")
    assert (left.state, left.says.startswith("run r1 was left planned: its orders are safe")) == (OK, True)
    database[ARCHIVE_RUNS].update_one({}, {"$set": {"state": VERIFIED, "started_at": now - timedelta(hours=20)}})
    waiting = finding_of(settings, "archive runs")
    assert (waiting.state, "waits for a person's word" in waiting.says) == (OK, True)


def test_no_server(settings: Settings) -> None:
    away = settings.model_copy(update={"mongo_uri": None, "mongo_port": free_port()})
    found = look(away)
    assert [finding.check for finding in found.values() if finding.state == PROBLEM] == ["mongodb"]
    assert "does not answer" in found["mongodb"].says
    assert "ecommerce up" in found["mongodb"].remedy
    assert found["indexes"].state == SKIPPED


def test_a_wrong_password_and_a_user_without_rights(settings: Settings, tmp_path: Path) -> None:
    with secured_mongod(tmp_path / "secured", free_port()) as mongo:
        wrong = Settings.model_validate({"mongo_uri": mongo.uri("ingest", "guess"), "home": tmp_path})
        found = finding_of(wrong, "mongodb")
        assert (found.state, found.says) == (PROBLEM, "ECOMMERCE_MONGO_URI refuses the user or the password")
        found = finding_of(mongo.settings("bi"), "mongodb")
        assert found.state == PROBLEM
        assert "may not read 'orders'" in found.says
        assert "guess" not in json.dumps([finding.to_dict() for finding in look(wrong).values()])


def test_no_replica_set(settings: Settings, tmp_path: Path) -> None:
    port = free_port()
    command = [str(find_mongod()), "--dbpath", str(tmp_path), "--port", str(port), "--unixSocketPrefix", str(tmp_path)]
    with (tmp_path / "mongod.log").open("wb") as log, subprocess.Popen(command, stdout=log) as process:
        try:
            alone = Settings.model_validate({"mongo_uri": f"mongodb://127.0.0.1:{port}", "home": tmp_path})
            found = look(alone, "mongodb", "replica set", "images", "summaries")
        finally:
            process.kill()
    assert found["mongodb"].state == OK
    assert "--replSet" in found["replica set"].remedy
    assert found["images"].state == found["summaries"].state == SKIPPED


def has_old_summaries(database: MongoDatabase) -> None:
    yesterday = datetime.now(UTC) - timedelta(hours=30)
    state = State("epoch", 0, 0, Timestamp(1, 1), None, yesterday, yesterday, "UTC", 0)
    database[STATE].insert_one({"_id": STATE_ID} | state.to_document())


def has_an_archive_run_that_was_left(database: MongoDatabase) -> None:
    prepare_archive(database)
    started = datetime.now(UTC) - timedelta(hours=9)
    new_run(database, Run("r1", ARCHIVE, PLANNED, started, None, "file:/archive", started_at=started))


BROKEN: dict[str, tuple[Callable[[MongoDatabase], object], str, str, str]] = {
    "lacks an index": (
        lambda database: database[ORDERS].drop_index("order_time"),
        "indexes", "lacks the index order_time", "bootstrap",
    ),
    "has a weak validator": (
        lambda database: database.command("collMod", ORDERS, validationAction="warn"),
        "validators", "validator of orders is not this version's", "bootstrap",
    ),
    "lacks a collection": (
        lambda database: database.drop_collection("couriers"),
        "validators", "missing: couriers", "bootstrap",
    ),
    "keeps no images": (
        lambda database: database.command("collMod", ORDERS, changeStreamPreAndPostImages={"enabled": False}),
        "images", "changeStreamPreAndPostImages is off", "bootstrap",
    ),
    "has no summaries": (
        lambda database: database["archived_orders"].insert_one({"_id": 1}),
        "summaries", "no summaries", "ecommerce summarize",
    ),
    "has old summaries": (has_old_summaries, "summaries", "30.0 hours ago", "ecommerce summarize"),
    "has an archive run that was left": (
        has_an_archive_run_that_was_left, "archive runs", "r1 is planned since 9 hours", "ecommerce archive",
    ),
}  # fmt: skip
"""How a database is broken, the check that finds it, what it says, and the remedy."""


@pytest.mark.parametrize("broken", BROKEN)
def test_a_database_that(broken: str, settings: Settings, database: MongoDatabase) -> None:
    breaks, check, says, remedy = BROKEN[broken]
    breaks(database)
    problem = only_problem(settings)
    assert problem.check == check
    assert says in problem.says
    assert remedy in problem.remedy


def test_an_old_java(
    settings: Settings, database: MongoDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java = tmp_path / "java8" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho 'Unrecognized option: --add-modules' >&2\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java8"))
    monkeypatch.setenv("PATH", str(java.parent))
    # Nothing can be fetched into a cache that is a file.
    (tmp_path / "cache").write_text("")
    _java_home.cache_clear()
    found = finding_of(settings.model_copy(update={"cache": tmp_path / "cache"}), "java")
    _java_home.cache_clear()
    assert found.state == PROBLEM
    assert "Java 17 or newer is needed" in found.says
    assert "is older than 17" in found.says


def test_no_jars(settings: Settings, tmp_path: Path) -> None:
    found = finding_of(settings.model_copy(update={"cache": tmp_path / "empty"}), "jars")
    assert found.state == PROBLEM
    assert "hadoop-client-minicluster" in found.says
    assert "ecommerce.services.fetch" in found.remedy


def test_a_full_disk(settings: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "FREE_BYTES_MIN", 10**18)
    settings.home_directory.mkdir(exist_ok=True)
    problem = only_problem(settings)
    assert problem.check == "space"
    assert "GB are free" in problem.says
    assert problem.remedy.startswith(f"nothing under {settings.home_directory} can be deleted without loss; or make")
    assert (
        "`ecommerce archive` frees room inside MongoDB's files, for new orders, and none on the disk" in problem.remedy
    )

    for file, size in (
        ("inbox/done/orders.csv", 3_000_000),
        ("logs/namenode.log.1", 2_000_000),
        ("logs/up.log", 10**7),
    ):
        (settings.home_directory / file).parent.mkdir(parents=True, exist_ok=True)
        (settings.home_directory / file).write_bytes(bytes(size))
    assert only_problem(settings).remedy.startswith(
        f"delete {settings.inbox_directory}/done/* (3.0 MB: files that were imported) or "
        f"{settings.home_directory}/logs/*.log.* (2.0 MB: older logs); or make"
    )


def test_an_archive_that_cannot_be_written(settings: Settings, database: MongoDatabase, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    problem = only_problem(settings.model_copy(update={"archive_uri": f"file:{tmp_path}/file/archive"}))
    assert problem.check == "archive"
    assert "cannot be written" in problem.says


def test_a_namenode_that_is_away(settings: Settings, database: MongoDatabase) -> None:
    away = settings.model_copy(update={"archive_uri": f"hdfs://127.0.0.1:{free_port()}/archive"})
    problem = only_problem(away)
    assert problem.check == "archive"
    assert "NameNode" in problem.says
    nobody = settings.model_copy(update={"archive_uri": "hdfs://no-such-host.invalid/archive"})
    assert "the NameNode no-such-host.invalid:8020 does not answer (" in only_problem(nobody).says
    (state,) = [one for one in service_states(nobody) if one.name == "archive"]
    assert state.reason == only_problem(nobody).says


def test_files_that_could_not_be_imported(settings: Settings, database: MongoDatabase) -> None:
    failed = settings.inbox_directory / "failed"
    failed.mkdir(parents=True)
    (failed / "orders.csv").write_text("")
    problem = only_problem(settings)
    assert problem.check == "inbox"
    assert "'orders.csv'" in problem.says
    assert f"`ecommerce import --check {failed}/orders.csv` says why" in problem.remedy
    assert "no import takes" not in problem.says
    (settings.inbox_directory / "alt").mkdir()
    assert "; the inbox has what no import takes: alt (" in only_problem(settings).says


def test_what_no_import_takes_is_named(settings: Settings, database: MongoDatabase) -> None:
    (settings.inbox_directory / "november").mkdir(parents=True)
    assert "it has what no import takes: november (" in machine.inbox(settings)


def test_a_setting_that_says_another_shop(settings: Settings, database: MongoDatabase) -> None:
    problem = only_problem(settings.model_copy(update={"timezone": "Asia/Kolkata"}))
    assert (problem.check, "ECOMMERCE_TIMEZONE=Asia/Kolkata" in problem.says) == ("shop", True)
    assert "ecommerce shop --time-zone Asia/Kolkata" in problem.remedy


def test_packages_of_another_version(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "0.165" if name == "fastapi" else "9999")
    found = finding_of(settings, "packages")
    assert found.state == PROBLEM
    assert "fastapi is 0.165, needed is <0.140" in found.says
    assert "make install" in found.remedy


def test_the_command_prints_json_and_fails_where_something_is_wrong(settings: Settings, tmp_path: Path) -> None:
    environment = {"ECOMMERCE_HOME": str(tmp_path), "ECOMMERCE_MONGO_PORT": str(free_port()), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", "from cli.app import main; main()", "doctor", "--json"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 1, done.stderr
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert findings["mongodb"]["state"] == PROBLEM
    assert list(findings) == [check.name for check in CHECKS]


def test_every_check_comes_after_what_it_needs() -> None:
    names = [check.name for check in CHECKS]
    for check in CHECKS:
        assert all(names.index(need) < names.index(check.name) for need in check.needs)


def test_an_upgrade_that_is_due_is_named_with_its_steps(settings: Settings, tmp_path: Path) -> None:
    frozen = bring_back("whole", settings, tmp_path / "frozen")
    finding = look(frozen.settings, "replica set", "upgrade")["upgrade"]
    assert finding.state == PROBLEM
    assert finding.says.startswith("an upgrade is due: ")
    assert finding.remedy and "`ecommerce upgrade`" in finding.remedy
    frozen.database.client.drop_database(frozen.database.name)
