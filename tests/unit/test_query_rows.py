"""How `ecommerce query` prints rows: as a table where it fits, else each as a block."""

import io

import pytest
from rich.console import Console

from cli.query import print_rows

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
