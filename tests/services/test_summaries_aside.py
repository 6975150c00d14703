"""A document that is no order is set aside by `_id` with the reason; every other order stays counted once."""

from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson import Decimal128, Int64
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument
from pymongo.errors import WriteError

from ecommerce.archive.hot import hot_orders
from ecommerce.bson_reading.columns import read_columns
from ecommerce.documents.bson_codec import decode_order
from ecommerce.documents.content_hash import content_hash
from ecommerce.documents.order import OrderDocument
from ecommerce.documents.stored import NotAnOrder, identity_text, readable_order, stored_order
from ecommerce.documents.validator import order_validator
from ecommerce.hours import UTC_HOURS
from ecommerce.kpis import KpiStore, compute_kpis
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.schema import prepare_database
from ecommerce.summaries.advance import advance
from ecommerce.summaries.archived_changes import cells_of
from ecommerce.summaries.aside import all_aside
from ecommerce.summaries.cells.fold import fold_documents
from ecommerce.summaries.cells.promises import settled_before
from ecommerce.summaries.cells.reference import cells_of_orders
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.state import ASIDE
from tests.summaries_data import document_of, random_orders
from tests.vandalism import (
    CONTRADICTIONS,
    IDENTITIES,
    PATHS,
    REFUND,
    VALUES,
    Vandal,
    an_item,
    assert_figures_of,
    changed,
    orders,
    vandal,
)

__all__ = ["orders", "vandal"]


def aside_of(database: MongoDatabase) -> dict[str, str]:
    """What is set aside, as people see it: _id and reason."""
    return {found.identity: found.reason for found in all_aside(database, limit=1_000)[1]}


def test_a_good_order_that_is_spoiled_and_mended_leaves_the_figures_and_comes_back(
    database: MongoDatabase, orders: list[OrderDocument], vandal: Vandal
) -> None:
    store = KpiStore(database)
    good = document_of(orders[3])
    vandal.put(changed(good, "order.total_amount", Decimal128("12.34567")))
    assert_figures_of(database, orders[:3] + orders[4:], store)
    assert aside_of(database) == {"3": "order.total_amount: 12.34567 has more than 4 decimals"}
    assert compute_kpis(database).aside == 1
    vandal.put(changed(good, "order.total_amount", "12.50"))
    advance(database)
    assert aside_of(database) == {"3": "order.total_amount: 12.50 is of type string, not decimal"}
    vandal.put(good)
    assert_figures_of(database, orders, store)
    assert aside_of(database) == {}
    rebuild(database)
    assert_figures_of(database, orders, store)


def test_a_document_that_was_bad_is_only_added_when_it_becomes_good_within_one_batch(
    database: MongoDatabase, orders: list[OrderDocument], vandal: Vandal
) -> None:
    good = document_of(orders[3])
    for value in ("12.50", good["order"]["total_amount"], 5, good["order"]["total_amount"]):
        vandal.put(changed(good, "order.total_amount", value))
    assert_figures_of(database, orders)
    assert aside_of(database) == {}
    for value in (good["order"]["total_amount"], 5):
        vandal.put(changed(good, "order.total_amount", value))
    assert_figures_of(database, orders[:3] + orders[4:])
    assert len(aside_of(database)) == 1


@pytest.mark.parametrize("build", [advance, rebuild])
def test_an_order_whose_parts_contradict_each_other_is_named_until_it_is_corrected(
    database: MongoDatabase, orders: list[OrderDocument], vandal: Vandal, build: Any
) -> None:
    store = KpiStore(database)
    for number, contradict in enumerate(CONTRADICTIONS.values()):
        vandal.put(contradict(document_of(orders[number])))
    build(database)
    named = aside_of(database)
    assert len(named) == len(CONTRADICTIONS)
    assert named["0"] == ("the tax and shipping of refund 1, 5.0001, are more than its amount, 5.0000, with them in it")
    assert "take back 1000 of the order item" in named[str(list(CONTRADICTIONS).index("more back than was bought"))]
    assert_figures_of(database, orders[len(CONTRADICTIONS) :], store)
    for order in orders[: len(CONTRADICTIONS)]:
        vandal.put(document_of(order))
    build(database)
    assert aside_of(database) == {}
    assert_figures_of(database, orders, store)


@pytest.mark.parametrize("build", [advance, rebuild])
def test_refunds_and_items_that_agree_stay_in_the_figures(
    database: MongoDatabase, orders: list[OrderDocument], vandal: Vandal, build: Any
) -> None:
    whole = next(document_of(order) for order in orders if len(order.order_items) > 1)
    items = [{"order_item_id": one["order_item_id"], "quantity": one["quantity"]} for one in whole["order_items"]]
    refunds: list[dict[str, Any]] = [
        REFUND | {"tax_amount": REFUND["amount"], "items": items},
        REFUND
        | {"refund_id": Int64(2), "shipping_amount": REFUND["amount"], "items": [items[0] | {"quantity": Int64(0)}]},
    ]
    vandal.put(whole | {"order_items": whole["order_items"][::-1], "refunds": refunds[::-1]})
    empty = next(document_of(order) for order in orders if not order.refunds and order.order_items)
    vandal.put(changed(empty, "order.quantity", Int64(0)) | {"order_items": [], "refunds": [REFUND]})
    # What other programs beside version 0.1.0 could write, and no figure depends on.
    twice, other = (document_of(order) for order in orders[:2])
    vandal.put(twice | {"order_items": [an_item(twice), an_item(twice)], "refunds": [REFUND]})
    vandal.put(changed(other, "order.quantity", Int64(1_000)))
    build(database)
    assert aside_of(database) == {}
    assert_figures_of(database, [stored_order(bson.encode(document)) for document in vandal.orders.find()])


@pytest.mark.parametrize("build", [advance, rebuild])
def test_whatever_has_an_id_is_named_and_counted_nowhere(
    database: MongoDatabase, orders: list[OrderDocument], vandal: Vandal, build: Any
) -> None:
    for identity in IDENTITIES:
        vandal.add_nonsense(identity)
    build(database)
    assert_figures_of(database, orders)
    assert set(aside_of(database)) == {identity_text(identity) for identity in IDENTITIES}
    for identity in IDENTITIES:
        database[ORDERS].delete_one({"_id": identity})
    advance(database)
    assert aside_of(database) == {}
    assert database[ASIDE].count_documents({}) == 0
    assert_figures_of(database, orders)


def test_a_rebuild_forgets_what_another_epoch_had_set_aside(
    database: MongoDatabase, orders: list[OrderDocument], vandal: Vandal
) -> None:
    vandal.put({"_id": Int64(500)})
    advance(database)
    for _ in range(2):
        rebuild(database)
        assert aside_of(database) == {"500": "order is missing"}
        assert database[ASIDE].count_documents({}) == 1


def test_ten_thousand_documents_at_once(database: MongoDatabase, orders: list[OrderDocument]) -> None:
    database[ORDERS].insert_many([{"_id": number} for number in range(1_000, 11_000)], bypass_document_validation=True)
    assert compute_kpis(database).aside == 10_000
    database[ORDERS].delete_many({"_id": {"$gte": 1_000}})
    for _ in range(30):
        advance(database)
    assert database[ASIDE].count_documents({}) < 10_000 - 1_000
    rebuild(database)
    assert database[ASIDE].count_documents({}) == 0
    assert_figures_of(database, orders)


def test_an_event_larger_than_the_server_sends_leads_to_a_rebuild(
    database: MongoDatabase, orders: list[OrderDocument], vandal: Vandal
) -> None:
    for letter in "ab":
        vandal.put(document_of(orders[0]) | {"colour": letter * 9_000_000})
    assert advance(database).mode == "rebuilt"
    assert aside_of(database) == {"0": "colour is no field of an order"}
    assert_figures_of(database, orders[1:])
    assert advance(database).mode == "advanced"


def wrong_documents() -> list[bytes]:
    """Every wrong value in every field of an order, and every field taken out."""
    good = document_of(next(order for order in random_orders(9) if order.order_items and order.delivery.actual_time))
    documents = [bson.encode(changed(good, path, value)) for path in PATHS for value in VALUES]
    documents += [bson.encode(changed(good, path, ...)) for path in PATHS if "colour" not in path]
    documents += [bson.encode(good | {"_id": identity}) for identity in IDENTITIES]
    documents += [bson.encode(contradict(good)) for contradict in CONTRADICTIONS.values()]
    for long in ("é" * 500, "é" * 501, "x" * 500, "東" * 500, "𝄞" * 501, "é" * 900):
        documents.append(bson.encode(changed(good, "order.payment_type", long)))
    twice = bson.encode(good)
    again = b"\x09updated_at\x00" + bytes(8)
    documents.append((len(twice) + len(again)).to_bytes(4, "little") + twice[4:-1] + again + b"\x00")
    text = bson.encode(good)
    payment = good["order"]["payment_type"].encode()
    documents.append(text.replace(payment, b"\xff" * len(payment)))
    return documents


def is_order(document: bytes) -> bool:
    try:
        stored_order(document)
    except NotAnOrder:
        return False
    return True


def test_the_two_readers_and_the_server_refuse_the_same(database: MongoDatabase) -> None:
    documents = wrong_documents()
    good = [document for document in documents if is_order(document)]
    assert len(good) < len(documents) / 10
    # Among good ones, so that none is left out because of its neighbours.
    folded = fold_documents([bson.encode(document_of(order)) for order in random_orders(50)] + documents)
    assert {at - 50 for at in folded.refused} == {at for at, one in enumerate(documents) if not is_order(one)}
    assert folded.cells.equals(cells_of_orders([*random_orders(50), *map(decode_order, good)]))
    regular = read_columns(documents).regular
    assert all(is_order(document) for document, flat in zip(documents, regular, strict=True) if flat)

    validated = database.create_collection("validated", validator=order_validator())
    for document in documents[:-2]:  # MongoDB sees neither a field that is there twice nor a text's encoding
        try:
            validated.insert_one(RawBSONDocument(document))
        except WriteError as error:
            assert error.code in (121, 2, 66, 52), error
            assert not is_order(document), (stored_order(document), error)
        else:
            # What only our reader refuses: a NUL in an attribute.
            assert is_order(document) or b"\x02tag\x00\x02\x00\x00\x00\x00\x00" in document
            validated.delete_one({})


def test_archived_orders_that_contradict_themselves_are_read_as_they_are(orders: list[OrderDocument]) -> None:
    """Versions before this one archived them: no figure moves, and `restore` brings them back."""
    before = orders[: len(CONTRADICTIONS)]
    pairs = zip(before, CONTRADICTIONS.values(), strict=True)
    documents = [bson.encode(contradict(document_of(order))) for order, contradict in pairs]
    now = [decode_order(document) for document in documents]
    hot = hot_orders(documents, readable_order)
    assert (hot.hashes.tolist(), hot.refused) == ([content_hash(order) for order in now], frozenset())
    versions = zip(before, documents, strict=True)
    changes = [{"before": bson.encode(document_of(order)), "document": document} for order, document in versions]
    moved = cells_of_orders(now).plus(cells_of_orders(before).negated())
    assert cells_of(changes, UTC_HOURS).equals(moved.settled(settled_before()))


def test_far_times_and_fine_amounts_are_refused_by_the_server_in_a_database_that_exists(
    database: MongoDatabase, orders: list[OrderDocument]
) -> None:
    database.command("collMod", ORDERS, validator={})
    prepare_database(database)
    changes: dict[str, Any] = {
        "order.total_amount": Decimal128("12.34567"),
        "order.order_time": datetime(1969, 12, 31, tzinfo=UTC),
        "delivery.actual_time": datetime(2300, 1, 1, tzinfo=UTC),
        "order_items.0.price": Decimal128("0.00001"),
        "order_items.0.order_id": Int64(77),
        "updated_at": DatetimeMS(10**17),
    }
    target = next(order for order in orders if order.order_items)
    for path, value in changes.items():
        with pytest.raises(WriteError):
            database[ORDERS].update_one({"_id": target.order.order_id}, {"$set": {path: value}})
    database[ORDERS].update_one(
        {"_id": target.order.order_id}, {"$set": {"order.total_amount": Decimal128("12.34560")}}
    )
