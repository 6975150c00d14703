"""The layers: cli → flows, dashboard → ecommerce, and inside of it downwards only, never the other way."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("ecommerce", "flows", "dashboard", "cli")
ALLOWED = {
    "ecommerce": {"ecommerce"},
    "flows": {"flows", "ecommerce"},
    "dashboard": {"dashboard", "ecommerce"},
    "cli": {"cli", "flows", "ecommerce"},
}
FOREIGN = {"ecommerce": {"prefect", "panel", "hvplot", "holoviews", "bokeh", "typer"}}

LAYERS: dict[str, tuple[set[str], ...]] = {
    "ecommerce": (
        {"errors", "progress", "sizes", "spreadsheet", "documents", "iso_4217", "quick_process", "readable", "timers"},
        {"hours", "whole_file"},
        {"settings", "jvm", "processes"},
        {"mongo", "jars", "java", "archive_location", "prefect_api"},
        {"gate", "shop"},
        {"schema", "bson_reading", "catalog_names"},
        {"ingest"},
        {"generate", "importing", "summaries"},
        {"archive", "kpis"},
        {"forget", "attention"},
        {"check", "metrics", "order_search", "query", "security"},
        {"change_shop", "upgrade"},
        {"services"},
        {"doctor"},
    ),
    "ecommerce.importing": (
        {"left_out", "naive_times", "reasons", "shape"},
        {"sources"},
        {"formats"},
        {"rows"},
        {"files", "order_lines"},
        {"mentions", "recognise"},
        {"people_in_files"},
        {"loading"},
        {"check_file", "import_files"},
    ),
    "ecommerce.generate": ({"presets"}, {"model"}, {"into_files", "into_mongodb"}, {"first", "live"}, {"request"}),
    "ecommerce.summaries": (
        {"cells"},
        {"changes", "images", "state"},
        {"aside", "buckets", "history", "ranges", "records"},
        {"archived_changes", "checked", "counts"},
        {"compact", "rebuild"},
        {"advance"},
    ),
}
"""What a package consists of, lowest first: a module or folder imports from lower layers and from itself only."""


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        imported = {module.split(".")[0] for module in imported_modules(path)}
        assert imported & set(PACKAGES) <= ALLOWED[package], path
        assert not imported & FOREIGN.get(package, set()), path


@pytest.mark.parametrize("package", LAYERS)
def test_inside_of_a_package_imports_point_downwards(package: str) -> None:
    folder = ROOT.joinpath(*package.split("."))
    rank = {name: rank for rank, names in enumerate(LAYERS[package]) for name in names}
    found = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found - {"__init__"} == rank.keys(), f"{package}: put what is new into its layer of LAYERS"
    upwards = []
    for path in sorted(folder.rglob("*.py")):
        here = path.relative_to(folder).parts[0].removesuffix(".py")
        for module in imported_modules(path):
            there = module.removeprefix(f"{package}.").split(".")[0] if module.startswith(f"{package}.") else here
            if here != there in rank and rank[there] >= rank.get(here, len(rank)):
                upwards.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not upwards
