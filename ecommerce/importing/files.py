"""Which files there are to import, and in which order: the catalog before the orders that refer to it."""

import re
from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path

from ecommerce.documents.catalog import CATALOG
from ecommerce.errors import InputError
from ecommerce.importing.formats.format import LOOK_BYTES
from ecommerce.importing.formats.registry import SUFFIXES
from ecommerce.importing.left_out import LeftOut, left_out_text, why_not_read
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
        matches = [match for match, why in _matches(Path(path)) if not why]
        if not matches:
            raise InputError(f"{path}: {_why_nothing(Path(path))}")
        found.update(dict.fromkeys(matches))
    return list(found)


def _why_nothing(path: Path) -> str:
    if left := left_out_text(LeftOut(match.name, why) for match, why in _matches(path)):
        return f"nothing to import: {left}"
    kinds = ", ".join(SUFFIXES)
    return f"no such file, or no files to import in it ({kinds}, also with .gz or .zst)"


def left_beside(paths: Iterable[str | Path]) -> list[LeftOut]:
    """What folders and globs name beside files: what cannot be read, and is not imported. Other names are no files."""
    return [LeftOut(str(match), why) for path in paths for match, why in _matches(Path(path)) if why]


def _matches(path: Path) -> Iterator[tuple[Path, str]]:
    """What a path names: files to import, and with the reason what is none. A file's own import says what it lacks."""
    if _is_file(path):
        yield path, ""
        return
    try:
        why = why_not_read(path)
    except FileNotFoundError:
        if has_magic(str(path)):
            for match in sorted(glob(str(path), recursive=True), key=natural):  # noqa: PTH207 - Path.glob takes no absolute pattern
                yield from _matches(Path(match))
        return
    if why:
        yield path, why
    else:
        yield from sorted(_in_folder(path, path), key=lambda found: natural(found[0]))


def _in_folder(folder: Path, root: Path) -> Iterator[tuple[Path, str]]:
    for path in folder.iterdir():
        if path.name.startswith(".") or (folder == root and path.name in (DONE, FAILED)):
            continue
        if _is_file(path):
            if known_suffix(path):
                yield path, ""
            continue
        try:
            why = why_not_read(path)
        except FileNotFoundError:
            continue
        if not why and path.is_symlink():
            why = "a link to a folder, which is not followed: name that folder, too"
        if why:
            yield path, why
        else:
            yield from _in_folder(path, root)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder that may not be searched
        return False


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
