"""The overview: headlines, two charts over time and the breakdowns."""

from collections.abc import Callable
from typing import Any

import panel as pn
from panel.viewable import Viewable, Viewer

from dashboard.downloads import card_csv, headline_csv, table_csv
from dashboard.feed import Cards, Overview
from dashboard.views.cards import Card
from dashboard.views.charts import revenue_chart, status_chart

BREAKDOWNS = ("status", "payment", "product", "category", "location", "courier", "warehouse")

GRID = """
:host { display: grid; flex: none; max-height: none !important; width: 100%;
  grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 16px; }
:host > * { grid-column: span 12; margin: 0 !important; max-height: none !important; align-self: stretch; }
@media (min-width: 800px) { :host > .third { grid-column: span 6; } }
@media (min-width: 1240px) { :host > .third { grid-column: span 4; } :host > .wide { grid-column: span 8; } }
@media (max-width: 600px) { :host { gap: 10px; } }
"""
PAGE = ":host { flex: none; max-height: none !important; }"
"""A page around its grid: a grid's own display would win over hiding it."""

STACK = """
:host { gap: 16px; max-height: none !important; }
:host > * { max-height: none !important; }
:host > :last-child { flex: 1 0 auto; }
@media (max-width: 600px) { :host { gap: 10px; } }
"""
FRAME = """
:host { background: var(--mui-palette-background-paper); border: 1px solid var(--mui-palette-divider);
  border-radius: 12px; overflow: hidden; flex: 1 0 auto; }
"""


class OverviewPage(Viewer):
    """Built once per session; `show` feeds it."""

    def __init__(self, on_pick: Callable[[str, str], None], *, currency: str, touch: bool, **parameters: Any) -> None:
        super().__init__(**parameters)
        self._overview: Overview | None = None
        self._cards = {"headlines": Card(kind="headlines"), "legend": self._card("legend", on_pick, "status", "legend")}
        for name in BREAKDOWNS:
            self._cards[name] = self._card(name, on_pick, name, "bars")
        self._cards["revenue"] = self._card("revenue", None, "revenue", "legend")
        self._cards["stock"] = Card(kind="table", csv=self._stock_csv)
        self._status = status_chart(touch=touch)
        self._revenue = revenue_chart(currency, touch=touch)
        self._layout = pn.Column(self._laid_out(), stylesheets=[PAGE], sizing_mode="stretch_width", margin=0)

    def _card(self, name: str, on_pick: Callable[[str, str], None] | None, dimension: str, kind: str) -> Card:
        pick = (lambda key: on_pick(dimension, key)) if on_pick else None
        return Card(kind=kind, on_pick=pick, csv=lambda: self._csv(name))

    def _csv(self, name: str) -> tuple[str, str]:
        if self._overview is None:
            return f"{name}.csv", ""
        return f"{name}.csv", card_csv(name, self._overview.answer)

    def _stock_csv(self) -> tuple[str, str]:
        return "low_stock.csv", table_csv(self._cards["stock"].shown)

    def headline_csv(self) -> str:
        """The headlines as CSV; empty before the first figures."""
        return headline_csv(self._overview.answer) if self._overview else ""

    def show(self, overview: Overview) -> None:
        """Draw an answer; cards and charts whose content did not change are left alone."""
        if overview is self._overview:
            return
        self._overview = overview
        for name, content in overview.cards.items():
            self._cards[name].show(content)
        timeline, span = overview.answer.timeline, overview.answer.question.span
        self._status.feed(timeline.bars, span)
        self._revenue.feed(timeline.revenue, span)

    def show_beside(self, cards: Cards) -> None:
        """Draw the cards that do not depend on the question."""
        for name, content in cards.items():
            self._cards[name].show(content)

    def _laid_out(self) -> Viewable:
        cards = self._cards
        charts = (_framed(cards["legend"], self._status), _framed(cards["revenue"], self._revenue))
        return pn.Column(
            cards["headlines"],
            _stack("wide", *charts),
            _stack("third", cards["status"], cards["payment"], cards["warehouse"]),
            *(_stack("third", cards[name]) for name in ("product", "category", "location", "courier")),
            _stack("wide", cards["stock"]),
            stylesheets=[GRID],
            sizing_mode="stretch_width",
            margin=0,
        )

    @property
    def visible(self) -> bool:
        return bool(self._layout.visible)

    @visible.setter
    def visible(self, visible: bool) -> None:
        self._layout.visible = visible

    def __panel__(self) -> Viewable:
        return self._layout


def _stack(css_class: str, *parts: Viewable) -> Viewable:
    return pn.Column(*parts, stylesheets=[STACK], css_classes=[css_class], sizing_mode="stretch_width", margin=0)


def _framed(head: Viewable, chart: Viewer) -> Viewable:
    return pn.Column(head, chart, stylesheets=[FRAME], sizing_mode="stretch_width", margin=0)
