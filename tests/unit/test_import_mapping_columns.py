"""Which columns the shipped mappings need: the page says it, and so does the refusal of a file that lacks some."""

from pathlib import Path

import pytest

from ecommerce.importing.check_file import check_file
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.order_lines.mapping import Mapping
from ecommerce.importing.order_lines.mappings import load_mapping, mapping_for, nearest_mapping, shipped_mappings
from tests.compose.compose_file import REPOSITORY

SHIPPED = shipped_mappings()


def columns_table() -> str:
    """The table of docs/mappings.md."""
    rows = ["| mapping | needs | takes, too, where it is there |", "| --- | --- | --- |"]
    for mapping in SHIPPED:
        for table in (None, *mapping.tables):
            needed = mapping.columns(table)
            prefix = f"{table}." if table else ""
            own = {
                name.removeprefix(prefix)
                for name in mapping.all_columns
                if (name.startswith(prefix) if table else name.partition(".")[0] not in mapping.tables)
            }
            choices = [] if table else [f"one of {', '.join(f'`{name}`' for name in one)}" for one in mapping.choices]
            own -= {name for choice in mapping.choices for name in choice}
            texts = [", ".join(f"`{name}`" for name in sorted(names)) for names in (needed, own - needed)]
            rows.append(
                f"| `{mapping.name}`{f', {table}' if table else ''} | {', '.join([texts[0], *choices])} | {texts[1]} |"
            )
    return "\n".join(rows)


def test_the_page_has_the_columns_of_each() -> None:
    assert columns_table() in (REPOSITORY / "docs" / "mappings.md").read_text()


@pytest.mark.parametrize("mapping", SHIPPED, ids=lambda mapping: mapping.name)
def test_a_file_that_lacks_a_column_is_refused_with_its_name(tmp_path: Path, mapping: Mapping) -> None:
    first, *others = sorted(mapping.columns())
    (tmp_path / "a.csv").write_text("\n".join([",".join(others), ",".join("1" for _ in others)]) + "\n")
    error = check_file(tmp_path / "a.csv", ImportOptions()).error or ""
    assert f"nearest: {mapping.name}, which needs also `{first}`" in error


def test_of_columns_that_stand_for_each_other_one_is_needed(tmp_path: Path) -> None:
    woocommerce = load_mapping("woocommerce")
    columns = ",".join(sorted(woocommerce.columns()))
    (tmp_path / "a.csv").write_text(f"{columns}\n")
    error = check_file(tmp_path / "a.csv", ImportOptions()).error or ""
    assert "nearest: woocommerce, which needs also `Quantity` or `Quantity (- Refund)`" in error
    error = check_file(tmp_path / "a.csv", ImportOptions(mapping="woocommerce")).error or ""
    assert "needs the columns Quantity or Quantity (- Refund), which are not there" in error
    assert mapping_for([*woocommerce.columns(), "Quantity"], None) == (woocommerce, None)


def test_columns_of_anything_else_are_near_to_none() -> None:
    assert nearest_mapping(["name", "birthday", "city", "id"]) is None
