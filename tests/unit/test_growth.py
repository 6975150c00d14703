"""What is stored does not change when the definition grows, and a definition that would break it is refused."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from ecommerce.documents.bson_codec import decode_order, encode_order
from ecommerce.documents.catalog import CATALOG
from ecommerce.documents.content_hash import content_hash, content_values
from ecommerce.documents.fields import FIRST_RELEASE, fields_of
from ecommerce.documents.kinds import Money, Text
from ecommerce.documents.order import Delivery, Order, OrderDocument, OrderItem
from ecommerce.documents.released import faults

DOCUMENTS: tuple[type[Struct], ...] = (
    OrderDocument,
    Order,
    OrderItem,
    Delivery,
    *(table.document for table in CATALOG),
)
TIME = datetime(2026, 3, 1, 12)
HASH_OF_0_1_0 = -3192241576249446837


def an_order(**fields: Any) -> OrderDocument:
    order = Order(1, 5, TIME, Decimal("16.45"), Decimal("0.2284"), 1, "card")
    item = OrderItem(10, 1, 7, 3, 2, Decimal("8.2250"), TIME)
    return OrderDocument(order, (item,), Delivery(1, 1, "Delivered", TIME, None, 4, "Lima"), TIME, **fields)


def test_an_order_without_later_fields_hashes_as_in_0_1_0() -> None:
    # As commit 24465ed, the last of version 0.1.0, computes it.
    assert content_hash(an_order()) == HASH_OF_0_1_0
    assert content_hash(an_order(attributes={})) == HASH_OF_0_1_0
    assert len(list(content_values(an_order()))) == 23


def test_attributes_are_bytes_and_hash_in_one_order() -> None:
    one, other = an_order(attributes={"b": "2", "a": ""}), an_order(attributes={"a": "", "b": "2"})
    assert encode_order(one) == encode_order(other)
    assert content_hash(one) == content_hash(other) != content_hash(an_order())
    assert content_hash(one) != content_hash(an_order(attributes={"a": "b", "2": ""}))
    assert decode_order(encode_order(one)).attributes == {"a": "", "b": "2"}
    assert encode_order(an_order(attributes={})) == encode_order(an_order())


def test_the_definition_fits_what_is_stored() -> None:
    assert list(faults(DOCUMENTS)) == []
    assert all(not field.later for table in CATALOG for field in fields_of(table.document))
    assert [field.name for field in fields_of(OrderDocument) if field.later] == ["refunds", "attributes"]
    assert {document.__name__ for document in DOCUMENTS} == FIRST_RELEASE.keys()


def grown(document: type[msgspec.Struct], *fields: Any, **changed: Any) -> type[msgspec.Struct]:
    """A document of the definition with more fields, or others of the same name."""
    hints = document.__annotations__
    required = [(name, changed.get(name, hint)) for name, hint in hints.items()]
    with_defaults = {info.name: info.default for info in msgspec.structs.fields(document) if not info.required}
    members = [(name, hint, with_defaults[name]) if name in with_defaults else (name, hint) for name, hint in required]
    return msgspec.defstruct(document.__name__, [*members, *fields], kw_only=True)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (grown(Order, ("campaign", Text)), "Order.campaign is new and required: stored orders do not have it"),
        (grown(Order, user_id=Text), "Order.user_id was id in version 0.1.0 and is text: add another field instead"),
        (grown(Delivery, actual_time=Text), "Delivery.actual_time was time or null in version 0.1.0 and is text"),
        (
            msgspec.defstruct("OrderItem", [("price", Money), ("order_item_id", Money)]),
            "OrderItem.order_id is gone: orders of version 0.1.0 have it",
        ),
    ],
)
def test_a_definition_that_breaks_what_is_stored_is_refused(document: type[msgspec.Struct], why: str) -> None:
    assert any(fault.startswith(why) for fault in faults([document])), list(faults([document]))


def test_a_definition_that_grows_is_accepted() -> None:
    assert list(faults([grown(Order, ("campaign", Text | None, None))])) == []
    *_, field = (field for field in fields_of(grown(Order, ("campaign", Text | None, None))) if field.later)
    assert field.name == "campaign"
