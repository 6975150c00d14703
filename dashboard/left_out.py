"""What of a link is left out of the view that it opens, for people: figures without it look as if they were with it."""

from urllib.parse import parse_qsl

from dashboard.spans import DEFAULT_PRESET
from dashboard.state import PAGES, View, date_of
from dashboard.text import shortened

NAMED_MAX = 8
LENGTH_MAX = 40
SAID_OF_PAGES = {
    "orders": frozenset({"order", "search", "state", "product", "customer", "sort"}),
    "trends": frozenset({"measure", "by"}),
}
SILENT = frozenset({"theme", "tv", "after", "before", "archive"})
"""Looks, and places in a list."""


def left_out(query: str, view: View) -> list[str]:
    """The parts of a link that its view does not obey, as name and value. Those that have no value ask for nothing."""
    try:
        asked = parse_qsl(query.removeprefix("?"), max_num_fields=1_000, errors="replace")
    except ValueError:
        return ["all of its more than 1,000 parts"]
    shown = {*parse_qsl(view.query().removeprefix("?")), ("page", PAGES[0]), ("against", "before")}
    if view.preset == DEFAULT_PRESET:
        shown.add(("span", DEFAULT_PRESET))
    elsewhere = frozenset().union(*(names for page, names in SAID_OF_PAGES.items() if page != view.page))
    return [
        f"{shortened(name, LENGTH_MAX)} {shortened(value, LENGTH_MAX)}"
        for name, value in dict.fromkeys(asked)
        if value.strip() and name not in SILENT | elsewhere and not _is_shown(name, value, view, shown)
    ]


def _is_shown(name: str, value: str, view: View, shown: set[tuple[str, str]]) -> bool:
    if name in ("from", "to"):
        return view.preset is None and date_of(value) in (view.first, view.last)
    text = value.strip()
    number = text.removeprefix("#").lstrip("0") or "0"
    return not shown.isdisjoint({(name, value), (name, text), (name, number)})


def in_words(parts: list[str]) -> str:
    """The parts that were left out, in a sentence."""
    named = parts[:NAMED_MAX] + ([f"{len(parts) - NAMED_MAX} more"] if len(parts) > NAMED_MAX else [])
    names = " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
    return f"{names}: not known here. What is shown is without."
