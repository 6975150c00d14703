"""What orders come to per day, from their documents: counted and hashed without Spark, where they are read."""

from collections.abc import Iterator

import numpy as np

from ecommerce.archive.content_columns import xxh64
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.hot import HotOrders
from ecommerce.archive.run import Day
from ecommerce.documents.bson_codec import decode_order
from ecommerce.documents.content_hash import MICROSECONDS_PER_MILLISECOND, content_hash
from ecommerce.documents.kinds import DAY_MS, date_of

SAMPLED = 100
"""Of so many documents, one is also decoded by PyMongo: a fraction of the reader's time."""


def days_of_orders(hot: HotOrders) -> Iterator[Day]:
    """The days of some orders."""
    days = hot.times // DAY_MS
    versioned = xxh64(hot.versions * MICROSECONDS_PER_MILLISECOND, xxh64(hot.hashes)).view(np.int64)
    for day in np.unique(days).tolist():
        rows = days == day
        yield Day(
            date_of(day),
            int(rows.sum()),
            sum(hot.amounts[rows].tolist()),  # ten of the largest amounts overflow 64 bits
            int(np.bitwise_xor.reduce(hot.hashes[rows])),
            int(np.bitwise_xor.reduce(versioned[rows])),
        )


def require_same_reading(hot: HotOrders) -> None:
    """The export and the purge read columns alike, so what both misread would stay unseen: PyMongo reads some, too.

    Raises ArchiveError where it reads something else.
    """
    for at in range(0, len(hot.documents), SAMPLED):
        decoded = decode_order(hot.documents[at]) if hot.columns.regular[at] else None
        if decoded and (content_hash(decoded), decoded.order.order_id) != (hot.hashes[at], hot.ids[at]):
            raise ArchiveError(
                f"order {decoded.order.order_id} reads otherwise in columns than one by one, "
                "so this version cannot archive it: please report that"
            )
