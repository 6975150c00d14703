"""Bad input: nothing of it reaches `orders`, every row of it is kept with its reason, and nothing crashes."""

import gzip
import json
import random
import re
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecommerce.documents.validator import order_validator
from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.reasons import REASONS
from ecommerce.mongo import IMPORTS, ORDERS, REJECTED_ROWS, MongoDatabase
from tests.import_corpus import bad_files, bad_rows
from tests.import_samples import complete_row, raw_orders, write_lines
from tests.runbook import row_of

ANY_SHARE = ImportOptions(max_rejected_share=1.0)


def stored_orders_are_valid(database: MongoDatabase) -> bool:
    """Whether every stored order passes the server's own validator, which ingest does not ask again."""
    return database[ORDERS].count_documents({"$nor": [order_validator()]}) == 0


@pytest.fixture(scope="module")
def rows() -> list[bytes]:
    return bad_rows()


def test_the_corpus_has_at_least_300_rows(rows: list[bytes]) -> None:
    assert len(set(rows)) >= 300


def test_no_bad_row_becomes_an_order(database: MongoDatabase, tmp_path: Path, rows: list[bytes]) -> None:
    goods = [json.dumps(complete_row(n)).encode() for n in range(10, 10 + len(rows))]
    between = [line for pair in zip(goods, rows, strict=True) for line in pair]
    report = import_paths(database, [write_lines(tmp_path / "a.jsonl", *between)], options=ANY_SHARE)
    assert (report.read, report.accepted, report.rejected) == (2 * len(rows), len(rows), len(rows))
    assert sorted(raw_orders(database)) == list(range(10, 10 + len(rows)))
    kept = list(database[REJECTED_ROWS].find().sort("line"))
    assert [row["line"] for row in kept] == list(range(2, 2 * len(rows) + 1, 2))
    assert {row["code"] for row in kept} <= REASONS.keys()
    assert all(row["reason"] for row in kept)
    raw = [row["raw"].encode() if isinstance(row["raw"], str) else bytes(row["raw"]) for row in kept]
    assert raw == [line.rstrip(b"\r\n") for line in rows]


def test_no_bad_row_of_an_array_becomes_an_order(database: MongoDatabase, tmp_path: Path, rows: list[bytes]) -> None:
    parseable = list(filter(_is_object, rows))
    goods = [json.dumps(complete_row(n)).encode() for n in range(10, 10 + len(parseable))]
    between = [line for pair in zip(goods, parseable, strict=True) for line in pair]
    (tmp_path / "a.json").write_bytes(b"[" + b",\n".join(between) + b"]")
    report = import_paths(database, [tmp_path / "a.json"], options=ANY_SHARE)
    assert (report.accepted, report.rejected) == (len(parseable), len(parseable))
    assert sorted(raw_orders(database)) == list(range(10, 10 + len(parseable)))


def _is_object(row: bytes) -> bool:
    try:
        # Rows that JSON text says in a way of its own, such as a key twice, would be other rows afterwards.
        return isinstance(json.loads(row), dict) and json.dumps(json.loads(row)).encode() == row
    except (ValueError, RecursionError):
        return False


def test_no_bad_cell_becomes_an_order(database: MongoDatabase, tmp_path: Path, rows: list[bytes]) -> None:
    def record(row: dict[str, Any]) -> str:
        cells = (json.dumps(row.get(name)).replace('"', '""') for name in ("order", "order_items", "delivery"))
        return ",".join(f'"{cell}"' for cell in cells)

    own_cells = {"order", "order_items", "delivery"}
    bad = [record(row) for row in map(json.loads, filter(_is_object, rows)) if row.keys() == own_cells]
    bad += ["", '"', '""', "a,b", "a,b,c,d", ",,", 'x"y,1,2', '"x"y,1,2', "{},[],{}", "NaN,NaN,NaN", "=1+1,=1+1,@x"][1:]
    goods = [record(complete_row(n)) for n in range(10, 10 + len(bad))]
    lines = [line for pair in zip(goods, bad, strict=True) for line in pair]
    (tmp_path / "a.csv").write_text("order,order_items,delivery\n" + "\n".join(lines) + "\n")
    report = import_paths(database, [tmp_path / "a.csv"], options=ANY_SHARE)
    assert report.files[0].balanced
    assert report.rejected >= len(bad) - 2  # two of them are blank, and no records
    assert sorted(raw_orders(database)) == list(range(10, 10 + len(bad)))


def test_no_bad_file_does_harm(database: MongoDatabase, tmp_path: Path) -> None:
    files = bad_files(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = import_paths(database, list(files.values()), options=ANY_SHARE)
    assert {file.path.name for file in report.files} == files.keys()
    assert all(file.balanced for file in report.files)
    assert [file for file in report.failed if not (file.error or "").startswith((str(file.path), file.path.name))] == []
    nothing_wrong = {"header-only.csv", "utf16.csv", "empty.json", "blank.json"}  # the second is but a header, too
    silent = {file.path.name for file in report.files if not file.error and not file.rejected}
    assert silent == nothing_wrong
    assert report.accepted == report.changed == 0
    assert database[ORDERS].count_documents({}) == 0
    assert database[IMPORTS].count_documents({"state": "running"}) == 0
    # 50 MB rows and bombs of 400 MB pass through, and are not held: a few copies of the largest row are.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250_000


def _damaged(seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    rows = [json.dumps(complete_row(n, location='Łódź, "{[')).encode() for n in range(1, 9)]
    layouts = [
        b"\n".join(rows),
        b"[" + b",".join(rows) + b"]",
        json.dumps([json.loads(r) for r in rows], indent=1).encode(),
    ]
    noise = [
        b"\0",
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b"\n",
        b"\xff",
        b"\\",
        b"$",
        b"9",
        b"-",
        b"e",
        b":",
        b"null",
        b"\r",
    ]
    while True:
        content = bytearray(chance.choice(layouts))
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(content))
            match chance.randint(0, 3):
                case 0:
                    content[at : at + 1] = chance.choice(noise)
                case 1:
                    content[at:at] = chance.choice(noise) * chance.randint(1, 4)
                case 2:
                    del content[at : at + chance.randint(1, 40)]
                case _:
                    start = chance.randrange(len(content))
                    content[at:at] = content[start : start + chance.randint(1, 200)]
        yield bytes(content)


def test_damaged_files_never_crash_and_always_add_up(database: MongoDatabase, tmp_path: Path) -> None:
    stream = _damaged(20261122)
    for number in range(100):
        content = next(stream)
        path = tmp_path / f"{number}.json"
        path.write_bytes(content)
        report = import_paths(database, [path], options=ANY_SHARE)
        assert all(file.balanced for file in report.files), content
        assert database[REJECTED_ROWS].count_documents({"file": str(path)}) == report.rejected, content
    assert stored_orders_are_valid(database)


def test_a_file_of_which_too_much_is_rejected_is_stopped(database: MongoDatabase, tmp_path: Path) -> None:
    rows = [complete_row(n) if n % 2 else {"order": n} for n in range(3000)]
    report = import_paths(database, [write_lines(tmp_path / "a.jsonl", *rows)])
    error = report.files[0].error or ""
    assert error.startswith("a.jsonl: 1,500 of the first 3,000 rows were rejected (not_an_object 1,500), more than 25%")
    assert error.endswith("What was accepted of it stays: when it is imported again those rows are unchanged")
    assert row_of(error) == "…rejected (…), more than …; correct the file, …"
    assert report.files[0].balanced
    assert database[IMPORTS].count_documents({"state": "failed", "rejected": 1500}) == 1


ROWS = 12_000
"""Of several chunks."""

HALF_ARE_BAD = [complete_row(n) if n % 2 else {"order": n} for n in range(ROWS)]
FLAT = Path(__file__).parents[1] / "data" / "cases" / "12-superstore-day-first" / "superstore_eu.csv"


def half_bad_file(folder: Path, name: str) -> Path:
    """A file of ROWS rows or orders of which each second one is rejected."""
    lines = [json.dumps(row) for row in HALF_ARE_BAD]
    if name == "flat.csv":
        header, first, *_ = FLAT.read_text().splitlines()
        at, quantity = header.split(",").index("Order ID"), header.split(",").index("Quantity")
        cells = first.replace("03/04/2018", "23/04/2018").replace("05/04/2018", "25/04/2018").split(",")
        lines = [header]
        for number in range(ROWS):
            changed = {at: f"EU-{number:05}", quantity: "2" if number % 2 else "many"}
            lines.append(",".join(changed.get(place, cell) for place, cell in enumerate(cells)))
    text = f"[{','.join(lines)}]" if name == "a.json" else "\n".join(lines) + "\n"
    (folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return folder / name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.jsonl", r"; not imported: ([\d,]+) lines, from line ([\d,]+) on; correct"),
        ("a.jsonl.gz", r"; not imported: ([\d,]+) lines, from line ([\d,]+) on; correct"),
        ("a.json", r"; not imported: ([\d,]+) rows, from line (1) on; correct"),
        ("flat.csv", r"; not imported: ([\d,]+) orders more of it(); correct"),
    ],
)
def test_a_stopped_file_says_how_much_was_not_imported_and_goes_on(
    database: MongoDatabase, tmp_path: Path, name: str, says: str
) -> None:
    path = half_bad_file(tmp_path, name)
    (stopped,) = import_paths(database, [path]).failed
    found = re.search(says, stopped.error or "")
    assert found, stopped.error
    left = int(found[1].replace(",", ""))
    assert (stopped.read + left, 0 < stopped.read < ROWS) == (ROWS, True)
    if name.startswith("a.jsonl"):
        assert int(found[2].replace(",", "")) == stopped.read + 1
    (again,) = import_paths(database, [path], options=ANY_SHARE).files
    assert (again.read, again.rejected, again.unchanged, again.error) == (ROWS, ROWS // 2, stopped.accepted, None)


def test_what_was_read_of_a_file_before_it_is_cut_off_comes_in(database: MongoDatabase, tmp_path: Path) -> None:
    rows = "".join(f"{json.dumps(complete_row(n))}\n" for n in range(1, 6001))
    path = tmp_path / "cut.jsonl.gz"
    packed = gzip.compress(rows.encode())
    path.write_bytes(packed[: len(packed) * 3 // 4])
    (cut,) = import_paths(database, [path]).failed
    assert row_of(cut.error or "") == "… is cut off: its compressed data ends in the middle"
    found = re.search(r"; not imported: what it has from line ([\d,]+) on\. What was accepted", cut.error or "")
    assert found, cut.error
    assert int(found[1].replace(",", "")) == cut.accepted + 1 > 1000
    assert len(raw_orders(database)) == cut.accepted
    path.write_bytes(packed)
    (whole,) = import_paths(database, [path]).files
    assert (whole.unchanged, whole.accepted) == (cut.accepted, 6000 - cut.accepted)
    path.write_bytes(packed[:100])
    (nothing,) = import_paths(database, [path]).failed
    assert (nothing.read, "nothing of it was imported" in (nothing.error or "")) == (0, True)
