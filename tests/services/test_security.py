"""Least privilege: with its own MongoDB user each part can do its work, and nothing else. On a real secured mongod."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from dashboard.pipeline import read_low_stock, read_pipeline
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.restore import ORDERS_RESTORED, restore_orders
from ecommerce.archive.run import ARCHIVE_RUNS, ARCHIVE_SUMMARY
from ecommerce.archive.selection import Selection
from ecommerce.documents.bson_codec import encode_order
from ecommerce.errors import ServiceError, SettingsError
from ecommerce.forget.forget import forget
from ecommerce.forget.person import ask_to_forget
from ecommerce.generate.first import first_start
from ecommerce.importing.import_files import import_paths
from ecommerce.ingest.accept import Accepted, accept_orders
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.kpis.question import Filters, Span
from ecommerce.kpis.store import KpiStore, compute_kpis
from ecommerce.metrics import Sample, read_samples
from ecommerce.mongo import APPLICATION, ARCHIVED_ORDERS, ORDERS, MongoDatabase, get_database
from ecommerce.schema import prepare_database
from ecommerce.security.bootstrap import ROOT, bootstrap
from ecommerce.security.roles import ROLES, USERS
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.summaries.state import BUCKETS
from ecommerce.upgrade.clients import DatabaseInUseError, require_no_others
from tests.archiving import OLD_DAY, an_order, insert
from tests.import_samples import a_row, write_lines
from tests.ports import free_port
from tests.runbook import row_of
from tests.secured_mongo import PASSWORDS, SecuredMongo, secured_mongod

UNAUTHORIZED = 13


@pytest.fixture(scope="module")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredMongo]:
    """A secured server with a few generated days and some old orders."""
    with secured_mongod(tmp_path_factory.mktemp("secured"), free_port()) as running:
        insert(running.database(ROOT), (an_order(order_id, day=order_id % 3) for order_id in range(1, 61)))
        assert first_start(running.database("ingest"), days=5) > 1_000
        yield running


def test_ingest_generates_imports_and_summarizes(mongo: SecuredMongo, tmp_path: Path) -> None:
    database = mongo.database("ingest")
    product = database["products"].find_one({}, {"_id": 1})
    assert product is not None
    rows = [a_row(10**15 + number, product_id=product["_id"]) for number in range(5)]
    report = import_paths(database, [write_lines(tmp_path / "orders.jsonl", *rows, {"order": 1})])
    assert (report.accepted, report.rejected) == (5, 1)
    assert import_paths(database, [tmp_path / "orders.jsonl"]).unchanged == 5
    assert advance(database).as_of
    assert compute_kpis(database).orders > 1_000


def test_a_user_that_may_just_read_and_write_brings_orders_in_too(mongo: SecuredMongo, tmp_path: Path) -> None:
    mongo.database(ROOT).command("createUser", "plain", pwd="plain-secret", roles=["readWrite"])
    plain = get_database(Settings(mongo_uri=SecretStr(mongo.uri("plain", "plain-secret"))))
    batch = [EncodedOrder(order_id, encode_order(an_order(order_id, status="Pending"))) for order_id in (9_001, 9_002)]
    for expected in (Accepted(accepted=2), Accepted(unchanged=2)):
        assert accept_orders(plain, batch, is_news=lambda _stored, _incoming: False) == expected
    assert plain[ORDERS].count_documents({"_id": {"$in": [9_001, 9_002]}}) == 2


def test_the_dashboard_brings_figures_up_to_date_and_shows_everything(mongo: SecuredMongo) -> None:
    database = mongo.database("dashboard")
    store = KpiStore(database)
    store.refresh()
    assert store.kpis(Span(None, None), Filters()).orders > 1_000
    assert store.choices()
    assert read_pipeline(database, mongo.settings("dashboard")).hot_orders > 1_000
    assert read_low_stock(database, store, mongo.settings("dashboard"), ZoneInfo("UTC")).at_most == 10


@pytest.mark.drill
def test_the_archiver_archives_and_restores(mongo: SecuredMongo, tmp_path: Path) -> None:
    settings = mongo.settings("archive", archive_uri=(tmp_path / "archive").as_uri())
    before = compute_kpis(mongo.database("ingest"))
    archive_orders(settings, Selection(older_than_days=400))
    assert mongo.database("archive")[ARCHIVED_ORDERS].count_documents({}) == 60
    assert compute_kpis(mongo.database("archive")).revenue == before.revenue
    assert restore_orders(settings, OLD_DAY, OLD_DAY) == 20
    assert mongo.database("archive")[ORDERS_RESTORED].count_documents({}) == 20


def test_the_archiver_forgets_a_person(mongo: SecuredMongo, tmp_path: Path) -> None:
    settings = mongo.settings("archive", archive_uri=(tmp_path / "forgets").as_uri())
    ingest = mongo.database("ingest")
    theirs = {"order.user_id": 990_000_001}
    batch = [
        EncodedOrder(one, encode_order(an_order(one, status="Pending", user_id=990_000_001))) for one in (8_101, 8_102)
    ]
    accept_orders(ingest, batch, is_news=lambda _stored, _incoming: False)
    done = forget(settings, ask_to_forget(settings, user_id=990_000_001).run_id)
    assert (done.state, done.done["hot_orders"]) == ("committed", 2)
    assert ingest[ORDERS].count_documents(theirs) == 0
    # Whoever imports knows of it, too.
    assert accept_orders(ingest, batch, is_news=lambda _stored, _incoming: False) == Accepted(unchanged=2, anonymous=2)


def test_the_upgrade_sees_programs_of_all_users(mongo: SecuredMongo) -> None:
    require_no_others(mongo.database("archive"))
    client: MongoClient[dict[str, Any]]
    with MongoClient(mongo.uri("dashboard"), appname=APPLICATION) as client:
        client["ecommerce"][ORDERS].find_one({})
        with pytest.raises(DatabaseInUseError, match=f"1 other client.*{APPLICATION} at 127"):
            require_no_others(mongo.database("archive"))


def test_the_monitor_reads_every_metric(mongo: SecuredMongo) -> None:
    samples = read_samples(mongo.database("monitor"))
    assert samples[0] == Sample("ecommerce_up", 1)
    assert sum(sample.value for sample in samples if sample.name == "ecommerce_orders") > 1_000


def test_bi_reads_the_summaries(mongo: SecuredMongo) -> None:
    database = mongo.database("bi")
    for collection in (ARCHIVE_SUMMARY, ARCHIVE_RUNS, "products"):
        list(database[collection].find())


DEEDS: dict[str, Callable[[MongoDatabase], object]] = {
    "insert order": lambda database: database[ORDERS].insert_one({"_id": -1}),
    "change order": lambda database: database[ORDERS].update_one(
        {"_id": -1}, {"$set": {"updated_at": datetime.now(UTC)}}
    ),
    "delete order": lambda database: database[ORDERS].delete_one({"_id": -1}),
    "read order": lambda database: database[ORDERS].find_one({}),
    "read user": lambda database: database["users"].find_one({}),
    "forget archived": lambda database: database[ARCHIVED_ORDERS].delete_one({"_id": -1}),
    "rewrite archive summary": lambda database: database[ARCHIVE_SUMMARY].delete_one({"_id": -1}),
    "write summary": lambda database: database[BUCKETS].delete_one({"_id": -1}),
    "weaken validator": lambda database: database.command("collMod", ORDERS, validationLevel="off"),
    "drop orders": lambda database: database.drop_collection(ORDERS),
    "drop index": lambda database: database[ORDERS].drop_index("order_time"),
    "make user": lambda database: database.command("createUser", "intruder", pwd="x", roles=[]),
    "leave the database": lambda database: database.client["another"]["things"].insert_one({}),
    "read credentials": lambda database: database.client["admin"]["system.users"].find_one({}),
}

NOBODY = ("weaken validator", "drop orders", "drop index", "make user", "leave the database", "read credentials")
WRITE_ORDERS = ("insert order", "change order", "delete order")
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "ingest": ("delete order", "forget archived", "rewrite archive summary"),
    "archive": ("insert order", "rewrite archive summary"),
    "dashboard": (*WRITE_ORDERS, "forget archived", "rewrite archive summary"),
    "monitor": (*WRITE_ORDERS, "forget archived", "rewrite archive summary", "write summary"),
    "bi": (*WRITE_ORDERS, "read order", "read user", "rewrite archive summary", "write summary"),
}


@pytest.mark.parametrize(
    ("user", "deed"), [(user, deed) for user, deeds in FORBIDDEN.items() for deed in (*deeds, *NOBODY)]
)
def test_nobody_can_do_more(mongo: SecuredMongo, user: str, deed: str) -> None:
    with pytest.raises(OperationFailure) as refused:
        DEEDS[deed](mongo.database(user))
    assert refused.value.code == UNAUTHORIZED


def test_every_user_is_tried() -> None:
    assert set(FORBIDDEN) == set(USERS)
    assert {name for names in USERS.values() for name in names} <= {role.name for role in ROLES}


def test_without_a_password_nothing_can_be_read(mongo: SecuredMongo) -> None:
    client: MongoClient[dict[str, Any]]
    with MongoClient(f"mongodb://127.0.0.1:{mongo.port}/?directConnection=true") as client:
        with pytest.raises(OperationFailure) as refused:
            client["ecommerce"][ORDERS].find_one({})
        assert refused.value.code == UNAUTHORIZED
        with pytest.raises(OperationFailure):
            client.admin.command("createUser", "intruder", pwd="x", roles=["root"])


def test_a_collection_that_is_not_as_defined_is_named_to_who_may_not_mend_it(mongo: SecuredMongo) -> None:
    root = mongo.database(ROOT)
    root.command("collMod", "couriers", validator={})
    with pytest.raises(ServiceError, match=r"'couriers' .* not as this version needs it.*bootstrap") as refused:
        prepare_database(mongo.database("ingest"))
    assert row_of(str(refused.value)).startswith("collection … of database")
    bootstrap(mongo.port, f"127.0.0.1:{mongo.port}", "ecommerce", PASSWORDS)
    prepare_database(mongo.database("ingest"))


def test_another_administrators_password_is_refused_with_the_reason(mongo: SecuredMongo) -> None:
    with pytest.raises(SettingsError, match="MONGO_ROOT_PASSWORD is not the password"):
        bootstrap(mongo.port, f"127.0.0.1:{mongo.port}", "ecommerce", PASSWORDS | {ROOT: "other"})


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://user:hunter2@host:hunter2",
        "mongodb://user:hun/hunter2@host",
        "mongodb://user:100%hunter2@host",
        "mongodb://user:hunter2@",
        "http://user:hunter2@host",
    ],
)
def test_an_address_that_cannot_be_used_is_not_quoted_with_its_password(uri: str) -> None:
    with pytest.raises(ServiceError, match="ECOMMERCE_MONGO_URI is not a usable MongoDB address") as refused:
        get_database(Settings(mongo_uri=SecretStr(uri)))
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(Settings(mongo_uri=SecretStr(uri)))
