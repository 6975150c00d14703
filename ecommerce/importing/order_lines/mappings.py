"""Mappings by their names and paths, and the one that fits the columns of a file."""

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import ValidationError

from ecommerce.errors import InputError
from ecommerce.importing.order_lines.mapping import Mapping

_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""In C where PyYAML has it: reading all shipped mappings in Python took 0.3 s, which each import of lines paid."""

SHIPPED = Path(str(files("ecommerce"))) / "mappings"


@lru_cache(maxsize=64)
def load_mapping(name: str) -> Mapping:
    """A mapping by the name of a shipped one or by its path. Raises InputError that says what is wrong with it."""
    path = SHIPPED / f"{name}.yaml" if is_shipped(name) else Path(name)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise InputError(f"no mapping {name!r}: give the path of one, or one of {_names_of_shipped()}") from None
    try:
        content = yaml.load(text, _LOADER)  # noqa: S506 - either is a safe one
        if not isinstance(content, dict):
            raise InputError(f"{path}: a mapping has `order:`, `item:` and `delivery:`")
        return Mapping.model_validate({"name": path.stem, **content})
    except yaml.YAMLError as error:
        # Its text is several lines, with a picture of the place.
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else str(error).splitlines()[0]
        raise InputError(f"{path} is not YAML: {where}{problem}") from None
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise InputError(f"{path}: {problems}") from None


def is_shipped(name: str) -> bool:
    """Whether it is the name of a mapping that comes with the project, and no path."""
    return "/" not in name and not name.endswith((".yaml", ".yml"))


def _names_of_shipped() -> str:
    return ", ".join(sorted(path.stem for path in SHIPPED.glob("*.yaml")))


def text_of_shipped(name: str) -> str:
    """A shipped mapping as YAML, to be copied and changed: by its namespace, a copy's orders stay the same ones."""
    path = SHIPPED / f"{name}.yaml"
    if not is_shipped(name) or not path.is_file():
        raise InputError(f"no shipped mapping {name!r}: one of {_names_of_shipped()}")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    begin = next(at for at, line in enumerate(lines) if line.strip() and not line.startswith("#"))
    return "".join((*lines[:begin], f"namespace: {load_mapping(name).namespace or name}\n", *lines[begin:]))


def shipped_mappings() -> list[Mapping]:
    """The mappings that come with the project."""
    return [load_mapping(path.stem) for path in sorted(SHIPPED.glob("*.yaml"))]


def nearest_mapping(columns: Iterable[str]) -> tuple[Mapping, list[tuple[str, ...]]] | None:
    """The shipped mapping that lacks the smallest share of its columns, half of them at most, and what it lacks."""
    names = set(columns)
    lacking = [(mapping, mapping.missing(names)) for mapping in shipped_mappings()]
    mapping, missing = min(lacking, key=lambda one: len(one[1]) / len(one[0].columns()))
    return (mapping, missing) if 2 * len(missing) <= len(mapping.columns()) else None


def mapping_for(columns: Iterable[str], wanted: str | None) -> tuple[Mapping, str | None] | None:
    """The mapping whose lines have these columns, and the joined table that they are of, if so.

    Of several, the one that uses most of the columns. With `wanted` only that mapping is looked at.
    """
    names = set(columns)
    best: tuple[int, Mapping, str | None] | None = None
    for mapping in [load_mapping(wanted)] if wanted else shipped_mappings():
        for table in (None, *mapping.tables):
            needed = mapping.columns(table)
            if not mapping.missing(names, table) and (best is None or len(needed) > best[0]):
                best = (len(needed), mapping, table)
    return (best[1], best[2]) if best else None
