"""Before an import: what a file is, how it is read, and a first mapping for an unknown one. No database is needed."""

import gzip
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.checked_files import checked_text
from ecommerce.importing.check_file import check_file
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.order_lines.draft import NOT_FOUND, draft_mapping
from ecommerce.importing.order_lines.mapping import Mapping
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.sources.streams import SourceError
from tests.import_samples import complete_row, write_lines

CASES = Path(__file__).parents[1] / "data" / "cases"
SUPERSTORE_EU = CASES / "12-superstore-day-first" / "superstore_eu.csv"


@pytest.fixture(autouse=True)
def no_database_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.checked_files.DATABASE_SECONDS", 0.01)


def said(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_a_check_says_what_a_file_is_each_choice_and_the_first_orders() -> None:
    code, output = said("import", "--check", str(SUPERSTORE_EU))
    assert code == 0
    for text in (
        "holds order lines, as csv, UTF-8", "delimiter ',', 21 columns", "mapping superstore",
        "times that name no zone are in UTC", "dates are read as %d/%m/%Y, as the file shows",
        "6 rows made of 6 lines, 6 of them valid", "external_id: XX-1", "external_id: XX-3",
        "order_time: 2018-12-25T00:00:00+00:00",
    ):  # fmt: skip
        assert text in output
    assert "XX-4" not in output


def test_a_check_counts_what_would_be_rejected(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", complete_row(1), {"order": 2}, complete_row(3))
    checked = check_file(path, ImportOptions())
    assert (checked.rows, checked.rejected, dict(checked.reasons)) == (3, 1, {"not_an_object": 1})
    assert [order["_id"] for order in checked.first_orders] == [1, 3]
    assert "line 2: not_an_object" in said("import", "--check", str(path))[1]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "0 rows: is this the file?"),
        (b"product_id,name\n", "0 rows: is this the file?"),
        ("products\tx\r\n".encode("utf-16"), "are neither orders"),
        (b"product_id,name\n1,Tea\n", "holds products, as csv, UTF-8"),
        (b"sep=;\nproduct_id;name\n1;Tea\n", "delimiter ';', 2 columns, header in line 2"),
        ("product_id\tname\r\n1\tT\u00e9\r\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_check_of_other_files(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    result = CliRunner().invoke(app, ["import", "--check", str(tmp_path / "a.csv")])
    assert text in result.output + str(result.exception)


@pytest.mark.parametrize(
    ("case", "orders"),
    [
        ("12-superstore-day-first/superstore_eu.csv", 6), ("03-carriage-returns-only/excel_for_mac.csv", 3),
        ("06-trailing-cells-dropped/saved_by_excel.csv", 6), ("01-amazon-unclosed-quote/amazon_orders.txt", 4),
        ("18-null-and-zero-dates/phpmyadmin.csv", 4),
    ],
)  # fmt: skip
def test_a_draft_is_a_mapping_that_reads_its_file(tmp_path: Path, case: str, orders: int) -> None:
    code, output = said("mapping", "draft", str(CASES / case))
    assert code == 0
    assert NOT_FOUND not in output
    (tmp_path / "draft.yaml").write_text(output)
    checked = check_file(CASES / case, ImportOptions(mapping=str(tmp_path / "draft.yaml")))
    assert (checked.error, checked.rows, checked.rejected) == (None, orders, 0)


def test_a_draft_says_what_it_is_unsure_of(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Order No.;Datum;Artikel;Menge;Preis\nA;03/04/2024;Tee;2;1.234\n")
    text = draft_mapping(tmp_path / "a.csv")
    assert "dates: [" in text
    assert "Its dates fit several formats: leave the one that is right." in text
    assert "Nothing says whether 1.234 is with a decimal point or comma" in text
    assert "If Preis is of the whole line: price: {line_total: Preis, quantity: Menge}" in text
    (tmp_path / "b.csv").write_text("Datum;Tee\n03/04/2024;1\n")
    assert f"No column was found for: order_id, product_id, quantity, price. Put one in place of {NOT_FOUND!r}" in (
        draft_mapping(tmp_path / "b.csv")
    )


def test_a_draft_takes_currency_and_refunds_and_names_what_it_does_not_use(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "Order ID,Customer,Order Date,Sent,SKU,Quantity,Price,Total,Currency,Refund Amount\n"
        "1,ada,30.10.2026 00:30,,TEA,1,10.00,10.00,EUR,\n"
        "2,bob,31.10.2026 10:00,,TEA,1,20.00,20.00,USD,5.00\n"
    )
    text = draft_mapping(tmp_path / "a.csv")
    assert "# Not used: Sent, Total." in text
    (tmp_path / "draft.yaml").write_text(text)
    checked = check_file(tmp_path / "a.csv", ImportOptions(mapping=str(tmp_path / "draft.yaml")))
    assert (checked.rows, checked.rejected) == (2, 0), checked
    first, second = checked.first_orders
    assert (first["order"]["currency"], second["order"]["currency"]) == ("EUR", "USD")
    assert "refunds" not in first
    assert [str(refund["amount"]) for refund in second["refunds"]] == ["5.0000"]


def test_a_draft_takes_dates_of_two_columns_in_two_formats(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "Bestellnr;Bestelldatum;Versandt am;Artikel;Menge;Preis\n7;30.10.2026 00:30;31.10.2026;Tee;2;1,50\n"
    )
    assert load_mapping_text(draft_mapping(tmp_path / "a.csv"), tmp_path).dates == ("%d.%m.%Y %H:%M", "%d.%m.%Y")


def load_mapping_text(text: str, folder: Path) -> Mapping:
    (folder / "draft.yaml").write_text(text)
    return load_mapping(str(folder / "draft.yaml"))


def test_a_draft_needs_a_table(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="a mapping is for a table"):
        draft_mapping(write_lines(tmp_path / "a.jsonl", complete_row(1)))


def test_a_mapping_in_the_working_folder_may_be_named_like_a_file(tmp_path: Path) -> None:
    (tmp_path / "draft.yaml").write_text(draft_mapping(SUPERSTORE_EU))
    assert load_mapping(str(tmp_path / "draft.yaml")).dates == ("%d/%m/%Y",)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json.gz", "a.ndjson"])
def test_a_file_that_is_no_json_is_told_so_with_its_first_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    text = b'\n \n<html>not found</html>\n{"_id": 1}\n'
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    error = check_file(path, ImportOptions()).error or ""
    assert error.startswith(f"{path} is no JSON, which its name says: line 3 is '<html>not found</html>'")
    assert "mapping" not in error


def test_of_many_rejected_rows_a_check_says_how_many_it_leaves_out(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", complete_row(1), *({"order": number} for number in range(15)))
    assert "\n  and 12 more\n" in checked_text(check_file(path, ImportOptions()))


def test_a_check_says_what_the_report_of_the_import_will_and_says_it_last() -> None:
    file = Path(__file__).parents[1] / "data" / "shops" / "shopify.csv"
    text = checked_text(check_file(file, ImportOptions(), "USD", lambda _: True))
    last = text[text.index("5 rows made of 6 lines") :]
    for sentence in (
        "orders from 2024-01-08 to 2024-01-10",
        "orders in another currency than the shop's, USD: 5 in EUR",
        "`ecommerce shop --currency EUR` makes EUR the shop's",
        "statuses: Shipped 3, Returned 1, Cancelled 1",
        "2 orders have refunds",
    ):
        assert sentence in last
    assert "another currency" not in checked_text(check_file(file, ImportOptions(), "EUR", lambda _: True))
    assert "total_amount: 113.05," in text
    assert len(text.splitlines()) < 35
    assert not re.search(r"\d{15}", text), "ids that were made of texts say nothing to anybody"


def test_a_check_names_unknown_statuses_and_ids_of_orders_that_have_their_own(tmp_path: Path) -> None:
    own = 3_373_953_456_064_556_179
    path = write_lines(tmp_path / "a.jsonl", complete_row(own, delivery={"status": "in Prüfung"}))
    text = checked_text(check_file(path, ImportOptions()))
    known = "docs/import.md has those that are known"
    assert f"statuses that are not known and count as under way, their money, too: 'in Prüfung' (1); {known}" in text
    assert f"_id: {own}" in text
