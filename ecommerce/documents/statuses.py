"""The one table of statuses: what each text of `delivery.status` means to the import, the figures and the archive.

Stored text is what the source wrote and is never rewritten: whoever reads it maps it by this table. A status is added,
or given an alias, by one edit here.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

UNDER_WAY = 1
"""Rank of a text that the table does not have: more than pending, less than finished."""


@dataclass(frozen=True, slots=True)
class Status:
    """One status, its spellings, and what follows from it."""

    name: str
    """How every figure calls it."""
    rank: int
    """How far an order has come: of two versions of an order, one with a lower rank is the older one."""
    finished: bool
    """Nothing more will happen, so the order may be archived."""
    counted: bool
    """Whether its money counts in revenue and average order value."""
    aliases: tuple[str, ...]
    """What other systems call it, in lower case. Texts are compared in any case of their ASCII letters."""


PENDING, SHIPPED, DELIVERED = "Pending", "Shipped", "Delivered"
CANCELLED, RETURNED = "Cancelled", "Returned"

STATUSES: tuple[Status, ...] = (
    Status(
        PENDING,
        rank=0,
        finished=False,
        counted=True,
        aliases=("processing", "on-hold", "unfulfilled", "open", "new", "paid", "authorized"),
    ),
    Status(
        SHIPPED,
        rank=UNDER_WAY,
        finished=False,
        counted=True,
        aliases=("in_transit", "dispatched", "fulfilled", "partial", "out_for_delivery"),
    ),
    Status(DELIVERED, rank=2, finished=True, counted=True, aliases=("completed", "complete")),
    Status(
        CANCELLED,
        rank=2,
        finished=True,
        counted=False,
        aliases=("canceled", "voided", "failed", "expired", "unavailable"),
    ),
    Status(RETURNED, rank=3, finished=True, counted=False, aliases=("refunded", "restocked")),
)

FINISHED = tuple(status.name for status in STATUSES if status.finished)
UNFINISHED = tuple(status.name for status in STATUSES if not status.finished)
UNCOUNTED = tuple(status.name for status in STATUSES if not status.counted)

_BY_SPELLING = {text: status for status in STATUSES for text in (status.name.lower(), *status.aliases)}


@lru_cache(maxsize=10_000)
def status_of(text: str) -> Status | None:
    """The status that a text spells; None where the table does not have it."""
    # Only ASCII: MongoDB lowers nothing else, and all of them must read a text alike (the Kelvin sign's lower is k).
    return _BY_SPELLING.get(text.lower()) if text.isascii() else None


def canonical(text: str) -> str:
    """What figures call a status: the table's name for it, or the text itself where the table does not have it."""
    status = status_of(text)
    return status.name if status else text


def status_rank(text: str) -> int:
    """How far an order with this status has come: 0 pending, 1 under way or unknown, 2 finished, 3 returned."""
    status = status_of(text)
    return status.rank if status else UNDER_WAY


def is_finished(text: str) -> bool:
    """Whether an order with this status may be archived."""
    return (status := status_of(text)) is not None and status.finished


def is_counted(text: str) -> bool:
    """Whether the money of an order with this status counts; that of an unknown one does."""
    return (status := status_of(text)) is None or status.counted


def spellings(names: Iterable[str]) -> tuple[str, ...]:
    """The texts of some statuses, in lower case: their names and aliases."""
    wanted = set(names)
    return tuple(text for text, status in _BY_SPELLING.items() if status.name in wanted)


def usual_spellings(text: str) -> tuple[str, ...]:
    """Other texts that mean the same status: every name and alias of it as systems write them."""
    status = status_of(text)
    if status is None:
        return ()
    found = {
        spelling
        for alias in (status.name, *status.aliases)
        for spelling in (alias, alias.lower(), alias.upper(), alias.capitalize(), alias.title())
    }
    return tuple(sorted(found - {text}))


def match_of(names: Iterable[str]) -> dict[str, Any]:
    """The MongoDB filter of orders that have one of these statuses, however it is spelled."""
    # The server compares the names that nearly all orders have first; lowering each text costs it more.
    exact = {"delivery.status": {"$in": [*names, *spellings(names)]}}
    return {"$or": [exact, {"$expr": mongo_has("$delivery.status", names)}]}


def mongo_canonical(field: str) -> dict[str, Any]:
    """The MongoDB expression of a field's canonical name; `field` is `$delivery.status` or alike."""
    branches = [{"case": mongo_has(field, [status.name]), "then": status.name} for status in STATUSES]
    return {"$switch": {"branches": branches, "default": field}}


def mongo_has(field: str, names: Iterable[str]) -> dict[str, Any]:
    """The MongoDB expression that says whether a field spells one of these statuses."""
    return {"$in": [_folded(field), list(spellings(names))]}


def _folded(field: str) -> dict[str, Any]:
    # A document that somebody wrote past the validator may hold anything here, and $toLower fails on an object.
    return {"$toLower": {"$cond": [{"$eq": [{"$type": field}, "string"]}, field, ""]}}


_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"


def sql_canonical(column: str) -> str:
    """The SQL expression of a column's canonical name, for DuckDB and Spark."""
    cases = " ".join(f"when {sql_has(column, [status.name])} then '{status.name}'" for status in STATUSES)
    return f"case {cases} else {column} end"


def sql_has(column: str, names: Collection[str]) -> str:
    """The SQL expression, for DuckDB and Spark, that says whether a column spells one of these statuses."""
    exact, texts = (", ".join(f"'{text}'" for text in some) for some in (names, spellings(names)))
    # Nearly all texts are one of the names, which takes a third of the time. Their lower() knows all of Unicode; the
    # table compares ASCII.
    return f"({column} in ({exact}) or translate({column}, '{_UPPER}', '{_LOWER}') in ({texts}))"
