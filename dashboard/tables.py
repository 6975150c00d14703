"""Tables as the board draws them."""

import json
from collections.abc import Sequence
from typing import Any

Content = dict[str, Any]


def column(name: str, *, number: bool = False, wide: bool = False) -> Content:
    """A column: of numbers, or `wide` with text that goes on over several lines."""
    return {"name": name, "number": number, "wide": wide}


def table(  # noqa: PLR0913 - what a table shows
    title: str,
    note: str,
    columns: list[Content],
    rows: list[Content],
    empty: str,
    *,
    csv: bool = True,
    scrolls: bool = False,
) -> str:
    """A table as JSON; `empty` is said where there are no rows. Without a title nothing is drawn.

    One that `scrolls` is no higher than its neighbours, however many rows it has.
    """
    content = {"title": title, "note": note, "columns": columns, "rows": rows, "csv": csv and bool(rows)}
    content |= {"scrolls": True} if scrolls else {}
    return json.dumps(content | {"empty": "" if rows else empty}, ensure_ascii=False)


def head(title: str, subtitle: str, rows: Sequence[Content] = ()) -> str:
    """The head of a page as JSON: what it is, with links or headlines."""
    return json.dumps({"title": title, "subtitle": subtitle, "rows": rows}, ensure_ascii=False)


NO_TABLE = table("", "", [], [], "", csv=False)
"""Nothing is drawn."""
