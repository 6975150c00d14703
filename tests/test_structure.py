"""The layers: cli → flows, dashboard → ecommerce, and never the other way."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("ecommerce", "flows", "dashboard", "cli")
ALLOWED = {
    "ecommerce": {"ecommerce"},
    "flows": {"flows", "ecommerce"},
    "dashboard": {"dashboard", "ecommerce"},
    "cli": {"cli", "flows", "ecommerce"},
}
FOREIGN = {"ecommerce": {"prefect", "panel", "hvplot", "holoviews", "bokeh", "typer"}}


def imported_packages(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        imported = set(imported_packages(path))
        assert imported & set(PACKAGES) <= ALLOWED[package], path
        assert not imported & FOREIGN.get(package, set()), path
