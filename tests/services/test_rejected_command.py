"""`ecommerce rejected`: what was not taken in, why, and its text for a correction."""

import json
from pathlib import Path

import pytest

from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.import_samples import complete_row, raw_orders, write_lines
from tests.programs import ecommerce

ANY_SHARE = ImportOptions(max_rejected_share=1.0)
FLAT = Path(__file__).parents[1] / "data" / "cases" / "12-superstore-day-first" / "superstore_eu.csv"


@pytest.fixture
def two_files(settings: Settings, database: MongoDatabase, tmp_path: Path) -> tuple[Path, Path]:
    """A file of JSON Lines with three bad rows, and order lines in CSV of which two orders have no quantity."""
    hostile = b'{"order": "\x1b]0;=cmd\x07[red]'
    lines = write_lines(tmp_path / "orders.jsonl", complete_row(1), {"order": 2}, hostile, {"order": "=1+1"})
    header, first, second, *others = FLAT.read_text().splitlines()
    at = header.split(",").index("Quantity")
    broken = [",".join([*line.split(",")[:at], "", *line.split(",")[at + 1 :]]) for line in (first, second)]
    flat = tmp_path / "flat (1).csv"
    flat.write_text("\n".join([header, *broken, *others]) + "\n")
    for path in (lines, flat):
        import_paths(database, [path], options=ANY_SHARE)
    return lines, flat


def test_files_reasons_and_rows_are_shown(settings: Settings, two_files: tuple[Path, Path]) -> None:
    done = ecommerce(settings, "rejected")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    lines, flat = two_files
    assert f"{lines} not_an_object 2" in said
    assert f"{lines} json_syntax 1" in said
    assert f"{flat} " in said
    assert f"{lines} line 2: not_an_object: " in said
    assert "5 rows shown" in said
    assert "\x1b" not in done.stdout  # a terminal obeys what follows it
    assert "[red]" in done.stdout

    one = ecommerce(settings, "rejected", "orders.jsonl", "--code", "json_syntax", "--json")
    document = json.loads(one.stdout)
    assert document["counts"] == [{"file": str(lines), "code": "json_syntax", "rows": 1}]
    assert [(row["line"], row["text"][:10]) for row in document["rows"]] == [(3, '{"order": ')]

    none = ecommerce(settings, "rejected", "orders.json")
    assert (none.returncode, none.stdout) == (0, "no rejected rows of these files or with this code\n")
    wrong = ecommerce(settings, "rejected", "--code", "bad")
    assert (wrong.returncode, "no such reason code" in wrong.stderr) == (2, True)


def test_the_text_is_corrected_and_imported(
    settings: Settings, database: MongoDatabase, two_files: tuple[Path, Path], tmp_path: Path
) -> None:
    _, flat = two_files
    before = len(raw_orders(database))
    text = ecommerce(settings, "rejected", flat.name, "--text").stdout
    header, *rows = text.splitlines()
    assert header == flat.read_text().splitlines()[0]
    at = header.split(",").index("Quantity")
    corrected = [",".join([*row.split(",")[:at], "2", *row.split(",")[at + 1 :]]) for row in rows]
    (tmp_path / "corrected.csv").write_text("\n".join([header, *corrected]) + "\n")
    report = import_paths(database, [tmp_path / "corrected.csv"])
    assert (report.accepted, report.rejected) == (len(rows), 0)
    assert len(raw_orders(database)) == before + len(rows)

    both = ecommerce(settings, "rejected", "--text")
    assert (both.returncode, "name one file" in both.stderr) == (2, True)
