"""What an import of a file would do, without a database: what the file is, each choice of reading, the first orders."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from pathlib import Path
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument

from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.documents.canonical_bytes import order_time_of
from ecommerce.importing.formats.csv import settle
from ecommerce.importing.formats.json_values import JSON_VALUES
from ecommerce.importing.formats.registry import format_of
from ecommerce.importing.loading.decode import CatalogRecords, Decoded, Decoder
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.loading.report import FileReport, naming
from ecommerce.importing.order_lines.group_lines import order_lines
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.reasons import Rejection
from ecommerce.importing.recognise import joined_files, recognise
from ecommerce.importing.rows.orders import Known
from ecommerce.importing.rows.plausible import add_doubts
from ecommerce.importing.shape import JOINED, LINES, Shape
from ecommerce.importing.sources.streams import SourceError, encoding_of, open_source
from ecommerce.readable import counted

ORDERS_SHOWN = REJECTIONS_SHOWN = 3
FROM_CATALOG, FROM_CUSTOMER = 0, "(the customer's)"
"""What stands for a warehouse and a city that the catalog would fill in."""


@dataclass
class FileCheck:
    """What an import would do with a file."""

    path: Path
    shape: Shape | None = None
    encoding: str = ""
    lines: int = 0
    rows: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    first_rejections: list[Rejection] = field(default_factory=list)
    first_orders: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    statuses: Counter[str] = field(default_factory=Counter)
    """How many orders would have each status."""
    refunded_orders: int = 0
    report: FileReport = field(default_factory=lambda: FileReport(Path()))
    """What the report of its import would say of its orders."""

    @property
    def notes(self) -> list[str]:
        """What a person must know, as an import says it: how texts were read, when orders are from, their currencies,
        which orders to look at, and statuses."""
        found = list(self.report.notes_of_orders)
        if self.statuses:
            counts = ", ".join(f"{status} {orders:,}" for status, orders in self.statuses.most_common())
            found.append(f"statuses: {counts}")
        if unknown := self.report.statuses_not_known:
            found.append(unknown)
        if self.refunded_orders:
            found.append(f"{counted(self.refunded_orders, 'order has', 'orders have')} refunds")
        return found


def check_file(
    path: Path, options: ImportOptions, currency: str = "", has_none_in: Callable[[str], bool] = lambda _: False
) -> FileCheck:
    """Read a file to its end and write nothing. Whether orders are new cannot be said without a database.

    `currency` is the shop's, empty where that is not known; `has_none_in` says whether the shop has no order in it.
    """
    checked = FileCheck(path, report=FileReport(path, shop_currency=currency))
    try:
        checked.encoding = encoding_of(path)
        shape = recognise(path, options.mapping, options.encoding)
        if shape is None:
            return checked
        checked.shape = shape = settle(path, shape)
        checked.report.mapping = shape.mapping
        checked.encoding = (shape.encoding or checked.encoding) if format_of(shape.layout).is_text else ""
        if shape.rows == LINES:
            _check_order_lines(path, shape, options, checked)
        elif shape.rows != JOINED:
            with open_source(path, shape.encoding, carriage_returns=shape.carriage_returns) as stream:
                _decode(format_of(shape.layout).chunks(stream, shape), shape, checked)
    except SourceError as error:
        checked.error = naming(path, error)
    report = checked.report
    report.read, report.rejected = checked.rows, checked.rejected
    report.no_own_currency = report.may_lack_own_currency and has_none_in(currency)
    return checked


def _check_order_lines(path: Path, shape: Shape, options: ImportOptions, checked: FileCheck) -> None:
    mapping = load_mapping(shape.mapping or "")
    with order_lines(mapping) as lines:
        for table, (beside, joined) in joined_files(mapping, path, options.mapping, options.encoding).items():
            lines.load(beside, joined, table)
        lines.load(path, shape)
        checked.lines, checked.report.readings = lines.lines, lines.readings
        _decode(lines.chunks(), replace(shape, layout=JSON_VALUES.layout, readings=lines.readings), checked)


def _decode(chunks: Any, shape: Shape, checked: FileCheck) -> None:
    decoder = Decoder(shape, _unasked)
    first: list[tuple[int, bytes]] = []
    for chunk in chunks:
        decoded: Decoded = decoder.decode(chunk)
        checked.rows += decoded.rows
        for rejection in decoded.rejections:
            checked.rejected += rejection.rows
            checked.reasons[rejection.code] += rejection.rows
        _note_orders(checked, decoded)
        checked.first_rejections = nsmallest(
            REJECTIONS_SHOWN, [*checked.first_rejections, *decoded.rejections], key=lambda rejection: rejection.line
        )
        encoded = [*(order.bson for order in decoded.orders), *decoded.records]
        found = [(place.line, raw) for place, raw in zip(decoded.places, encoded, strict=True)]
        first = nsmallest(ORDERS_SHOWN, [*first, *found], key=lambda pair: pair[0])
    checked.first_orders = [bson.decode(raw, CODEC_OPTIONS) for _, raw in first]


def _note_orders(checked: FileCheck, decoded: Decoded) -> None:
    """Take in what the report says of a chunk's orders."""
    report = checked.report
    add_doubts(report.doubts, decoded.doubts)
    report.unknown_statuses.update(decoded.unknown_statuses)
    report.currencies.update(decoded.currencies)
    if decoded.orders:
        report.saw_orders([order_time_of(order.bson) for order in decoded.orders])
    for order in decoded.orders:
        document: Any = RawBSONDocument(order.bson)
        checked.statuses[document["delivery"]["status"]] += 1
        checked.refunded_orders += bool(document.get("refunds"))


def _unasked(products: set[int], users: set[int], _catalog_records: CatalogRecords) -> Known:
    return Known(dict.fromkeys(products, FROM_CATALOG), dict.fromkeys(users, FROM_CUSTOMER))
