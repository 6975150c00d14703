"""What a browser shows before any script is there: the frame and the headlines, as plain HTML in the page itself.

Scripts, the socket and the document take a second and more; this is read with the page's first bytes, and the board
takes it away when it has drawn the real ones.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.browser import Browser
from dashboard.state import View
from dashboard.theme import PALETTES

STYLE = Path(__file__).with_name("first_paint.css").read_text(encoding="utf-8")

RECENT = timedelta(seconds=10)
"""Nothing is refreshed while nobody watches: figures from before that are not shown to the first who comes again.

A refresh takes a tenth of a second. With five minutes here, the first viewer after the very first start saw a shop
without orders, with a green dot and a time of a minute ago, as its figures were from before its orders were made.
"""

STALLED = """
<script>window.first_paint_timer = setTimeout(() => {
  const time = document.querySelector("#first-paint header span");
  if (!time) { return; }
  time.setAttribute("role", "alert"); time.className = "stalled";
  time.textContent += " · not connected: figures do not come through. Trying again…";
  setTimeout(() => location.reload(), 10_000);
}, 20_000);</script>"""
"""A page whose socket does not open (a proxy that lets none through, a server that hangs) would look alive for ever.
The line in the header takes the timer away when it is drawn, which needs the socket."""

HEADLINES = 6
HEADLINE_CARDS = {"overview": "headlines", "pipeline": "pipeline"}


def first_paint(
    view: View,
    browser: Browser,
    cards: Mapping[str, str],
    as_of: datetime | None,
    zone: ZoneInfo,
    now: datetime | None = None,
) -> str:
    """The frame of a page as HTML, with the headlines of its `cards` where they are known and no older than RECENT."""
    palette = PALETTES["dark" if browser.shows_dark(view) else "light"]
    colors = {
        "back": palette["background"]["default"],
        "paper": palette["background"]["paper"],
        "ink": palette["text"]["primary"],
        "quiet": palette["text"]["secondary"],
        "line": palette["divider"],
        "bad": palette["error"]["main"],
    }
    recent = as_of is not None and (now or datetime.now(UTC)) - as_of < RECENT
    headlines = HEADLINE_CARDS.get(view.page)
    known = recent and headlines in cards
    card = json.loads(cards[headlines]) if known and headlines else {"rows": [{}] * (HEADLINES if headlines else 0)}
    time = f"As of {as_of.astimezone(zone):%H:%M:%S}" if known and as_of else "Loading…"
    title, subtitle = (escape(card.get(name, "")) for name in ("title", "subtitle"))
    charts = "charts" if view.page == "overview" else "charts tables"
    return (
        f"<style>{STYLE}</style>"
        f'<div id="first-paint" style="{";".join(f"--{name}:{color}" for name, color in colors.items())}">'
        f"<header><b>Orders</b><span>{time}</span></header>"
        f'<main><div class="title"><b>{title}</b> {subtitle}</div>'
        f'<div class="headlines">{"".join(_headline(row) for row in card["rows"])}</div>'
        f'<div class="{charts}"><i></i><i></i></div></main></div>{STALLED}'
    )


def _headline(row: Mapping[str, Any]) -> str:
    names = ("label", "value", "small", "change", "note", "unfiltered")
    texts = {name: escape(str(row.get(name) or "")) for name in names}
    return (
        f"<section><p>{texts['label']}</p><strong>{texts['value'] or '&nbsp;'}<small>{texts['small']}</small>"
        f"</strong><small>{texts['change']} {texts['note']}</small><small>{texts['unfiltered']}</small></section>"
    )
