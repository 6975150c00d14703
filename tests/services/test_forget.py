"""A person is forgotten: everywhere, for good, killed at any moment, and no figure moves."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive import edits
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.reading import read
from ecommerce.archive.restore import restore_orders
from ecommerce.check import check_orders
from ecommerce.errors import InputError
from ecommerce.forget import steps
from ecommerce.forget.forget import finish_requests, forget
from ecommerce.forget.person import ask_to_forget
from ecommerce.forget.records import FORGET_RUNS
from ecommerce.importing.import_files import import_file, import_paths
from ecommerce.importing.loading.inbox import put_away
from ecommerce.ingest.forgotten import forgotten_people
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from tests.archiving import cut_off
from tests.drilled import drilled_but
from tests.import_samples import a_row, write_lines
from tests.searching import places_of

pytestmark = pytest.mark.slow

PERSON, OTHER = 7_700_123_456_789, 7_700_123_456_790
NAME, EMAIL = "Jürgen Quxley", "jurgen.quxley@example.com"
EXTERNAL = "QX-77001"
IDENTITIES = (NAME, EMAIL, EXTERNAL, PERSON)

USERS = [
    {"user_id": PERSON, "name": NAME, "email": EMAIL, "location": "Lyon"},
    {"user_id": OTHER, "name": "Ann Other", "email": "ann@example.com", "location": "Oslo"},
]


def rows() -> list[dict[str, Any]]:
    """Orders of both: old ones that are archived, and open ones that stay hot; one row is refused."""
    orders = []
    for at in range(40):
        mine = at % 4 == 0
        time = f"2024-03-{1 + at % 3:02}T12:00:{at:02}Z"
        order: dict[str, Any] = {"order_time": time}
        more: dict[str, Any] = {}
        if mine:
            order["external_id"] = f"{EXTERNAL}-{at}"
            more["attributes"] = {"note": f"for {NAME}", "contact": EMAIL}
            amount = {"refund_id": 1, "refund_time": "2024-03-09T12:00:00Z", "amount": "1.5000"}
            more["refunds"] = [amount | {"reason": f"{NAME} changed their mind"}]
        orders.append(
            a_row(
                1000 + at,
                status="Delivered" if at < 28 else "Pending",
                user_id=PERSON if mine else OTHER,
                warehouse_id=3,
                # Some of the places are the user's, from the catalog.
                location=None if at % 8 == 0 else "Kiruna",
                order=order,
                **more,
            )
        )
    # A day that has nothing of the person stays as it is, in the same list of files.
    orders.append(
        a_row(1040, status="Delivered", user_id=OTHER, warehouse_id=3, order={"order_time": "2024-03-20T12:00:00Z"})
    )
    broken = a_row(5000, user_id=PERSON, warehouse_id=3, order={"quantity": 9}, attributes={"contact": EMAIL})
    return [*orders, broken]


def import_from_inbox(settings: Settings, database: MongoDatabase) -> None:
    """The files of both kinds as the flow of the inbox imports them."""
    inbox = settings.inbox_directory
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / "users.jsonl").write_text("\n".join(map(json.dumps, USERS)) + "\n")
    # Without the time of day, which would make another file of the same orders.
    packed = gzip.compress(("\n".join(map(json.dumps, rows())) + "\n").encode(), mtime=0)
    (inbox / "orders.jsonl.gz").write_bytes(packed)
    for name in ("users.jsonl", "orders.jsonl.gz"):
        report = import_file(database, inbox / name)
        assert report.balanced
        put_away(inbox / name, report, forgotten_people(database))


@pytest.fixture
def shop(archive: Settings, database: MongoDatabase) -> Settings:
    """A shop with a person's data in every place that there is."""
    import_from_inbox(archive, database)
    # An older version that came too late.
    late = rows()[32] | {"order_items": []}
    late["order"] = late["order"] | {"quantity": 0, "total_amount": 3}
    path = archive.home_directory / "late.jsonl"
    path.write_text(json.dumps(late) + "\n")
    import_paths(database, [path])
    path.unlink()
    import_from_inbox(archive, database)
    archive_orders(archive)
    restore_orders(archive, *(read(settings=archive)["order"].to_pylist()[0]["order_time"].date(),) * 2)
    log = archive.home_directory / "logs" / "worker.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(f"before\n{EMAIL}: order {EXTERNAL}-4 of {NAME}\nafter\n")
    advance(database)
    return archive


def where(settings: Settings, database: MongoDatabase) -> set[str]:
    """Places in which the person is found. Open requests name them until they are done."""
    database.client["admin"].command("ping")
    roots: list[Any] = [settings.home_directory]
    uri = str(settings.archive_uri)
    roots.append(uri if uri.startswith("hdfs:") else Path(uri.removeprefix("file://")))
    return places_of(IDENTITIES, database, *roots)


def figures(database: MongoDatabase) -> dict[str, Any]:
    """All that must not move."""
    advance(database)
    found = compute_kpis(database).to_json_dict()
    return {name: value for name, value in found.items() if name != "as_of"}


def assert_forgotten(settings: Settings, database: MongoDatabase, before: dict[str, Any]) -> None:
    assert where(settings, database) == set()
    assert figures(database) == before
    report = check_orders(database, settings)
    assert (report.differences, report.damaged) == ((), ())
    rows_ = read(settings=settings)
    entries = {row["_id"]: row["content_hash"] for row in database[ARCHIVED_ORDERS].find()}
    assert entries == dict(
        zip((row["order_id"] for row in rows_["order"].to_pylist()), rows_["content_hash"].to_pylist(), strict=True)
    )


@pytest.fixture
def before(shop: Settings, database: MongoDatabase, spark: SparkSession) -> dict[str, Any]:
    """The figures of a shop in which the person is everywhere."""
    names = {Path(place).name for place in where(shop, database)}
    assert {"users", "orders", "orders_restored", "rejected_rows", "orders.jsonl.gz", "worker.log"} <= names
    assert any(name.endswith(".parquet") for name in names)
    assert any(name.endswith(".avro") for name in names), "manifests hold the lowest and highest values"
    return figures(database)


def test_nothing_is_found_afterwards_and_no_figure_moves(
    shop: Settings, database: MongoDatabase, before: dict[str, Any]
) -> None:
    request = ask_to_forget(shop, email=EMAIL.upper())
    assert request.found["users"] == 1
    assert request.found["hot_orders"] == 3
    assert request.found["archived_orders"] == 7
    assert request.found["rejected_rows"] == 1
    assert request.found["imported_files"] >= 2
    done = forget(shop, request.run_id)
    assert done.state == "committed"
    assert done.done["archived_orders"] == 7
    assert done.person.user_ids == ()
    assert_forgotten(shop, database, before)
    # What others have is as it was.
    assert database["users"].count_documents({}) == 1
    assert database[ORDERS].count_documents({"order.user_id": OTHER}) == 9
    archived = [row for row in read(settings=shop)["order"].to_pylist() if row["user_id"] == OTHER]
    assert len(archived) == 22


def test_importing_the_old_files_again_brings_nothing_back(
    shop: Settings, database: MongoDatabase, before: dict[str, Any]
) -> None:
    forget(shop, ask_to_forget(shop, user_id=PERSON).run_id)
    import_from_inbox(shop, database)
    report = import_rows(shop, database, rows())
    assert (report.accepted, report.changed, report.reasons) == (0, 0, {"quantity_mismatch": 1})
    assert [place for place in where(shop, database) if "inbox" in place] == []
    assert_forgotten(shop, database, before)


def import_rows(shop: Settings, database: MongoDatabase, given: list[dict[str, Any]]) -> Any:
    path = write_lines(shop.home_directory.parent / "again.jsonl", *given)
    report = import_file(database, path)
    path.unlink()
    return report


def test_an_order_that_was_never_there_comes_in_anonymous(
    shop: Settings, database: MongoDatabase, before: dict[str, Any]
) -> None:
    forget(shop, ask_to_forget(shop, user_id=PERSON).run_id)
    path = shop.home_directory.parent / "new.jsonl"
    new = a_row(6000, user_id=PERSON, warehouse_id=3, attributes={"contact": EMAIL})
    path.write_text(json.dumps(new) + "\n")
    assert import_file(database, path).accepted == 1
    assert import_file(database, path).unchanged == 1
    assert where(shop, database) == set()
    later = new | {"delivery": new["delivery"] | {"status": "Shipped"}}
    path.write_text(json.dumps(later) + "\n")
    assert import_file(database, path).changed == 1
    assert where(shop, database) == set()


MOMENTS = (
    "forget:remembered",
    "forget:before-replace",
    "forget:replaced",
    "edit:before",
    "edit:deleted",
    "edit:appended",
    "edit:written",
    "edit:published",
    "edit:recorded",
    "forget:before-entries",
    "forget:rewritten",
    "forget:before-erase",
    "forget:manifests-written",
    "forget:erased-table",
    "forget:erased-rows",
    "forget:erased-files",
    "forget:before-close",
)


@pytest.mark.parametrize("moment", drilled_but(MOMENTS, "edit:deleted", "forget:before-entries"))
def test_cut_off_at_any_moment_the_next_run_finishes_it(
    shop: Settings, database: MongoDatabase, before: dict[str, Any], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    request = ask_to_forget(shop, user_id=PERSON)
    with cut_off(monkeypatch, moment, steps, edits):
        forget(shop, request.run_id)
    assert figures(database) == before
    assert check_orders(database, shop).damaged == ()
    # What is imported meanwhile neither comes back nor is refused.
    assert import_rows(shop, database, rows()).reasons == {"quantity_mismatch": 1}
    if moment == "forget:remembered":
        forget(shop, request.run_id)
    else:
        (done,) = finish_requests(shop)
        assert done.state == "committed"
    assert finish_requests(shop) == []
    assert_forgotten(shop, database, before)


def test_nobody_known_is_refused_and_nothing_is_recorded(archive: Settings, database: MongoDatabase) -> None:
    with pytest.raises(InputError, match="no user has this e-mail"):
        ask_to_forget(archive, email=EMAIL)
    with pytest.raises(InputError, match="nothing is known"):
        ask_to_forget(archive, user_id=1)
    assert database[FORGET_RUNS].count_documents({}) == 0


def test_an_email_of_two_users_forgets_both_or_none(archive: Settings, database: MongoDatabase) -> None:
    database["users"].insert_many([{"_id": one["user_id"], **one, "email": EMAIL} for one in USERS])
    with pytest.raises(InputError, match="that of user"):
        ask_to_forget(archive, user_id=PERSON)
    assert ask_to_forget(archive, email=EMAIL).found["users"] == 2
