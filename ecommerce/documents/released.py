"""The fields of the documents as each version released them: what is stored has them, so they stay what they are.

The definition is `order.py` and `catalog.py`. A field that is new there needs no entry here: it must be optional, comes
after those that were released, and is left out of bytes and hashes where an order does not have it. A release adds the
fields that came since the last one.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from ecommerce.documents.fields import FIRST_RELEASE, LAST, Field, fields_of

RELEASED: tuple[tuple[str, Mapping[str, Mapping[str, str]]], ...] = (("0.1.0", FIRST_RELEASE),)
"""Version → document → field → its kind; `?` where it may be absent, ` or null` where it may hold no value."""


def faults(documents: Iterable[type[Struct]]) -> Iterator[str]:
    """Why these definitions do not fit what is stored already; nothing where they do."""
    found = {document.__name__: fields_of(document) for document in documents}
    for version, released in RELEASED:
        for name, fields in released.items():
            if name in found:
                yield from _broken(version, name, fields, found[name])
    for name, now in found.items():
        known = [field for _, released in RELEASED for field in released.get(name, ())]
        if not known:
            continue
        yield from (
            f"{name}.{field.name} is new and required: stored orders do not have it; give it the default None"
            for field in now
            if field.name not in known and not field.optional
        )
        order = [field.name for field in now if field.name != LAST]
        kept = [name for name in known if name != LAST]
        if order[: len(kept)] != kept:
            yield f"{name}: released fields keep their order, new ones come behind them: {', '.join(order)}"


def _broken(version: str, document: str, released: Mapping[str, str], fields: Iterable[Field]) -> Iterator[str]:
    now = {field.name: described(field) for field in fields}
    for name, was in released.items():
        if name not in now:
            yield f"{document}.{name} is gone: orders of version {version} have it"
        elif now[name] != was:
            yield f"{document}.{name} was {was} in version {version} and is {now[name]}: add another field instead"


def described(field: Field) -> str:
    """A field's kind and whether it may be absent or null, in a word."""
    if field.document is not None:
        kind = f"{field.document.__name__}[]" if field.is_array else field.document.__name__
    else:
        assert field.kind is not None  # noqa: S101 - a field is a scalar or a document
        kind = field.kind.name
    return kind + ("?" if field.optional else " or null" if field.nullable else "")
