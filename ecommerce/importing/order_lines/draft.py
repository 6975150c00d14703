"""A first mapping for a file of order lines that no mapping knows: by the names of its columns and what is in them.

It is a draft: each guess is a line that a person reads, and what the file does not have is a constant to be replaced.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import yaml

from ecommerce.importing.formats.csv import CSV, settle
from ecommerce.importing.formats.format import LOOK_BYTES
from ecommerce.importing.formats.header import Header
from ecommerce.importing.formats.nothing import is_nothing
from ecommerce.importing.formats.registry import format_of, look
from ecommerce.importing.order_lines.amounts import notation_of, take_apart
from ecommerce.importing.shape import LINES, Shape
from ecommerce.importing.sources.streams import SourceError, open_source

ROWS_LOOKED_AT = 1_000

NAMES = {
    # what the column is for: names it goes by, without signs and in small letters, the likeliest first
    "order_id": "orderid orderno ordernumber order amazonorderid invoiceno invoice invoiceid receiptid"
    " salesrecordnumber"
    " transactionid bestellnummer bestellnr auftragsnummer commande pedido name id",
    "user_id": "customerid userid customer buyer buyerid buyeremail customeremail email emailbilling billingemail"
    " buyerusername kunde"
    " kundennummer"
    " client cliente customername buyername",
    "order_time": "orderdate ordertime purchasedate invoicedate datecreated createdat created saledate orderedat"
    " date datum"
    " bestelldatum fecha timestamp",
    "payment_type": "paymentmethodtitle paymentmethod paymenttype payment paidby zahlungsart cardbrand tendertype",
    "product_id": "sku lineitemsku productid itemid stockcode articleno artikelnummer item product article artikel"
,
    "product_name": "productname lineitemname itemname itemtitle title description product item artikel article",
    "quantity": "quantity lineitemquantity qty quantityordered units count menge anzahl cantidad nombre",
    "price": "unitprice price lineitemprice itemprice itemcost productprice einzelpreis preis prix precio",
    "line_total": "linetotal subtotal itemtotal sales amount total summe betrag",
    "status": "orderstatus status fulfillmentstatus",
    "sent": "shippedat shippeddate shipdate dispatchedon versandtam dateshipped shippedondate",
    "arrived": "deliveredat deliverydate datedelivered delivered",
    "courier_id": "carrier courier shippingmethodtitle shippingmethod shipmode shipservicelevel versandart",
    "location": "shippingcity shipcity cityshipping city citybilling billingcity"
    " ort stadt ville ciudad shipstate country land",
    "category": "category producttype productcategory department kategorie",
    "warehouse_id": "warehouse warehouseid fulfillmentcenter location lager region",
    "currency": "currency currencycode ordercurrency waehrung whrung devise moneda",
    "total_amount": "ordertotalamount ordertotal grandtotal",
    "tax_amount": "ordertotaltaxamount ordertaxamount ordertax totaltax taxtotal",
    "shipping_amount": "ordershippingamount ordershipping shippingtotal",
    "refund": "refundamount orderrefundamount refundedamount amountrefunded refunded refund erstattung",
}  # fmt: skip

BESIDE_ITEMS = ("tax_amount", "shipping_amount")
"""What a total has beside its items."""

DECIMALS_MAX = 4

FORMATS = (
    "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%y", "%d/%m/%y", "%m/%d/%y %H:%M", "%d/%m/%y %H:%M", "%d.%m.%Y",
    "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%Y %H:%M", "%m-%d-%Y %H:%M", "%b %d, %Y",
    "%B %d, %Y", "%d %b %Y", "%d-%b-%y", "%d-%b-%Y", "%b-%d-%y", "%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M %p",
    "%b %d, %Y %I:%M:%S %p %Z", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S",
)  # fmt: skip


def draft_mapping(path: Path, encoding: str = "") -> str:
    """A mapping as YAML, with what it is unsure of in comments. Raises SourceError where the file has no columns."""
    header, rows, shape = _start(path, encoding)
    texts = {
        name: [text for cells in rows if (text := cells[at].strip()) and not is_nothing(text)]
        for at, name in enumerate(header.columns)
    }
    found = _columns(header.columns, texts)
    missing = [name for name in ("order_id", "order_time", "product_id", "quantity") if name not in found]
    if "price" not in found and "line_total" not in found:
        missing.append("price")
    head = [f"# A draft for {path.name}: read each line, then `ecommerce import --check --mapping THIS {path.name}`."]
    if missing:
        head.append(f"# No column was found for: {', '.join(missing)}. Put one in place of {NOT_FOUND!r}.")
    notes, settings = _settings(header, shape, texts, found)
    parts = {name: _inline(values) for name, values in _parts(found, texts).items()}
    body = [f"{name}: {_yaml(value)}" for name, value in settings.items()]
    for name, values in parts.items():
        body += ["", f"{name}:", *(f"  {field}: {text}" for field, text in values.items())]
    return "\n".join([*head, *(f"# {note}" for note in notes), "", *body]) + "\n"


NOT_FOUND = "COLUMN"


def _start(path: Path, encoding: str) -> tuple[Header, list[list[str]], Shape]:
    with open_source(path, encoding) as stream:
        start = stream.read(LOOK_BYTES)
    entry, head = look(start, path) if start.strip() else (CSV, None)
    if head is None or head.records is not None:
        raise SourceError(f"{path}: a mapping is for a table with a row for each order line, and this is none")
    known = {name for names in NAMES.values() for name in names.split()}
    header = max(head.headers[:20], key=lambda one: sum(_plain(column) in known for column in one.columns))
    shape = Shape(
        LINES, entry.layout, header.columns, header.delimiter, first_line=header.first_line, encoding=encoding,
        carriage_returns=head.carriage_returns,
    )  # fmt: skip
    shape = settle(path, shape)
    rows: list[list[str]] = []
    with open_source(path, encoding, carriage_returns=shape.carriage_returns) as stream:
        for chunk in format_of(shape.layout).chunks(stream, shape):
            rows += [row.cells for row in format_of(shape.layout).rows(chunk, shape) if row.cells and not row.problem]
            if len(rows) >= ROWS_LOOKED_AT:
                break
    return header, rows[:ROWS_LOOKED_AT], shape


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _columns(columns: Sequence[str], texts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What is for what, where a name is known and the texts are of that kind."""
    by_name = {_plain(column): column for column in reversed(columns)}
    found: dict[str, str] = {}
    for purpose, names in NAMES.items():
        for name in names.split():
            column = by_name.get(name)
            if column is None or (column in found.values() and purpose not in ("product_name", "warehouse_id")):
                continue
            if _fits(purpose, texts[column]):
                found[purpose] = column
                break
    if "price" in found:
        found.pop("line_total", None)
    if "total_amount" not in found:  # they would be parts of nothing
        found = {purpose: column for purpose, column in found.items() if purpose not in BESIDE_ITEMS}
    return found


def _fits(purpose: str, texts: Sequence[str]) -> bool:
    if purpose in ("quantity", "price", "line_total", "total_amount", *BESIDE_ITEMS, "refund"):
        return bool(texts) and all(take_apart(text) for text in texts)
    if purpose == "currency":
        return all(re.fullmatch(r"[A-Za-z]{3}", text) for text in texts)
    if purpose in ("order_time", "sent", "arrived"):
        return not texts or bool(_formats(texts)) or all(map(_is_iso, texts))
    return True


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _formats(texts: Sequence[str]) -> list[str]:
    """The formats that all of the texts fit."""
    left = list(FORMATS)
    for text in dict.fromkeys(texts):
        left = [date_format for date_format in left if _parses(text, date_format)]
    return left


def _parses(text: str, date_format: str) -> bool:
    if date_format.endswith("%Z"):
        date_format, text = date_format.removesuffix(" %Z"), text.rpartition(" ")[0]
    try:
        datetime.strptime(text, date_format)
    except ValueError:
        return False
    return True


def _settings(
    header: Header, shape: Shape, texts: Mapping[str, Sequence[str]], found: Mapping[str, str]
) -> tuple[list[str], dict[str, object]]:
    notes: list[str] = []
    settings: dict[str, object] = {"delimiter": header.delimiter}
    if shape.encoding:
        settings["encoding"] = shape.encoding
    dates = [texts[found[name]] for name in ("order_time", "sent", "arrived") if name in found]
    fitting = [_formats(column) for column in dates if not all(map(_is_iso, column))]
    if formats := list(dict.fromkeys(one for of_column in fitting for one in of_column)):
        settings["dates"] = formats
    if any(len(of_column) > 1 for of_column in fitting):
        notes.append("Its dates fit several formats: leave the one that is right.")
    if "currency" in found:
        settings["currency"] = found["currency"]
    if "refund" in found:
        notes.append(
            f"{found['refund']} is taken as paid back when the order was placed: is there a column that says when?"
        )
    if "tax_amount" in found:
        notes.append(f"{found['tax_amount']} is taken as not in the prices: else see tax_included in docs/mappings.md.")
    if unused := [name for name in header.columns if name and name not in found.values()]:
        notes.append(
            f"Not used: {', '.join(unused)}. A total, tax, shipping or discount among them is part of the order."
        )
    amounts = [text for name in ("price", "line_total", "quantity") if name in found for text in texts[found[name]]]
    said, depends, _ = notation_of(amounts)
    if len(said) == 1:
        settings["decimal_comma"] = said == {"comma"}
    elif depends:
        notes.append(
            f"Nothing says whether {depends} is with a decimal point or comma: write decimal_comma: true or false."
        )
    if "price" in found and any(text != "1" for text in texts.get(found.get("quantity", ""), ())):
        notes.append(
            f"If {found['price']} is of the whole line:"
            f" price: {{line_total: {found['price']}, quantity: {found['quantity']}}}"
        )
    if "user_id" not in found:
        notes.append("No column was found for the customer.")
    return notes, settings


def _amount(column: str, texts: Mapping[str, Sequence[str]]) -> object:
    """The amounts of a column, rounded where some have more decimals than an order can."""
    parted = (re.fullmatch(rf".*[.,]\d{{{DECIMALS_MAX + 1},}}", text) for text in texts.get(column, ()))
    return {"column": column, "round": DECIMALS_MAX} if any(parted) else column


def _parts(found: Mapping[str, str], texts: Mapping[str, Sequence[str]]) -> dict[str, dict[str, object]]:
    def of(purpose: str, otherwise: str | None = None) -> object:
        if not otherwise:
            return found.get(purpose) or NOT_FOUND
        return {"column": found[purpose], "otherwise": otherwise} if purpose in found else {"constant": otherwise}

    price: object = _amount(found["price"], texts) if "price" in found else NOT_FOUND
    amounts = {name: _amount(found[name], texts) for name in ("total_amount", *BESIDE_ITEMS) if name in found}
    if "price" not in found and "line_total" in found:
        price = {"line_total": found["line_total"], "quantity": of("quantity")}
    status: list[object] = [{"column": found["arrived"], "present": "Delivered"}] if "arrived" in found else []
    status += [{"column": found["sent"], "present": "Shipped"}] if "sent" in found else []
    delivery: dict[str, object] = {
        "status": {"first": [*status, *([found["status"]] if "status" in found else [])], "otherwise": "Pending"}
        if status or "status" in found
        else {"constant": "Pending"},
        "expected_time": {"column": of("order_time"), "plus_days": 5},
        "courier_id": of("courier_id", "unknown"),
    }
    if "arrived" in found:
        delivery["actual_time"] = found["arrived"]
    if "location" in found:
        delivery["location"] = found["location"]
    warehouse = of("warehouse_id", "main")
    customer = {"first": [found["user_id"], {"constant": "guest"}]} if "user_id" in found else {"constant": "guest"}
    product = {"product_id": of("product_id"), "name": found.get("product_name") or of("product_id")}
    if "category" in found:
        product["category"] = found["category"]
    refund = {"amount": {"column": of("refund"), "optional": True}, "refund_time": of("order_time")}
    return {
        "order": {
            "order_id": of("order_id"), "user_id": customer,
            "order_time": of("order_time"), "payment_type": of("payment_type", "unknown"), **amounts,
        },
        "item": {"product_id": of("product_id"), "warehouse_id": warehouse, "quantity": of("quantity"), "price": price},
        "delivery": delivery,
        **({"refund": refund} if "refund" in found else {}),
        "catalog": {
            "products": product | {"warehouse_id": warehouse},
            "warehouses": {"warehouse_id": warehouse, "location": warehouse},
            "couriers": {"courier_id": of("courier_id", "unknown"), "name": of("courier_id", "unknown")},
        },
    }  # fmt: skip


class _WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def _inline(values: Mapping[str, object]) -> dict[str, str]:
    return {name: _yaml(value) for name, value in values.items()}


def _yaml(value: object) -> str:
    text = yaml.dump(
        value, Dumper=_WithoutAliases, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000
    ).strip()
    return text.removesuffix("\n...").strip()
