"""Orders as MongoDB holds them at this moment, in columns: what an archive is made of, and compared with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ecommerce.archive.content_columns import content_hashes
from ecommerce.bson_reading.columns import read_columns
from ecommerce.bson_reading.order_columns import IntArray, OrderColumns
from ecommerce.documents.canonical_bytes import order_id_of
from ecommerce.documents.content_hash import content_hash
from ecommerce.documents.kinds import EPOCH, to_scaled
from ecommerce.documents.order import OrderDocument
from ecommerce.documents.stored import NotAnOrder, stored_order


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
    refused: frozenset[int] = frozenset()
    """Positions of documents that are no orders: their columns mean nothing, but for `ids`."""


def hot_orders(documents: Sequence[bytes], read: Callable[[bytes], OrderDocument] = stored_order) -> HotOrders:
    """The columns of documents in BSON, at least one; those of an unusual layout are decoded one by one.

    `read` is `readable_order` for those of archived orders.
    """
    columns = read_columns(documents)
    names = ("_id", "updated_at", "order.order_time", "order.total_amount")
    ids, versions, times, amounts = (columns.numbers[name].copy() for name in names)
    hashes = content_hashes(columns)
    refused = set()
    for index in np.flatnonzero(~columns.regular).tolist():
        try:
            order = read(documents[index])
        except NotAnOrder:  # not what the archive can hold, so it is never the same as what is in it
            refused.add(index)
            ids[index], versions[index], hashes[index] = order_id_of(documents[index]), -1, 0
            continue
        ids[index], versions[index] = order.order.order_id, milliseconds_of(order.updated_at)
        times[index], amounts[index] = milliseconds_of(order.order.order_time), to_scaled(order.order.total_amount)
        hashes[index] = content_hash(order)
    return HotOrders(documents, columns, ids, versions, times, amounts, hashes, frozenset(refused))


def only_orders(documents: Sequence[bytes]) -> HotOrders | None:
    """The columns of those documents that are orders; None where none is."""
    if not documents:
        return None
    hot = hot_orders(documents)
    if not hot.refused:
        return hot
    return only_orders([one for index, one in enumerate(documents) if index not in hot.refused])


def milliseconds_of(time: datetime) -> int:
    """A time in milliseconds since 1970."""
    return (time - EPOCH) // timedelta(milliseconds=1)


def time_of(milliseconds: int) -> datetime:
    """The time of milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=milliseconds)
