"""One row: the fast way and the lenient way agree to the byte, and Extended JSON means what plain JSON does."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import bson
import msgspec
import pytest
from bson import json_util
from hypothesis import given, settings
from hypothesis import strategies as st

from ecommerce.documents.bson_codec import decode_order, encode_order
from ecommerce.documents.fields import fields_of
from ecommerce.documents.kinds import to_scaled
from ecommerce.documents.order import Delivery, Order, OrderDocument, OrderItem
from ecommerce.importing.reasons import REASONS, Rejected
from ecommerce.importing.rows.extended_json import unwrap
from ecommerce.importing.rows.json_text import parse_json
from ecommerce.importing.rows.orders import Known, encode_cells, encode_json, encode_value
from tests.import_samples import complete_row
from tests.sales_strategies import with_sales

IDS = st.integers(0, 2**63 - 1)
MONEY = st.decimals(0, Decimal("99999999999999.9999"), places=4, allow_nan=False)
FRACTIONS = st.decimals(0, 1, places=4)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31), timezones=st.one_of(st.none(), st.just(UTC)))
# A text like `":` looks like one more key, which sends its row the lenient way: the fast one refuses it.
TEXTS = st.text(st.characters(exclude_characters="\0:", exclude_categories=["Cs"]), min_size=1, max_size=30)
NAMES = st.text(st.characters(exclude_characters="\0:$.", exclude_categories=["Cs"]), min_size=1, max_size=9)
ATTRIBUTES = st.dictionaries(NAMES, st.just("") | TEXTS, min_size=1, max_size=5)


@st.composite
def orders(draw: Callable[..., Any]) -> OrderDocument:
    order_id = draw(IDS)
    item_ids = draw(st.lists(IDS, max_size=4, unique=True))
    items = tuple(
        OrderItem(item_id, order_id, draw(IDS), draw(IDS), draw(st.integers(0, 10**9)), draw(MONEY), draw(TIMES))
        for item_id in item_ids
    )
    order = Order(
        order_id, draw(IDS), draw(TIMES), draw(MONEY), draw(FRACTIONS), len(items), draw(TEXTS), draw(st.none() | TEXTS)
    )
    delivery = Delivery(draw(IDS), order_id, draw(TEXTS), draw(TIMES), draw(st.none() | TIMES), draw(IDS), draw(TEXTS))
    made = OrderDocument(order, items, delivery, draw(TIMES), attributes=draw(st.none() | ATTRIBUTES))
    with_them: OrderDocument = draw(with_sales(made, times=TIMES, texts=TEXTS))
    return with_them


def as_json(value: Any, amount: Callable[[Decimal], Any] = str) -> Any:
    if hasattr(value, "__struct_fields__"):
        optional = {field.name for field in fields_of(value.__class__) if field.optional}
        members = {name: as_json(getattr(value, name), amount) for name in value.__struct_fields__}
        return {name: member for name, member in members.items() if name not in optional or member not in (None, [])}
    if isinstance(value, tuple):
        return [as_json(element, amount) for element in value]
    if isinstance(value, Decimal):
        return amount(value)
    return value.isoformat() if isinstance(value, datetime) else value


@settings(max_examples=settings().max_examples * 3)
@given(orders())
def test_every_way_in_gives_the_reference_bytes(order: OrderDocument) -> None:
    row = as_json(order)
    text = json.dumps(row).encode()
    reference = encode_order(order)
    assert encode_json(text, Known()).bson == reference
    assert encode_value(parse_json(text), Known()).bson == reference
    for options in (json_util.CANONICAL_JSON_OPTIONS, json_util.RELAXED_JSON_OPTIONS):
        exported = json_util.dumps(bson.decode(reference), json_options=options)
        assert encode_value(parse_json(exported), Known()).bson == reference
        assert encode_json(unwrap(exported.encode()), Known()).bson == reference
    del row["updated_at"]
    row.pop("attributes", None)
    without_version = json.dumps(row).encode()
    cells = [json.dumps(row[name]) if name in row else "" for name in ("order", "order_items", "delivery", "refunds")]
    expected = encode_value(parse_json(without_version), Known()).bson
    assert (
        encode_json(without_version, Known()).bson
        == encode_cells(cells[0], cells[1], cells[2], cells[3], Known()).bson
        == expected
    )


with_numbers = msgspec.json.Encoder(decimal_format="number").encode


@settings(max_examples=settings().max_examples * 3)
@given(orders())
def test_amounts_that_are_numbers_give_the_reference_bytes(order: OrderDocument) -> None:
    row = as_json(order, amount=lambda number: number)
    assert encode_json(with_numbers(row), Known()).bson == encode_order(order)


@given(orders(), st.data())
def test_a_key_that_is_there_twice_is_not_taken_the_fast_way(order: OrderDocument, data: st.DataObject) -> None:
    text = with_numbers(as_json(order, amount=lambda number: number))
    # A value within quotes has no `":` in it, see TEXTS.
    key = data.draw(
        st.sampled_from(list(re.finditer(rb'"[a-z_]+":(?=("(?:[^"\\\\]|\\\\.)*"|[0-9.]+|null|true|false)[,}])', text)))
    )
    twice = text[: key.start()] + key[0] + key[1] + b"," + text[key.start() :]
    assert json.loads(twice) == json.loads(text)
    with pytest.raises(ValueError, match="more keys"):
        encode_json(twice, Known())
    with pytest.raises(Rejected, match="twice"):
        encode_value(parse_json(twice), Known())


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("order.order_time", "2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("order.order_time", "2026-03-01 12:30", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("order.order_time", "2026-03-01T12:00:00.1239999+02:00", datetime(2026, 3, 1, 10, 0, 0, 124000, tzinfo=UTC)),
        ("order.order_time", {"$date": 1_772_366_400_000}, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("order.order_time", {"$date": {"$numberLong": "1772366400000"}}, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("order.order_time", {"$date": "2026-03-01T12:00:00Z"}, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("order.total_amount", "1e3", Decimal(1000)),
        ("order.total_amount", {"$numberDecimal": "16.4500"}, Decimal("16.45")),
        ("order.total_amount", {"$numberDouble": "0.5"}, Decimal("0.5")),
        ("order.total_amount", "16.450000000", Decimal("16.45")),
        ("order.user_id", "5", 5),
        ("order.user_id", 5.0, 5),
        ("order.user_id", {"$numberLong": "5"}, 5),
        ("order.user_id", {"$numberInt": "5"}, 5),
    ],
)
def test_values_that_are_written_differently(path: str, text: Any, value: Any) -> None:
    row = deepcopy(complete_row(1))
    part, name = path.split(".")
    row[part][name] = text
    order = decode_order(encode_value(parse_json(json.dumps(row)), Known()).bson)
    assert getattr(getattr(order, part), name) == value


def test_an_amount_is_never_rounded() -> None:
    """The default decimal context cuts 28 digits silently: 1.00000000000000000000000000001 would pass as 1."""
    text = "1.00000000000000000000000000001"
    row = json.dumps(complete_row(1)).replace("16.45", text)
    assert _refusal(row).startswith("too_many_decimals")
    with pytest.raises(ValueError, match="more than 4 decimals"):
        to_scaled(Decimal(text))


def _refusal(row: str) -> str:
    with pytest.raises(Rejected) as caught:
        encode_value(parse_json(row), Known())
    with pytest.raises(Exception):  # noqa: B017 - the fast way gives no reasons
        encode_json(row.encode(), Known())
    return f"{caught.value.code}: {caught.value.reason}"


def test_every_reason_code_is_explained() -> None:
    page = (Path(__file__).parents[2] / "docs" / "import.md").read_text()
    for code, meaning in REASONS.items():
        assert f"| `{code}` | {meaning} |" in page
