"""Which files there are to import, and in which order: the catalog before the orders that refer to it."""

from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path

from ecommerce.documents.catalog import CATALOG
from ecommerce.errors import InputError
from ecommerce.importing.formats.registry import SUFFIXES
from ecommerce.importing.shape import Shape

COMPRESSED = (".gz", ".zst")
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
        yield from (p for p in sorted(path.rglob("*")) if _importable(p, path))
    elif has_magic(str(path)):
        for match in sorted(glob(str(path), recursive=True)):  # noqa: PTH207 - Path.glob takes no absolute pattern
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
    return name.endswith(SUFFIXES)


def import_order(shape: Shape | None) -> int:
    """Where a file of this shape comes: catalog tables, then orders and order lines, then what is joined to them."""
    if shape is None or shape.table is not None:
        return len(CATALOG) + 1
    return _CATALOG_ORDER.get(shape.rows, len(CATALOG))
