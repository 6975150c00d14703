"""Who is to be forgotten, and what there is of them."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from bson import Int64, MaxKey, MinKey

from ecommerce.archive.errors import failures_explained
from ecommerce.archive.restore import ORDERS_RESTORED
from ecommerce.archive.view import open_view
from ecommerce.documents.anonymous import new_number
from ecommerce.errors import InputError
from ecommerce.forget.records import ASKED, ForgetRun, Person, new_request, prepare_forget
from ecommerce.forget.texts import Looked, rejected_rows_of
from ecommerce.gate import require_known_format
from ecommerce.importing.people_in_files import files_that_mention
from ecommerce.ingest.forgotten import REWRITE
from ecommerce.ingest.past_versions import PAST_VERSIONS
from ecommerce.mongo import ORDERS, MongoDatabase, get_database
from ecommerce.settings import Settings

USERS = "users"

TELLING_LENGTH = 4
"""A shorter external id is found in texts that have nothing to do with it."""


def find_person(database: MongoDatabase, *, user_id: int | None = None, email: str | None = None) -> Person:
    """The person with a user id, or all users with an e-mail.

    Raises InputError where there is none, or where another user has the e-mail of that one.
    """
    users = database[USERS]
    if (user_id is None) == (email is None):
        raise InputError("forget: name the person by --user or by --email, one of the two")
    records = list(users.find({"_id": user_id} if email is None else _has_email(email)))
    if email is not None and not records:
        raise InputError("forget: no user has this e-mail; somebody without a record goes by --user")
    emails = {record["email"].strip() for record in records if record.get("email")}
    ids = {int(record["_id"]) for record in records} if user_id is None else {user_id}
    for own in emails:
        others = [int(other["_id"]) for other in users.find(_has_email(own)) if int(other["_id"]) not in ids]
        if others:
            raise InputError(
                f"forget: the e-mail of user {user_id} is that of user {others[0]}, too: --email forgets both"
            )
    names = {name for record in records if (name := _telling_name(database, record, ids))}
    return Person(tuple(sorted(ids)), tuple(sorted(emails)), tuple(sorted(names)))


def _telling_name(database: MongoDatabase, record: Mapping[str, Any], ids: Collection[int]) -> str | None:
    """The name of a user, where it can be looked for in texts: it has two words at least, and nobody else has it."""
    name = str(record.get("name") or "").strip()
    others = {"name": record.get("name"), "_id": {"$nin": [*ids]}}
    return name if " " in name and not database[USERS].find_one(others, {"_id": 1}) else None


def ask_to_forget(
    settings: Settings, *, user_id: int | None = None, email: str | None = None, files: str = REWRITE
) -> ForgetRun:
    """Record a request, with all that it would touch; nothing else happens before it is confirmed.

    Raises InputError where nobody is known by that.
    """
    database = get_database(settings)
    require_known_format(database)
    prepare_forget(database)
    person = find_person(database, user_id=user_id, email=email)
    hot = _orders_of(database, ORDERS, person)
    archived = archived_orders_of(settings, person)
    external = {text for text in (*hot.values(), *archived.values()) if text and len(text) >= TELLING_LENGTH}
    person = replace(person, texts=tuple(sorted({*person.texts, *external})))
    found = {
        "users": database[USERS].count_documents({"_id": {"$in": [*person.user_ids]}}),
        "hot_orders": len(hot),
        "archived_orders": len(archived),
        "restored_orders": len(_orders_of(database, ORDERS_RESTORED, person)),
        "past_versions": sum(database[PAST_VERSIONS].count_documents(versions_of(one)) for one in (*hot, *archived)),
        "rejected_rows": sum(1 for _ in rejected_rows_of(database, person)),
        "imported_files": sum(1 for _ in files_that_mention(settings.inbox_directory, Looked(person))),
    }
    if not any(found.values()):
        raise InputError(f"forget: nothing is known of user {user_id}")
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{token_hex(3)}"
    return new_request(database, ForgetRun(run_id, ASKED, person, new_number(), files, found))


def of_person(person: Person) -> dict[str, Any]:
    """The query for the orders of a person."""
    return {"order.user_id": {"$in": [*person.user_ids]}}


def archived_orders_of(settings: Settings, person: Person) -> dict[int, str | None]:
    """Id and external id of the orders of a person that are in the table, read without a JVM."""
    fields = ("order.order_id", "order.external_id")
    wanted = f"order.user_id in ({', '.join(map(str, person.user_ids))})"
    with failures_explained("looking for archived orders", "Nothing was changed."):
        view = open_view(settings)
        if view.table is None or view.main is None:
            return {}
        rows = view.table.scan(row_filter=wanted, selected_fields=fields, snapshot_id=view.main).to_arrow()
    return {row["order_id"]: row["external_id"] for row in rows["order"].to_pylist()}


def versions_of(order_id: int) -> dict[str, Any]:
    """The query for the past versions of an order."""
    bounds = [{"order_id": Int64(order_id), "version": bound} for bound in (MinKey(), MaxKey())]
    return {"_id": {"$gte": bounds[0], "$lte": bounds[1]}}


def _orders_of(database: MongoDatabase, collection: str, person: Person) -> dict[int, str | None]:
    found = database[collection].find(of_person(person), {"order.external_id": 1})
    return {int(one["_id"]): one.get("order", {}).get("external_id") for one in found}


def _has_email(email: str) -> dict[str, Any]:
    plain = {"$toLower": {"$trim": {"input": {"$ifNull": ["$email", ""]}}}}
    return {"$expr": {"$eq": [plain, email.strip().lower()]}}
