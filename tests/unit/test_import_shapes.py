"""The shape of a file: line ends, marks, encodings, titles, footers, short and long rows. No row is lost."""

from pathlib import Path

import pytest

from ecommerce.importing.check_file import FileCheck, check_file
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.order_lines.mappings import load_mapping

MAP = """\
order: {order_id: Order, user_id: Customer, order_time: Date, payment_type: {constant: card}}
item: {product_id: Item, quantity: Qty, price: Price, warehouse_id: {constant: main}}
delivery: {status: {constant: Delivered}, expected_time: Date, courier_id: {constant: post}, location: City}
"""
HEADER = "Order,Customer,Date,Item,Qty,Price,City"
ROWS = ("A-1,ann,2024-02-01,Tea,1,10.00,Lima", "A-2,bob,2024-02-02,Café,2,10.00,Lima")
TEXT = "\n".join((HEADER, *ROWS)) + "\n"
MARK = "\ufeff"


def checked(folder: Path, content: bytes, mapping: str = MAP, name: str = "a.csv", encoding: str = "") -> FileCheck:
    (folder / name).write_bytes(content)
    (folder / "map.yaml").write_text(mapping)
    load_mapping.cache_clear()
    return check_file(folder / name, ImportOptions(mapping=str(folder / "map.yaml"), encoding=encoding))


READ_IN_FULL = {
    "LF": TEXT.encode(),
    "CRLF": TEXT.replace("\n", "\r\n").encode(),
    "CR": TEXT.replace("\n", "\r").encode(),
    "CR header, LF rows": TEXT.replace("\n", "\r", 1).encode(),
    "no end of the last line": TEXT.rstrip("\n").encode(),
    "a mark": (MARK + TEXT).encode(),
    "two marks": (MARK * 2 + TEXT).encode(),
    "sep": ("sep=,\n" + TEXT).encode(),
    "sep of semicolons": ("sep=;\r\n" + TEXT.replace(",", ";")).encode(),
    "a mark, sep, a mark": (MARK + "sep=,\n" + MARK + TEXT).encode(),
    "UTF-16 with its mark": TEXT.encode("utf-16"),
    "UTF-16 big-endian": (MARK + TEXT).encode("utf-16-be"),
    "UTF-16 of tabs, CRLF": TEXT.replace(",", "\t").replace("\n", "\r\n").encode("utf-16"),
    "a title": ("Orders, all of them; of a shop\n\n" + TEXT).encode(),
    "blank lines first": ("\n \n" + TEXT).encode(),
    "blank rows to the end": (TEXT + ",,,,,,\n" * 5000).encode(),
    "blank rows between": TEXT.replace("\nA-2", "\n,,,,,,\n\nA-2").encode(),
    "short rows": TEXT.replace(",Lima", "").encode(),
    "surplus empty cells": TEXT.replace(",Lima", ",Lima,,,").encode(),
    "quoted": TEXT.replace("Café", '"Ca\nfé, ""large"""').encode(),
    "U+2028, VT, FF, NEL in a cell": TEXT.replace("Tea", "T\u2028e\x0ba\x0c\x85").encode(),
    "the same in a quoted cell": TEXT.replace("Tea", '"T\u2028e\x0ba\x0c\x85"').encode(),
    "pipes": TEXT.replace(",", "|").encode(),
}


@pytest.mark.parametrize("name", READ_IN_FULL)
def test_a_file_is_read_in_full(tmp_path: Path, name: str) -> None:
    check = checked(tmp_path, READ_IN_FULL[name])
    assert (check.error, check.rows, check.rejected) == (None, 2, 0), check.first_rejections
    assert [order["order"]["external_id"] for order in check.first_orders] == ["A-1", "A-2"]


@pytest.mark.parametrize("stated", ["by the mapping", "by the option", "and is UTF-8 nevertheless"])
def test_windows_1252_is_read_where_it_is_said(tmp_path: Path, stated: str) -> None:
    mapping = MAP if stated == "by the option" else "encoding: windows-1252\n" + MAP
    mapping += "catalog: {products: {product_id: Item, name: Item}}\n"
    content = TEXT.encode("utf-8" if "UTF-8" in stated else "windows-1252")
    check = checked(tmp_path, content, mapping, encoding="windows-1252" if stated == "by the option" else "")
    assert (check.error, check.rejected) == (None, 0)
    assert check.encoding == ("UTF-8" if "UTF-8" in stated else "windows-1252")


def test_else_the_place_is_named_and_only_that_order_is_rejected(tmp_path: Path) -> None:
    text = TEXT + "A-3,cid,2024-02-03,Tea,1,10.00,Lima\n"
    check = checked(tmp_path, text.encode("windows-1252"))
    (rejection,) = check.first_rejections
    assert (check.rows, rejection.line, rejection.code) == (3, 3, "encoding")
    assert "the byte 0xe9 at character" in rejection.reason
    assert "--encoding" in rejection.reason


def test_a_text_of_another_encoding_is_an_error_with_its_line(tmp_path: Path) -> None:
    check = checked(tmp_path, TEXT.encode("windows-1252").replace(b"Tea", b"T\x81a"), encoding="windows-1252")
    assert "a.csv, line 2: the byte 0x81 is not windows-1252" in (check.error or "")


@pytest.mark.parametrize(
    "footer",
    [
        "\n2,record(s) downloaded,\nSeller ID: made-up\n", "Total,,,,3,,\n", ",,,,,,2 rows\n", "A-2,,,,,,a note\n",
        "Report made on 1 March, by a shop\n",
    ],
)  # fmt: skip
def test_a_footer_takes_no_order_with_it(tmp_path: Path, footer: str) -> None:
    check = checked(tmp_path, (TEXT + footer).encode())
    assert [order["order"]["external_id"] for order in check.first_orders] == ["A-1", "A-2"]
    assert check.rejected == len([line for line in footer.splitlines() if line])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (TEXT.replace("Café,2", "Café,2,surplus"), "8 columns, the header has 7"),
        (TEXT.replace(",10.00,Lima\n", ",10\n").rstrip("\n"), "the file ends here: it is cut off"),
        (TEXT.replace("Tea", '"Tea').replace("Café", 'Café"'), "quotes join 2 lines"),
        (TEXT.replace("A-2", ""), "the column 'Order' is empty"),
    ],
)
def test_a_row_that_is_none_is_said_to_be(tmp_path: Path, content: str, reason: str) -> None:
    check = checked(tmp_path, content.encode())
    assert any(reason in rejection.reason for rejection in check.first_rejections)
    assert all(order["order"]["total_amount"].to_decimal() in (10, 20) for order in check.first_orders)


def test_lines_of_an_order_may_be_told_by_another_column_than_its_identity(tmp_path: Path) -> None:
    mapping = "lines_by: Name\n" + MAP.replace("order_id: Order", "order_id: {first: [Id, Name]}")
    text = "Name,Id,Customer,Date,Item,Qty,Price,City\n#1,77,ann,2024-02-01,Tea,1,10,Lima\n#1,,,,Cup,1,5,\n"
    check = checked(tmp_path, (text + "#2,,bob,2024-02-01,Tea,1,10,Lima\n").encode(), mapping)
    orders = {order["order"]["external_id"]: len(order["order_items"]) for order in check.first_orders}
    assert (orders, check.rejected) == ({"77": 2, "#2": 1}, 0)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("nothing: [NULL, '?']", {"NULL": "Unknown", "null": "Unknown", "?": "Unknown", "-": "-", "N/A": "N/A"}),
        ("nothing: []", {"NULL": "NULL", "-": "-"}),
        ("", {"NULL": "Unknown", "-": "Unknown", "Null": "Null", "None": "Unknown", "\\N": "Unknown", "none": "none"}),
    ],
)
def test_a_mapping_says_which_texts_mean_nothing(tmp_path: Path, setting: str, said: dict[str, str]) -> None:
    for text, city in said.items():
        check = checked(tmp_path, TEXT.replace("Lima", text).encode(), f"{setting}\n{MAP}")
        found = check.first_orders[0]["delivery"]["location"]
        assert found == ("(the customer's)" if city == "Unknown" else city)


@pytest.mark.parametrize(
    "text", ["", "NULL", "0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "0", "false", "no", "NA", "none"]
)
def test_what_says_that_there_is_nothing_is_not_present(tmp_path: Path, text: str) -> None:
    mapping = MAP.replace("{constant: Delivered}", "{first: [{column: Gone, present: Cancelled}], otherwise: Shipped}")
    rows = f"{HEADER},Gone\n{ROWS[0]},{text}\n{ROWS[1]},2024-02-05\n"
    check = checked(tmp_path, rows.encode(), mapping)
    assert [order["delivery"]["status"] for order in check.first_orders] == ["Shipped", "Cancelled"]
