"""Which of two versions of an order is the later one.

A row that names its `updated_at` wins by that time. Other rows win by their status, which only goes forward; of two
with equally far a status the one that was imported last wins, and ingest remembers the versions that lost, so that
importing an older file again does not bring them back.
"""

from collections.abc import Sequence

import msgspec
from bson.raw_bson import RawBSONDocument

from ecommerce.documents.agreement import require_refunds_agree
from ecommerce.documents.bson_codec import decode_order, encode_order
from ecommerce.documents.canonical_bytes import has_refunds, order_id_of, version_time
from ecommerce.documents.order import OrderDocument
from ecommerce.documents.statuses import status_rank
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.ingest.past_versions import News


def news_rule(batch: Sequence[EncodedOrder]) -> News:
    """The rule for one batch. Ingest asks it only about versions that did not lose before."""
    timed = {order.order_id for order in batch if order.timed}

    def is_news(stored: bytes, incoming: bytes) -> bool:
        if not stored:  # what is there is no order: a row that is one mends it
            return True
        if order_id_of(incoming) in timed:
            before, now = version_time(stored), version_time(incoming)
            # At one and the same moment the order of import must not matter, so the bytes decide in the end.
            return now > before or (now == before and (_rank(incoming), incoming) > (_rank(stored), stored))
        return _rank(incoming) >= _rank(stored)

    return is_news


def is_another(stored: bytes, incoming: EncodedOrder) -> bool:
    """Whether the incoming order is no version of the stored one: number 1001 of another shop, or of another year.

    Customers are merged and times are corrected, but not both at once. A row with `updated_at` says itself what it is.
    """
    if incoming.timed:
        return False
    before, now = RawBSONDocument(stored)["order"], RawBSONDocument(incoming.bson)["order"]
    return bool(before["user_id"] != now["user_id"] and before["order_time"] != now["order_time"])


def _rank(bson: bytes) -> int:
    return status_rank(RawBSONDocument(bson)["delivery"]["status"])


def keep_stored(stored: bytes, incoming: EncodedOrder) -> bytes:
    """The incoming order with what its row left open as the stored version has it.

    Warehouses and the location are not as the catalog says today, and refunds stay where the row names none.
    Raises Disagreement where those contradict the row.
    """
    keeps_refunds = has_refunds(stored) and not has_refunds(incoming.bson)
    if not incoming.filled and not keeps_refunds:
        return incoming.bson
    before, now = decode_order(stored), decode_order(incoming.bson)
    if before.refunds and not now.refunds:
        now = msgspec.structs.replace(now, refunds=before.refunds)
        require_refunds_agree(now.refunds, now.order_items)
    return encode_order(_as_filled(before, now, incoming) if incoming.filled else now)


def _as_filled(before: OrderDocument, now: OrderDocument, incoming: EncodedOrder) -> OrderDocument:
    warehouses = {item.order_item_id: item.warehouse_id for item in before.order_items}
    items = tuple(
        msgspec.structs.replace(item, warehouse_id=warehouses.get(item.order_item_id, item.warehouse_id))
        if was_filled
        else item
        for item, was_filled in zip(now.order_items, incoming.filled[1:], strict=True)
    )
    location = before.delivery.location if incoming.filled[0] else now.delivery.location
    delivery = msgspec.structs.replace(now.delivery, location=location)
    return msgspec.structs.replace(now, order_items=items, delivery=delivery)
