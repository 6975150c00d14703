"""How `ecommerce query` prints rows, as a table where it fits, else as blocks, and writes them to a file, whole."""

import io
import json
import os
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from cli.customer_orders import plain
from cli.json_output import print_json
from cli.query import WRITERS, print_rows, query
from ecommerce.query import Answer

MANY = [(f"column_{number}", number % 2 == 0) for number in range(20)]
ROWS = [[f"value {number} of {row}" for number in range(20)] for row in range(3)]


def printed(columns: list[tuple[str, bool]], rows: list[list[str]], width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    print_rows(console, columns, rows)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    return lines


def test_rows_that_do_not_fit_are_blocks_of_a_line_for_each_column() -> None:
    lines = printed(MANY, ROWS, 80)
    assert len(lines) == 3 * 21
    assert [line.split()[:2] for line in lines[::21]] == [["row", "1"], ["row", "2"], ["row", "3"]]
    block = [line.split(maxsplit=1) for line in lines[22:42]]
    assert [(name, value.rstrip()) for name, value in block] == [
        (f"column_{number}", f"value {number} of 1") for number in range(20)
    ]


@pytest.mark.parametrize("width", [40, 80, 600])
def test_rows_that_fit_are_a_table(width: int) -> None:
    lines = printed([("status", False), ("count", True)], [["Delivered", "12"], ["[red]Open", "3"]], width)
    assert len(lines) == 6
    assert "status" in lines[1] and "count" in lines[1]
    assert "[red]Open" in lines[4]


def test_a_wide_table_is_one_where_there_is_room() -> None:
    assert len(printed(MANY, ROWS, 600)) == 7


def test_long_values_and_names_go_on_below_themselves() -> None:
    lines = printed([("n" * 60, False), ("text", False)], [["x" * 50, "a word " * 30]], 40)
    names, values = ([line[place].strip() for line in lines[1:]] for place in (slice(20), slice(22, 40)))
    assert "".join(names) == "n" * 60 + "text"
    assert "".join(values[:3]) == "x" * 50
    assert " ".join(values[3:]).split() == ["a", "word"] * 30


def test_no_rows_are_the_heads_alone() -> None:
    assert len(printed([("status", False), ("count", True)], [], 80)) == 4
    said = " ".join(printed(MANY, [], 80)).split()
    assert " ".join(said) == f"no rows; columns: {', '.join(name for name, _ in MANY)}"


Format = Literal["csv", "json", "parquet"]
FORMATS: tuple[Format, ...] = ("csv", "json", "parquet")


def answered(monkeypatch: pytest.MonkeyPatch, error: BaseException | None = None) -> None:
    """Every question has 2 rows for an answer, or 1 before an error."""
    schema = pa.schema([("number", pa.int64())])

    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch([[1]], schema=schema)
        if error is not None:
            raise error
        yield pa.record_batch([[2]], schema=schema)

    monkeypatch.setattr("cli.query.services", lambda **_: nullcontext())
    monkeypatch.setattr(
        "ecommerce.query.ask", lambda *_, **__: nullcontext(Answer(datetime.now(UTC), schema, batches()))
    )


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_answer_that_breaks_off_leaves_the_file_of_before(
    output_format: Format, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(monkeypatch, error)
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("of yesterday")
    for file in (old, new):
        with pytest.raises((KeyboardInterrupt, Exception), match=r"No space|^$"):
            query("SELECT 1", output_format, file)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert old.read_text() == "of yesterday"


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_whole_answer_takes_the_place_of_the_file_with_its_link_and_its_rights(
    output_format: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(monkeypatch)
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("of yesterday")
    file.chmod(0o600)
    link.symlink_to(file)
    query("SELECT 1", output_format, link)
    if output_format == "parquet":
        assert pq.read_table(file)["number"].to_pylist() == [1, 2]
    else:
        assert (
            file.read_text()
            == {"csv": "number\n1\n2\n", "json": '[\n{"number": 1},\n{"number": 2}\n]\n'}[output_format]
        )
    assert file.stat().st_mode & 0o777 == 0o600
    assert link.is_symlink() and len([*tmp_path.iterdir()]) == 2


def test_a_pipe_and_an_open_file_are_written_directly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()
    answered(monkeypatch)
    query("SELECT 1", "csv", pipe)
    reader.join(10)
    assert heard == ["number\n1\n2\n"]
    with (tmp_path / "shell").open("w+") as shell:
        answered(monkeypatch)
        query("SELECT 1", "csv", Path(f"/proc/self/fd/{shell.fileno()}"))
        assert shell.read() == "number\n1\n2\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pipe", "shell"]


def test_json_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    """A double that somebody wrote with a shell: `order --json` printed NaN, which `jq` and browsers refuse."""
    document = {"discount": float("nan"), "prices": [float("-inf"), 1.5], "order_id": 2**62}
    print_json(plain(document), with_run=False)
    read = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert read == {"discount": "NaN", "prices": ["-Infinity", 1.5], "order_id": 2**62}
    file = io.BytesIO()
    rows = pa.record_batch([[1.5, float("inf")]], names=["rate"])
    WRITERS["json"](Answer(datetime.now(UTC), rows.schema, iter([rows])), file)
    assert json.loads(file.getvalue(), parse_constant=pytest.fail) == [{"rate": 1.5}, {"rate": "Infinity"}]
