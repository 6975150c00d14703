"""Ids as people type them."""

ID_MAX = 2**63 - 1
"""The largest int64: a longer number is nobody's id."""


def ids_of(text: str) -> tuple[int, ...]:
    """The id that a text spells; none where it is no number of 64 bits."""
    text = text.strip().removeprefix("#")
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(ID_MAX)):
        return ()
    return (int(text),) if int(text) <= ID_MAX else ()


def spellings_of(text: str) -> tuple[str, ...]:
    """An external id as it was typed, then with or without the number sign: Shopify writes #1001 and people type 1001.

    None of an empty text.
    """
    text = text.strip()
    other = text.removeprefix("#").lstrip() if text.startswith("#") else f"#{text}"
    return tuple(spelling for spelling in (text, other) if spelling.strip("# "))
