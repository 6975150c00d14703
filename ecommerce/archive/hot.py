"""Orders as MongoDB holds them at this moment, in columns: what an archive is made of, and compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import bson
import numpy as np

from ecommerce.archive.content_columns import content_hashes
from ecommerce.bson_reading.columns import IntArray, OrderColumns, read_columns
from ecommerce.documents.bson_codec import CODEC_OPTIONS, decode_order
from ecommerce.documents.content_hash import content_hash
from ecommerce.documents.kinds import to_scaled

MILLISECONDS_PER_DAY = 86_400_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class HotOrders:
    """Documents of `orders`; all columns are parallel to them."""

    documents: Sequence[bytes]
    columns: OrderColumns
    ids: IntArray
    versions: IntArray
    """updated_at in milliseconds since 1970."""
    times: IntArray
    """order_time in milliseconds since 1970."""
    amounts: IntArray
    """total_amount in 10^-4 units."""
    hashes: IntArray
    """Content hashes."""


def hot_orders(documents: Sequence[bytes]) -> HotOrders:
    """The columns of documents in BSON, at least one; those of an unusual layout are decoded one by one."""
    columns = read_columns(documents)
    names = ("_id", "updated_at", "order.order_time", "order.total_amount")
    ids, versions, times, amounts = (columns.numbers[name].copy() for name in names)
    hashes = content_hashes(columns)
    for index in np.flatnonzero(~columns.regular).tolist():
        document = bson.decode(documents[index], CODEC_OPTIONS)
        ids[index] = document["_id"]
        versions[index] = milliseconds_of(document["updated_at"])
        try:
            order = decode_order(document)
            times[index] = milliseconds_of(order.order.order_time)
            amounts[index] = to_scaled(order.order.total_amount)
            hashes[index] = content_hash(order)
        except (TypeError, ValueError):
            hashes[index] = 0  # not what the archive can hold, so it is never the same
    return HotOrders(documents, columns, ids, versions, times, amounts, hashes)


def milliseconds_of(time: datetime) -> int:
    """A time in milliseconds since 1970."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def time_of(milliseconds: int) -> datetime:
    """The time of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=milliseconds)
