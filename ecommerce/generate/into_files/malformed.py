"""Malformed rows in files, as bad as real ones, so that an import has something to reject.

A third each: malformed rows, late orders (of a day weeks before), and rows that come twice.
"""

from dataclasses import dataclass, replace

import numpy as np

from ecommerce.documents.kinds import DAY_MS
from ecommerce.generate.model.draws import Flags, Ints, uniform
from ecommerce.generate.model.orders import GeneratedOrders

LATE_DAYS = 75


@dataclass(slots=True)
class BadRowCounts:
    """How many rows of each kind a file holds."""

    malformed: int = 0
    late: int = 0
    duplicate: int = 0

    def add(self, other: "BadRowCounts") -> None:
        self.malformed += other.malformed
        self.late += other.late
        self.duplicate += other.duplicate


def _kind(order_ids: Ints, share: float, third: int) -> Flags:
    drawn = uniform(order_ids, "dirt") * 3  # as it was called first: another name would make other files
    return (drawn >= third * share) & (drawn < (third + 1) * share)


def make_late(columns: GeneratedOrders, share: float) -> GeneratedOrders:
    """The orders, with a third of `share` of them placed, and delivered, weeks before."""
    shift = np.where(_kind(columns.order_id, share, 1), LATE_DAYS * DAY_MS, 0)
    return replace(
        columns,
        order_time=columns.order_time - shift,
        expected_time=columns.expected_time - shift,
        actual_time=np.where(columns.actual_time > 0, columns.actual_time - shift, 0),
        updated_at=columns.updated_at - shift,
    )


def make_malformed(rows: list[bytes], order_ids: Ints, share: float) -> tuple[list[bytes], BadRowCounts]:
    """The rows, with a third of `share` of them malformed and a third of it repeated; what is in them."""
    malformed = np.nonzero(_kind(order_ids, share, 0))[0].tolist()
    twice = np.nonzero(_kind(order_ids, share, 2))[0].tolist()
    ways = (uniform(order_ids, "malformed") * len(_SPOIL)).astype(np.int64).tolist()
    result = list(rows)
    for at in malformed:
        result[at] = _spoil(result[at], ways[at])
    for at in twice:
        result[at] *= 2
    return result, BadRowCounts(len(malformed), int(_kind(order_ids, share, 1).sum()), len(twice))


_SPOIL = (b"price", b"order_time", b"user_id", b"order_items", b"")
"""The field that is spoiled; none: the row breaks off."""


def _spoil(row: bytes, way: int) -> bytes:
    field = _SPOIL[way]
    if not field:
        return row[: len(row) // 2].rstrip(b'"') + b"\n"
    quote = b'""' if row.startswith(b'"') else b'"'
    start = row.find(quote + field + quote + b": ")
    if start < 0:
        # The items of a CSV row are a column: without its brackets it is no list.
        return row.replace(b'"[', b'"', 1)
    value = start + len(field) + 2 * len(quote) + 2
    worse = {
        b"price": b"-" + row[value:],
        b"order_time": quote + b"the day before " + row[value:].removeprefix(quote),
        b"user_id": quote + b"guest" + quote + row[value:][row[value:].find(b",") :],
        b"order_items": b"null, " + quote + b"items" + quote + b": " + row[value:],
    }
    return row[:value] + worse[field]
