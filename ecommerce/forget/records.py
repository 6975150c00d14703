"""Requests to forget a person, in `forget_runs`: who it is only until that is done, and what was done, for good.

asked      --confirm-->  confirmed  from now on the person is anonymous wherever they come from
confirmed  --replace-->  replaced   hot and restored orders
replaced   --rewrite-->  rewritten  archived orders: the table, then their entries in MongoDB; the user record
rewritten  --erase-->    erased     old snapshots and files of the table, rejected rows, imported files, logs
erased     --close-->    committed  the record no longer says who it was
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from bson import Int64
from pymongo import ASCENDING, IndexModel, ReturnDocument

from ecommerce.errors import InputError
from ecommerce.ingest.forgotten import REWRITE
from ecommerce.mongo import MongoDatabase

FORGET_RUNS = "forget_runs"

ASKED, CONFIRMED, REPLACED = "asked", "confirmed", "replaced"
REWRITTEN, ERASED, COMMITTED = "rewritten", "erased", "committed"


@dataclass(frozen=True, slots=True)
class Person:
    """By what somebody is found."""

    user_ids: tuple[int, ...] = ()
    emails: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    """Names, and external ids of the orders."""


@dataclass(frozen=True, slots=True)
class ForgetRun:
    """One request, and how far it is."""

    run_id: str
    state: str
    person: Person
    number: int
    """What the orders have as their user from then on."""
    files: str = REWRITE
    """What becomes of imported files that name the person."""
    found: Mapping[str, int] = field(default_factory=dict)
    """What there was to be touched when it was asked for: name → how many."""
    done: Mapping[str, int] = field(default_factory=dict)
    """What was touched."""

    def __str__(self) -> str:
        """What it did, in a line, without saying who it was."""
        counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in self.done.items() if count)
        return f"request {self.run_id} is {self.state}: {counts or 'nothing was there'}"


def prepare_forget(database: MongoDatabase) -> None:
    """The indexes of `forget_runs`."""
    only_open = {"open": True}
    database[FORGET_RUNS].create_indexes([
        IndexModel([("open", ASCENDING)], name="open", partialFilterExpression=only_open)
    ])  # fmt: skip


def new_request(database: MongoDatabase, run: ForgetRun) -> ForgetRun:
    """Record a request. Nothing happens to the person before it is confirmed."""
    document = {
        "_id": run.run_id,
        "state": run.state,
        "person": asdict(run.person) | {"user_ids": [Int64(one) for one in run.person.user_ids]},
        "number": Int64(run.number),
        "files": run.files,
        "found": dict(run.found),
        "done": {},
        "open": True,
        "asked_at": datetime.now(UTC),
    }
    database[FORGET_RUNS].insert_one(document)
    return run


def request_of(database: MongoDatabase, run_id: str) -> ForgetRun:
    """A request by its id. Raises InputError where there is none."""
    document = database[FORGET_RUNS].find_one({"_id": run_id})
    if document is None:
        raise InputError(f"forget_runs of database {database.name!r} has no request {run_id!r}")
    return _from_document(document)


def confirmed_requests(database: MongoDatabase) -> list[ForgetRun]:
    """The requests that were begun and are not done, oldest first."""
    found = database[FORGET_RUNS].find({"open": True, "state": {"$ne": ASKED}}).sort("_id", ASCENDING)
    return [_from_document(one) for one in found]


def move_request(database: MongoDatabase, run: ForgetRun, state: str, **done: int) -> ForgetRun:
    """Take a request on to a state, by compare-and-set; the last one drops who it was."""
    update: dict[str, Any] = {"$set": {"state": state, **{f"done.{name}": count for name, count in done.items()}}}
    if state == COMMITTED:
        update["$set"]["finished_at"] = datetime.now(UTC)
        update["$unset"] = {"person": "", "number": "", "open": ""}
    document = database[FORGET_RUNS].find_one_and_update(
        {"_id": run.run_id, "state": run.state}, update, return_document=ReturnDocument.AFTER
    )
    return _from_document(document) if document else request_of(database, run.run_id)


def drop_requests(database: MongoDatabase, person: Person) -> None:
    """Drop the requests for a person that were not confirmed: each names them."""
    database[FORGET_RUNS].delete_many({"state": ASKED, "person.user_ids": {"$in": [*person.user_ids]}})


def _from_document(document: Mapping[str, Any]) -> ForgetRun:
    given = document.get("person") or {"user_ids": (), "emails": (), "texts": ()}
    person = Person(tuple(map(int, given["user_ids"])), tuple(given["emails"]), tuple(given["texts"]))
    return ForgetRun(
        document["_id"],
        document["state"],
        person,
        int(document.get("number", 0)),
        document["files"],
        document["found"],
        document["done"],
    )
