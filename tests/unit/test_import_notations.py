"""A known file in any notation that a mapping can state comes back equal, or is refused: never as something else."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ecommerce.importing.check_file import FileCheck, check_file
from ecommerce.importing.formats.csv import settle
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.recognise import recognise
from ecommerce.importing.sources.streams import SourceError
from tests.decoded_twice import assert_same, orders_of

HEADER = ("Order", "Customer", "Date", "Clock", "Zone", "Item", "Qty", "Price", "City")


@dataclass(frozen=True)
class Notation:
    """How a file is written, and what of it the mapping says."""

    decimal: str = "."
    group: str = ""
    currency: str = "{}"
    date: str = "%Y-%m-%d %H:%M"
    time_in: str = "one column"
    zone: str = "UTC"
    encoding: str = "utf-8"
    delimiter: str = ","
    line_end: str = "\n"
    before: str = ""
    decimal_stated: bool = True
    dates_stated: bool = True
    short_rows: bool = False
    quoting: int = csv.QUOTE_MINIMAL


NOTATIONS = st.builds(
    Notation,
    decimal=st.sampled_from([".", ","]),
    group=st.sampled_from(["", "other", " ", "\u00a0", "\u202f", "'", "’"]),
    currency=st.sampled_from(["{}", "€ {}", "{} EUR", "$ {}", "Rs. {}", "kr. {}", "{} kr", "CHF {}"]),
    date=st.sampled_from([
        "%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M", "%d-%m-%y %H:%M", "%m-%d-%y %H:%M",
        "%b %d, %Y %I:%M %p", "%d %B %Y %H:%M", "%Y/%m/%d %H:%M", "%Y%m%dT%H%M",
    ]),
    time_in=st.sampled_from(["one column", "with an offset", "with a name", "two columns", "three columns"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "-03:00"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "windows-1252"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    before=st.sampled_from(["", "sep={}\n", "Orders of a shop\n\n", "\n\n"]),
    decimal_stated=st.booleans(),
    dates_stated=st.booleans(),
    short_rows=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
)  # fmt: skip

AMOUNTS = st.one_of(
    st.decimals("0.01", "9999999", places=2),
    st.integers(1, 10**7).map(Decimal),
    st.decimals("1", "999", places=3),  # 1.234: what the other notation takes for a thousand
)
TIMES = st.datetimes(datetime(2001, 1, 1), datetime(2040, 1, 1)).map(lambda time: time.replace(second=0, microsecond=0))
NAMES = (
    st.text(st.sampled_from("abc ÄÖüé,;|\"'€%()-"), min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda name: any(map(str.isalpha, name)))
)
ORDERS = st.lists(st.tuples(TIMES, st.lists(st.tuples(NAMES, st.integers(1, 2000), AMOUNTS), min_size=1, max_size=3)),
                  min_size=1, max_size=3)  # fmt: skip


def zone_of(name: str) -> Any:
    return (
        UTC
        if name == "UTC"
        else datetime.fromisoformat(f"2000-01-01T00:00{name}").tzinfo
        if name[0] == "-"
        else ZoneInfo(name)
    )


def amount_text(amount: Decimal, notation: Notation) -> str:
    group = {"other": "," if notation.decimal == "." else "."}.get(notation.group, notation.group)
    text = f"{amount:,f}".translate({ord(","): group, ord("."): notation.decimal})
    return notation.currency.format(text)


def time_cells(time: datetime, notation: Notation) -> tuple[str, str, str]:
    local = time.replace(tzinfo=UTC).astimezone(zone_of(notation.zone))
    text = local.strftime(notation.date)
    match notation.time_in:
        case "with an offset":
            return f"{text} {local:%z}", "", ""
        case "with a name":
            return f"{text} HERE", "", ""
        case "two columns":
            date, _, clock = text.partition(" ")
            return date, clock, ""
        case "three columns":
            date, _, clock = text.partition(" ")
            return date, clock, "HERE"
    return text, "", ""


def mapping_of(notation: Notation) -> str:
    ends = {"with an offset": " %z", "with a name": " %Z", "three columns": " %Z"}
    stated = notation.date + ends.get(notation.time_in, "")
    dates = [stated]
    if not notation.dates_stated and "%m" in stated and not stated.startswith("%Y"):
        dates.append(stated.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m"))
    zone = "+00:00" if notation.zone == "UTC" else notation.zone
    time = {"columns": ["Date", "Clock", "Zone"]}
    mapping: dict[str, Any] = {
        "dates": dates, "zone": notation.zone, "zones": {"HERE": zone},
        "order": {"order_id": "Order", "user_id": "Customer", "order_time": time, "payment_type": {"constant": "card"}},
        "item": {"product_id": "Item", "quantity": "Qty", "price": "Price", "warehouse_id": {"constant": "main"}},
        "delivery": {
            "status": {"constant": "Pending"}, "expected_time": time, "courier_id": {"constant": "post"},
            "location": "City",
        },
    }  # fmt: skip
    if notation.decimal_stated:
        mapping["decimal_comma"] = notation.decimal == ","
    if notation.encoding == "windows-1252":
        mapping["encoding"] = notation.encoding
    return yaml.safe_dump(mapping, allow_unicode=True)


def written(folder: Path, orders: Any, notation: Notation) -> tuple[Path, Path]:
    text = io.StringIO()
    quoting: Any = notation.quoting
    rows = csv.writer(text, delimiter=notation.delimiter, lineterminator="\n", quoting=quoting)
    rows.writerow(HEADER)
    for number, (time, items) in enumerate(orders):
        for name, quantity, price in items:
            cells = [
                f"O-{number}",
                "ann",
                *time_cells(time, notation),
                name,
                quantity,
                amount_text(price, notation),
                "",
            ]
            rows.writerow(cells[:-1] if notation.short_rows else cells)
    content = (notation.before.format(notation.delimiter) + text.getvalue()).replace("\n", notation.line_end)
    (folder / "a.csv").write_bytes(content.encode(notation.encoding, "replace"))
    (folder / "map.yaml").write_text(mapping_of(notation), encoding="utf-8")
    return folder / "a.csv", folder / "map.yaml"


def checked(folder: Path, orders: Any, notation: Notation) -> FileCheck:
    path, mapping = written(folder, orders, notation)
    load_mapping.cache_clear()
    return check_file(path, ImportOptions(mapping=str(mapping)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notations")


US_DATES = [(datetime(2024, 3, 4, 10, 30), [("Tea", 1, Decimal("1.234"))])]


@example(orders=US_DATES, notation=Notation(decimal_stated=False))
@example(orders=US_DATES, notation=Notation(date="%d/%m/%Y %H:%M", dates_stated=False))
@example(
    orders=US_DATES, notation=Notation(zone="Europe/Berlin", time_in="three columns", line_end="\r", before="sep={}\n")
)
@settings(max_examples=settings().max_examples * 2)
@given(orders=ORDERS, notation=NOTATIONS)
def test_what_comes_back_is_what_was_written(folder: Path, orders: Any, notation: Notation) -> None:
    check = checked(folder, orders, notation)
    if check.error is None:
        assert check.rows == len(orders), check
    for order in check.first_orders:
        time, items = orders[int(order["order"]["external_id"].removeprefix("O-"))]
        assert order["order"]["order_time"] == time.replace(tzinfo=UTC)
        assert [(item["quantity"], item["price"].to_decimal()) for item in order["order_items"]] == [
            (quantity, price) for _, quantity, price in items
        ]
        assert order["order"]["total_amount"].to_decimal() == sum(quantity * price for _, quantity, price in items)


@given(orders=ORDERS, notation=NOTATIONS.filter(lambda notation: notation.decimal_stated and notation.dates_stated))
def test_what_the_mapping_states_in_full_is_taken_in(folder: Path, orders: Any, notation: Notation) -> None:
    if notation.encoding == "windows-1252" and notation.group == "\u202f":
        return  # it has no narrow space
    if "\r" in notation.line_end and notation.quoting == csv.QUOTE_MINIMAL and notation.delimiter == "\t":
        notation = Notation(**{**notation.__dict__, "line_end": "\n"})
    for time, _ in orders:
        zone = zone_of(notation.zone)
        local = time.replace(tzinfo=UTC).astimezone(zone)
        if isinstance(zone, ZoneInfo) and (local.replace(fold=1).utcoffset() != local.replace(fold=0).utcoffset()):
            return  # the hour that comes twice
    check = checked(folder, orders, notation)
    assert check.error is None, check.error
    assert check.rejected == 0, check.first_rejections


@settings(max_examples=settings().max_examples * 2)
@given(orders=ORDERS, notation=NOTATIONS)
def test_orders_are_the_same_whether_they_are_read_together_or_one_by_one(
    folder: Path, orders: Any, notation: Notation
) -> None:
    path, mapping = written(folder, orders, notation)
    load_mapping.cache_clear()
    try:
        shape = recognise(path, str(mapping))
        assert shape is not None
        shape, chunks = orders_of(path, settle(path, shape))
    except SourceError:
        return  # its dates fit two readings
    assert_same(shape, chunks)


def test_the_hour_that_comes_twice_is_refused(folder: Path) -> None:
    twice = datetime(2024, 10, 27, 0, 30)
    for hours in (0, 1):
        orders = [(twice + timedelta(hours=hours), [("Tea", 1, Decimal(1))])]
        assert dict(checked(folder, orders, Notation(zone="Europe/Berlin")).reasons) == {"bad_time": 1}
        assert checked(folder, orders, Notation(zone="Europe/Berlin", time_in="with an offset")).rejected == 0
