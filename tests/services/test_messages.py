"""The messages in docs/runbook.md are what the program says: each is provoked, here or in the test of its part."""

import time
from pathlib import Path

import pytest

from ecommerce.archive import lease
from ecommerce.archive.lease import ARCHIVE_LEASE, archive_lease
from ecommerce.errors import EcommerceError
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.provoked_input import OF_INPUT
from tests.provoked_services import OF_SERVICES
from tests.runbook import ROWS, row_of

HERE = OF_SERVICES | OF_INPUT

OF_THE_LEASE = {"another archiver is at work: process … on …", "another process took the archive's lease over…"}

ELSEWHERE = {
    "…: Read-only file system: …": "test_foreign_environment.py",
    "the Prefect server … does not answer: …": "test_foreign_environment.py",
    "the services of … are being stopped…": "test_silent_services.py",
    "… at … is silent: …": "test_silent_commands.py",
    "the Prefect server … was stopped while this worked…": "test_stopped_imports.py",
    "… is not the API of a Prefect server: …": "test_foreign_environment.py",
    "the Prefect server … fails, …": "test_foreign_environment.py",
    "the Prefect server … refuses us (…)": "test_foreign_environment.py",
    "the data of the embedded Postgres in … lacks …": "test_services_postgres.py",
    "Spark did not start with ECOMMERCE_SPARK_MASTER=…": "test_foreign_environment.py",
    "MongoDB has not answered for … s: …": "test_import_faults.py",
    "database … is of format …, made by version …": "../upgrade/test_newer_database.py",
    "collection … of database … is …, and this MongoDB user may not change that…": "test_security.py",
    "the server keeps a moment readable for a shorter time than rebuilding…": "test_summaries_rebuild.py",
    "the orders of database … are in the table …": "test_archive_identity.py",
    "the mark in … of database … cannot be read: …": "test_edited_records.py",
    "the shop of database … has currency … and time zone …: …": "test_edited_records.py",
    "the figures are by the hours of …, the shop's are those of …: …": "test_shop_command.py",
    "the archive's catalog … cannot be used: …": "../drills/disk_full_each.py",
    "MongoDB: …": "../unit/test_cli_errors.py",
    "MongoDB's disk is full: …": "test_import_faults.py",
    "… is imported but cannot be moved to …: …": "../drills/disk_full_each.py",
    "…: no space left: make room in …": "test_archive_failures.py",
    "…: no DataNode takes or gives data: …": "../drills/disk_full_each.py",
    "…: HDFS is in safe mode: …": "test_archive_failures.py",
    "MongoDB does not let this user write: …": "test_import_faults.py",
    "the inbox … cannot be used (…): …": "test_inbox.py",
    "…: nothing to import: …": "test_inbox.py",
    "the record … of archive_runs cannot be read (…)…": "../unit/test_edited_runs.py",
    "… was fetched with sha256 …, not …: …": "test_services_files.py",
    "there is no database … in this MongoDB; …": "test_missing_database.py",
    "the archived orders of database … are in directories of version 0.1.0: …": "../upgrade/test_upgrade.py",
    "the table … of the catalog … holds orders of another database of the name …": "test_archive_identity.py",
    "archive run … waits for a person's word…": "test_forget_runs.py",
    "… of the archive is damaged: …": "test_archive_damage.py",
    "the table's description cannot be read: …": "test_archive_damage.py",
    "the table's list of files cannot be read: …": "test_archive_damage.py",
    "…rejected (…), more than …; correct the file, …": "test_import_bad_input.py",
    "a decoding process ended with …": "test_import_faults.py",
    "a process that makes orders ended with …": "../unit/test_generate_repeatable.py",
}
"""Messages that are provoked in another test, which asks `row_of` for their row."""


def test_every_message_of_the_runbook_is_provoked() -> None:
    assert set(ROWS) == {*HERE, *OF_THE_LEASE, *ELSEWHERE}
    for file in set(ELSEWHERE.values()):
        assert "row_of(" in (Path(__file__).parent / file).read_text()


@pytest.mark.parametrize("row", HERE)
def test_a_message_is_what_the_runbook_says(row: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.home.mkdir()
    with pytest.raises(EcommerceError) as raised:
        HERE[row](settings, monkeypatch)
    message = str(raised.value)
    assert row_of(message) == row
    assert "\n" not in message


def test_the_messages_of_the_archives_lease(database: MongoDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.05)
    with archive_lease(database) as first:
        with pytest.raises(EcommerceError) as busy, archive_lease(database):
            pass
        database[ARCHIVE_LEASE].update_one({}, {"$set": {"token": "another"}})
        deadline = time.monotonic() + 10
        with pytest.raises(EcommerceError) as lost:
            while time.monotonic() < deadline:
                first.check()
    assert {row_of(str(busy.value)), row_of(str(lost.value))} == OF_THE_LEASE
