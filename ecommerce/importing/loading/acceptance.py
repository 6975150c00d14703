"""A chunk of decoded orders into the database, with a rejection for every order that is not accepted."""

from dataclasses import dataclass, field

from bson.raw_bson import RawBSONDocument
from pymongo.errors import BulkWriteError, WriteError

from ecommerce.importing.formats.chunks import Chunk
from ecommerce.importing.loading.decode import Decoded, Place, RawRows, part_of
from ecommerce.importing.loading.retries import with_patience
from ecommerce.importing.loading.versions import is_another, keep_stored, news_rule
from ecommerce.importing.reasons import Rejection
from ecommerce.ingest.accept import accept_orders
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.mongo import MongoDatabase

VALIDATION_FAILED = 121


@dataclass
class Taken:
    """What became of a chunk's orders."""

    accepted: int = 0
    unchanged: int = 0
    changed: int = 0
    forgotten: int = 0
    """Those whose person was forgotten: they came in without what identifies them."""
    rejections: list[Rejection] = field(default_factory=list)


def take_orders(database: MongoDatabase, chunk: Chunk, decoded: Decoded) -> Taken:
    """Bring a chunk's orders in. Several versions of one order go one after the other."""
    taken = Taken()
    raws = RawRows(chunk)
    waiting = list(zip(decoded.orders, decoded.places, strict=True))
    while waiting:
        batch: dict[int, tuple[EncodedOrder, Place]] = {}
        later: list[tuple[EncodedOrder, Place]] = []
        for order, place in waiting:
            if order.order_id in batch:
                later.append((order, place))
            else:
                batch[order.order_id] = (order, place)
        _take_batch(database, raws, batch, taken)
        waiting = later
    return taken


def _take_batch(
    database: MongoDatabase, raws: RawRows, batch: dict[int, tuple[EncodedOrder, Place]], taken: Taken
) -> None:
    orders = [order for order, _ in batch.values()]
    try:
        result = with_patience(
            lambda: accept_orders(
                database, orders, is_news=news_rule(orders), adapt=keep_stored, is_another=is_another, remember=True
            )
        )
    except (BulkWriteError, WriteError) as error:
        if VALIDATION_FAILED not in _codes(error):
            raise
        if len(batch) == 1:
            taken.rejections.append(_refused(raws, orders[0].order_id, batch, "server_refused", str(error)))
            return
        # The server refuses a whole transaction for one document: halve until that one stands alone.
        entries = list(batch.items())
        for half in (entries[: len(entries) // 2], entries[len(entries) // 2 :]):
            _take_batch(database, raws, dict(half), taken)
        return
    taken.accepted += result.accepted
    taken.unchanged += result.unchanged
    taken.changed += result.changed
    taken.forgotten += result.anonymous
    for order_id in result.already_archived:
        reason = (
            f"order {_named(order_id, batch)} is in the archive with another content, and this is no later version of "
            "it (a refund more, a status further on): correct an archived amount by a refund in the order or by "
            "another order"
        )
        taken.rejections.append(_refused(raws, order_id, batch, "already_archived", reason))
    for order_id in result.expired:
        named = _named(order_id, batch)
        reason = f"order {named} is older than archived orders are kept, so it may have been counted already"
        taken.rejections.append(_refused(raws, order_id, batch, "expired", reason))
    for order_id, found in result.contradicting.items():
        reason = f"with the refunds that are stored, which the row does not name: {found}"
        taken.rejections.append(_refused(raws, order_id, batch, found.code, reason))
    for order_id in result.other_orders:
        name = external_id_of(batch[order_id][0].bson) or str(order_id)
        reason = (
            f"another order is stored as {name}: its customer and its time are others; if the number was used again, or"
            " is of another shop, import these files by a mapping with a `namespace` of its own"
        )
        taken.rejections.append(_refused(raws, order_id, batch, "another_order", reason))


def external_id_of(bson: bytes) -> str | None:
    """The order's textual id, as its source has it."""
    found: str | None = RawBSONDocument(bson)["order"].get("external_id")
    return found


def _named(order_id: int, batch: dict[int, tuple[EncodedOrder, Place]]) -> str:
    """An order as its shop calls it, our id after that."""
    external = external_id_of(batch[order_id][0].bson)
    return f"{external} (#{order_id})" if external else str(order_id)


def _refused(
    raws: RawRows, order_id: int, batch: dict[int, tuple[EncodedOrder, Place]], code: str, reason: str
) -> Rejection:
    place = batch[order_id][1]
    return Rejection(
        place.line, code, reason, raws.at(place.line, place.span), part=part_of(place.span, raws.first_part)
    )


def _codes(error: BulkWriteError | WriteError) -> set[int | None]:
    if isinstance(error, BulkWriteError):
        return {problem.get("code") for problem in (error.details or {}).get("writeErrors", ())}
    return {error.code}
