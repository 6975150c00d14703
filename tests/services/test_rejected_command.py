"""`ecommerce rejected`: what was not taken in, why, and its text for a correction."""

import json
from pathlib import Path

import pytest

from ecommerce.errors import InputError
from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.loading.rejected_rows import count_rejected, dismiss, of_earlier_files
from ecommerce.mongo import REJECTED_ROWS, MongoDatabase
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
    assert "all of 5 rows shown" in said
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

    # What was corrected in another file is taken out on request; nothing but what was shown goes.
    refused = ecommerce(settings, "rejected", flat.name, "--dismiss")
    assert (refused.returncode, "--yes says yes" in refused.stderr) == (2, True)
    gone = ecommerce(settings, "rejected", flat.name, "--dismiss", "--yes", "--json")
    assert json.loads(gone.stdout)["dismissed"] == len(rows)
    assert database[REJECTED_ROWS].count_documents({}) == 3
    again = ecommerce(settings, "rejected", flat.name, "--dismiss", "--yes")
    assert (again.returncode, again.stdout) == (0, "0 rows taken out of `rejected_rows`\n")


def test_the_rows_of_a_file_that_was_corrected_under_its_name(
    settings: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "orders.jsonl", complete_row(1), {"order": 2}, {"order": 3})
    other = write_lines(tmp_path / "other.jsonl", complete_row(4), {"order": 5})
    assert not [
        note for note in import_paths(database, [path, other], options=ANY_SHARE).files[0].notes if "still" in note
    ]
    write_lines(path, complete_row(1), complete_row(2), {"order": 3.5})
    [corrected] = import_paths(database, [path], options=ANY_SHARE).files
    assert (corrected.unchanged, corrected.accepted, corrected.rejected) == (1, 1, 1)
    [note] = [note for note in corrected.notes if "still rejected" in note]
    assert note.startswith("2 rows are still rejected of an earlier file of this name")
    assert "`ecommerce rejected orders.jsonl --earlier --dismiss`" in note

    earlier = json.loads(ecommerce(settings, "rejected", "--earlier", "--json").stdout)
    assert [(row["file"], row["line"]) for row in earlier["rows"]] == [(str(path), 2), (str(path), 3)]
    done = ecommerce(settings, "rejected", "--earlier", "--dismiss", "--yes")
    assert (done.returncode, done.stdout) == (0, "2 rows taken out of `rejected_rows`\n")
    kept = [(row["file"], row["line"]) for row in database[REJECTED_ROWS].find()]
    assert sorted(kept) == [(str(path), 3), (str(other), 2)]
    assert not [note for note in import_paths(database, [path], options=ANY_SHARE).files[0].notes if "still" in note]


def test_a_file_that_failed_replaces_none(database: MongoDatabase, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "orders.jsonl", complete_row(1), {"order": 2})
    import_paths(database, [path], options=ANY_SHARE)
    path.write_text("a,b,c\n1,2,3\n")
    assert import_paths(database, [path]).failed
    assert count_rejected(database, of_earlier_files(database, {})) == []


def test_rows_that_changed_after_they_were_shown_are_not_taken_out(database: MongoDatabase, tmp_path: Path) -> None:
    import_paths(database, [write_lines(tmp_path / "a.jsonl", complete_row(1), {"order": 2})], options=ANY_SHARE)
    shown = count_rejected(database, {})
    import_paths(database, [write_lines(tmp_path / "b.jsonl", complete_row(3), {"order": 4})], options=ANY_SHARE)
    with pytest.raises(InputError, match="changed meanwhile"):
        dismiss(database, {}, shown)
    assert database[REJECTED_ROWS].count_documents({}) == 2


def test_rows_of_two_files_are_no_one_file(settings: Settings, two_files: tuple[Path, Path]) -> None:
    both = ecommerce(settings, "rejected", "--text")
    assert (both.returncode, "name one file" in both.stderr) == (2, True)
