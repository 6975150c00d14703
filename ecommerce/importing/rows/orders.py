"""One row to one canonical order: the fast way, and the lenient one where the fast one will not."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ecommerce.documents.agreement import Disagreement, require_agreement
from ecommerce.documents.bson_codec import encode_order
from ecommerce.documents.fields import fields_of
from ecommerce.documents.kinds import EARLIEST_TIME
from ecommerce.documents.order import Delivery, Order, OrderDocument, OrderItem
from ecommerce.documents.statuses import status_of
from ecommerce.importing.reasons import Rejected, shown
from ecommerce.importing.rows.fast import BESIDE, encode_input, happened_last, has_beside
from ecommerce.importing.rows.inputs import (
    LEFT_OPEN,
    BesideInput,
    DeliveryInput,
    DocumentInput,
    OrderInput,
    OrderItemInput,
)
from ecommerce.importing.rows.lenient import read_document, struct_of
from ecommerce.importing.rows.plausible import Doubts, note_doubts
from ecommerce.importing.rows.unknown import unknown_kept
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.iso_4217 import CURRENCY_CODES

UNKNOWN_LOCATION = "Unknown"

_OBJECT_ID = re.compile(r"""(?:ObjectId\(["']?)?[0-9a-fA-F]{24}(?:["']?\))?""")
"""As CSV of mongoexport and of Compass has it."""

UNKNOWN_MAX = 100
"""Different unknown statuses that are counted: a file with more has something else in that field."""


class AskCatalog(Exception):
    """The order can only be finished with what the catalog knows about these products and users."""

    def __init__(self, product_ids: set[int], user_ids: set[int]) -> None:
        super().__init__()
        self.product_ids = product_ids
        self.user_ids = user_ids


@dataclass
class Known:
    """What the catalog has answered so far: warehouse of a product (None: it has none), city of a user."""

    warehouses: dict[int, int | None] = field(default_factory=dict)
    locations: dict[int, str] = field(default_factory=dict)
    unknown_statuses: dict[str, int] = field(default_factory=dict)
    """Texts of orders' statuses that the table of statuses does not have, and how many rows had each."""

    currencies: dict[str, int] = field(default_factory=dict)
    """Currencies that orders name, and how many orders name each."""

    doubts: Doubts = field(default_factory=dict)
    """Orders whose amounts hardly belong together."""

    def note_currency(self, code: str | None) -> None:
        """Count a row's order under its currency, where it names one. Raises ValueError where there is no such."""
        if code:
            if code not in CURRENCY_CODES:
                raise ValueError(code)
            self.currencies[code] = self.currencies.get(code, 0) + 1

    def note_status(self, text: str) -> None:
        """Look whether the table has a row's status."""
        if status_of(text) is None and (text in self.unknown_statuses or len(self.unknown_statuses) < UNKNOWN_MAX):
            self.unknown_statuses[text] = self.unknown_statuses.get(text, 0) + 1


_decode_document = msgspec.json.Decoder(DocumentInput).decode
_decode_order = msgspec.json.Decoder(OrderInput).decode
_decode_items = msgspec.json.Decoder(tuple[OrderItemInput, ...]).decode
_decode_delivery = msgspec.json.Decoder(DeliveryInput).decode
_decode_refunds = msgspec.json.Decoder(BesideInput.__annotations__["refunds"]).decode


def encode_json(line: bytes, known: Known) -> EncodedOrder:
    """The order of a JSON text, the fast way. Raises any exception where that way does not go."""
    row = _decode_document(line)
    order, items, delivery, updated_at = row.order, row.order_items, row.delivery, row.updated_at
    if row.id_ is not None and row.id_ != order.order_id:
        raise ValueError("_id")
    beside = row if has_beside(row) else None
    quotes = 6 + (0 if updated_at is None else 4) + (0 if row.id_ is None else 2)
    if beside is not None:
        quotes += quotes_beside(beside)
    left = _left_open(line.count(b'"') - quotes, order, items, delivery)
    if left is None:
        keys = line.count(b'":') + line.count(b'" :') - 3 - (updated_at is not None) - (row.id_ is not None)
        left = _left_open_by_keys(keys - (keys_beside(beside) if beside else 0), order, items, delivery)
    return _encode(order, items, delivery, updated_at, known, left, beside)


def encode_cells(order: str, order_items: str, delivery: str, refunds: str, known: Known) -> EncodedOrder:
    """The order of the cells of a CSV row, the fast way. Raises any exception where that way does not go."""
    parts = _decode_order(order), _decode_items(order_items), _decode_delivery(delivery)
    beside = BesideInput(refunds=_decode_refunds(refunds)) if refunds else None
    text = "".join((order, order_items, delivery, refunds))
    # The cell of refunds has no key of its own.
    left = _left_open(text.count('"') - (quotes_beside(beside) - 2 if beside else 0), *parts)
    if left is None:
        keys = text.count('":') + text.count('" :')
        left = _left_open_by_keys(keys - (keys_beside(beside) - 1 if beside else 0), *parts)
    return _encode(*parts, None, known, left, beside)


def keys_beside(row: Any) -> int:
    """How many keys of a row are beside its parts: each field there, and the names and fields within it."""
    return sum(1 + _keys_in(value) for value in (getattr(row, name) for name in BESIDE) if value is not None)


def _keys_in(value: Any) -> int:
    if isinstance(value, dict):
        return len(value)
    return sum(1 + _keys_in(member) for member in _members(value))


def quotes_beside(row: Any) -> int:
    """How many quotes the keys and the texts beside the parts of a row take."""
    return sum(2 + _quotes_in(value) for value in (getattr(row, name) for name in BESIDE) if value is not None)


def _quotes_in(value: Any) -> int:
    if isinstance(value, dict):
        return 4 * len(value)
    return sum(2 + _quotes_in(member) for member in _members(value)) or 2 * isinstance(value, str | datetime)


def _members(value: Any) -> Iterator[Any]:
    """The values of the fields that the elements of an array have."""
    if isinstance(value, tuple):
        members = (getattr(element, name) for element in value for name in element.__struct_fields__)
        yield from (member for member in members if member is not None)


def _compiled_left_open(of_key: int, of_text: int, otherwise: str) -> Callable[[int, Any, Any, Any], Any]:
    """A function like `_left_open`, generated from the definition like the encoders: a loop over fields costs more."""
    full = {"order": 0, "item": 0, "delivery": 0}
    less: dict[str, dict[int, list[str]]] = {part: defaultdict(list) for part in full}
    left_open: dict[str, list[str]] = {part: [] for part in full}
    for part, document in (("order", Order), ("item", OrderItem), ("delivery", Delivery)):
        for of_part in fields_of(document):
            assert of_part.kind is not None  # noqa: S101 - the parts are flat
            text = of_text if of_part.kind.bson_type in ("string", "date") else 0
            full[part] += of_key + text
            is_none = f"({part}.{of_part.name} is None)"
            if of_part.name in LEFT_OPEN.get(document, ()):
                left_open[part].append(is_none)
            if of_part.optional or of_part.name in LEFT_OPEN.get(document, ()):
                less[part][of_key + text].append(is_none)
            elif of_part.nullable and text:
                less[part][text].append(is_none)

    def difference(*parts: str) -> str:
        found = [(weight, conditions) for part in parts for weight, conditions in less[part].items()]
        return " + ".join(f"{weight} * ({' + '.join(conditions)})" for weight, conditions in found) or "0"

    lines = [
        "def left_open(found, order, items, delivery):",
        f"    left = {' + '.join(left_open['order'] + left_open['delivery']) or 0}",
        f"    found += {difference('order', 'delivery')} - {full['order'] + full['delivery']}",
        "    for item in items:",
        f"        left += {' + '.join(left_open['item']) or 0}",
        f"        found += {difference('item')} - {full['item']}",
        f"    if found: {otherwise}",
        "    return left",
    ]
    names_of_text: dict[str, Any] = {}
    # The text is made of the definition's names and of nothing else.
    exec(compile("\n".join(lines), "<keys of a row>", "exec"), names_of_text)  # noqa: S102
    function: Callable[[int, Any, Any, Any], Any] = names_of_text["left_open"]
    return function


_left_open: Callable[[int, Any, Any, Any], int | None] = _compiled_left_open(2, 2, "return None")
"""(quotes, order, items, delivery) → how many fields a row leaves to the catalog; None where its parts have another
number of quotes than the keys and texts that were decoded from them.

msgspec takes the last of two values for one field, and it is not known which one was meant. Each key and each text has
two quotes, so a key that is there twice shows, and counting one sign takes a fifth of the time of counting keys."""

_left_open_by_keys: Callable[[int, Any, Any, Any], int] = _compiled_left_open(
    1, 0, "raise ValueError(f'{found} more keys than fields')"
)
"""The same by the number of keys, for rows with amounts as texts, and with quotes within texts.

Raises ValueError where it is not that of the fields. Texts that look like keys, and keys that are followed by two
spaces, only take the lenient way."""


def _encode(  # noqa: PLR0913 - a record made of them would cost each order
    order: Any, items: Any, delivery: Any, updated_at: datetime | None, known: Known, left: int, beside: Any = None
) -> EncodedOrder:
    filled = b""
    if left:
        filled = bytes((delivery.location is None, *(item.warehouse_id is None for item in items)))
    try:
        # A None among the answers does not encode, so that such an order goes the slow way, to its reason.
        bson = encode_input(order, items, delivery, updated_at, known.warehouses, known.locations, beside)
    except KeyError:
        raise AskCatalog(
            {item.product_id for item in items if item.warehouse_id is None} - known.warehouses.keys(),
            {order.user_id} - known.locations.keys() if delivery.location is None else set(),
        ) from None
    if order.currency:  # first: of a row that is refused nothing is noted
        known.note_currency(order.currency)
    if status_of(delivery.status) is None:
        known.note_status(delivery.status)
    note_doubts(known.doubts, order, items, (beside and beside.refunds) or ())
    return EncodedOrder(order.order_id, bson, updated_at is not None, filled)


def encode_value(value: Any, known: Known, *, keep_unknown: bool = False) -> EncodedOrder:
    """The order of a parsed row (`parse_json`, or what a mapping made), the lenient way.

    With `keep_unknown`, scalars that are no field of the document become attributes. Raises Rejected with the reason,
    or AskCatalog where `known` lacks an answer.
    """
    identity = None
    if isinstance(value, Mapping) and "_id" in value:
        identity = value["_id"]
        value = {name: member for name, member in value.items() if name != "_id"}
    values = read_document(OrderDocument, unknown_kept(value) if keep_unknown else value)
    order, items, delivery = values["order"], values["order_items"], values["delivery"]
    _check_identity(order["order_id"], identity)
    filled = _fill(order, items, delivery, known)
    timed = values["updated_at"] is not None
    values["updated_at"] = values["updated_at"] or EARLIEST_TIME
    document = struct_of(OrderDocument, values)
    try:
        require_agreement(document)
    except Disagreement as error:
        raise Rejected(error.code, str(error)) from None
    if not timed:
        version = EARLIEST_TIME + timedelta(
            milliseconds=happened_last(document.order, document.delivery, document.refunds)
        )
        document = msgspec.structs.replace(document, updated_at=version.astimezone(UTC))
    known.note_status(document.delivery.status)
    known.note_currency(document.order.currency)
    note_doubts(known.doubts, document.order, document.order_items, document.refunds)
    return EncodedOrder(document.order.order_id, encode_order(document), timed, filled)


def _check_identity(order_id: int, _id: Any) -> None:
    # An ObjectId is what another system's _id was: it says nothing about the order.
    if isinstance(_id, Mapping) and "$numberLong" in _id:
        _id = int(_id["$numberLong"]) if str(_id["$numberLong"]).isdigit() else _id
    foreign = (isinstance(_id, Mapping) and "$oid" in _id) or (isinstance(_id, str) and _OBJECT_ID.fullmatch(_id))
    if _id is not None and not foreign and _id != order_id:
        raise Rejected("reference", f"_id is {shown(_id)}, order.order_id {order_id}")


def _fill(order: dict[str, Any], items: list[dict[str, Any]], delivery: dict[str, Any], known: Known) -> bytes:
    """Put in what the row left open. Returns which, as `EncodedOrder.filled` has it."""
    filled = bytes((delivery["location"] is None, *(item["warehouse_id"] is None for item in items)))
    products = {item["product_id"] for item in items if item["warehouse_id"] is None}
    users = set() if delivery["location"] is not None else {order["user_id"]}
    unasked = AskCatalog(products - known.warehouses.keys(), users - known.locations.keys())
    if unasked.product_ids or unasked.user_ids:
        raise unasked
    for index, item in enumerate(items):
        if item["warehouse_id"] is None:
            item["warehouse_id"] = known.warehouses[item["product_id"]]
            if item["warehouse_id"] is None:
                raise Rejected(
                    "unknown_product",
                    f"order_items[{index}] has no warehouse_id, and the catalog none for product {item['product_id']}:"
                    " import the products first",
                )
    if delivery["location"] is None:
        delivery["location"] = known.locations[order["user_id"]]
    return filled if any(filled) else b""
