"""Which files there are to import, and in which order: the catalog before the orders that refer to it."""

import re
from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path

from ecommerce.documents.catalog import CATALOG
from ecommerce.errors import InputError
from ecommerce.importing.formats.format import LOOK_BYTES
from ecommerce.importing.formats.registry import SUFFIXES
from ecommerce.importing.shape import Shape

COMPRESSED = (".gz", ".zst")
REPORT_SUFFIX, REPORT_TABS = ".txt", 3
"""A .txt whose first line has that many tabs is a table: Amazon's reports. Any other is somebody's notes."""

DONE, FAILED = "done", "failed"
"""Folders of an inbox, for files that are through."""

_CATALOG_ORDER = {table.name: index for index, table in enumerate(CATALOG)}


def find_files(paths: Iterable[str | Path]) -> list[Path]:
    """The files that the paths name: files as they are, of folders and globs those with a known suffix.

    Raises InputError for a path that names nothing.
    """
    found: dict[Path, None] = {}
    for path in paths:
        matches = list(_matches(Path(path)))
        if not matches:
            kinds = ", ".join(SUFFIXES)
            raise InputError(f"{path}: no such file, or no files to import in it ({kinds}, also with .gz or .zst)")
        found.update(dict.fromkeys(matches))
    return list(found)


def _matches(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from (p for p in sorted(path.rglob("*"), key=natural) if _importable(p, path))
    elif has_magic(str(path)):
        for match in sorted(glob(str(path), recursive=True), key=natural):  # noqa: PTH207 - Path.glob takes no absolute pattern
            yield from (Path(match),) if Path(match).is_file() else _matches(Path(match))


def _importable(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    hidden = any(part.startswith(".") for part in parts)
    return path.is_file() and not hidden and parts[0] not in (DONE, FAILED) and known_suffix(path)


def known_suffix(path: Path) -> bool:
    """Whether the name is that of a file to import."""
    name = path.name.lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    return name.endswith(SUFFIXES) or (name.endswith(REPORT_SUFFIX) and _begins_with_tabs(path))


def _begins_with_tabs(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.readline(LOOK_BYTES).count(b"\t") >= REPORT_TABS
    except OSError:
        return False


def natural(path: Path | str) -> list[tuple[bool, int, str]]:
    """A key that sorts `orders (2).csv` before `orders (10).csv`."""
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", str(path))]


def import_order(shape: Shape | None) -> int:
    """Where a file of this shape comes: catalog tables, then orders and order lines, then what is joined to them."""
    if shape is None or shape.table is not None:
        return len(CATALOG) + 1
    return _CATALOG_ORDER.get(shape.rows, len(CATALOG))
