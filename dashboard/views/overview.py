"""The overview: headlines, two charts over time and the breakdowns."""

from collections.abc import Callable

import panel as pn

from dashboard import live
from dashboard.content import Content
from dashboard.downloads import card_csv, headline_csv, table_csv
from dashboard.feed import Overview
from dashboard.figures import Question
from dashboard.views.board import Board, card, stack
from dashboard.views.charts import revenue_chart, status_chart
from dashboard.views.part import Part

STACKS = [
    stack("full", card("attention", "notices")),
    stack("full", card("headlines", "headlines")),
    stack("wide", card("legend", "legend", "status_chart"), card("revenue", "legend", "revenue_chart")),
    stack("third", card("status"), card("payment"), card("warehouse")),
    *(stack("third", card(name)) for name in ("product", "category", "location", "courier")),
    stack("wide", card("sales", "table")),
    stack("wide", card("stock", "table")),
]
PICKED = {"legend": "status"}
"""Cards whose rows filter by something that is not the card's name."""


class OverviewPage(Part):
    """Built once per session; `show` feeds it."""

    def __init__(
        self,
        on_pick: Callable[[str, str], None],
        on_attention: Callable[[], None],
        on_link: Callable[[str], None],
        *,
        touch: bool,
    ) -> None:
        """`on_pick` gets a filter and the name of a bar that was pressed; `on_attention` leads to what failed,
        `on_link` to the view of a link's query."""
        super().__init__()
        self._overview: Overview | None = None
        self._stock = Content({})
        self._layout: Board = Board(
            stacks=STACKS,
            charts=[status_chart(touch=touch), revenue_chart(touch=touch)],
            on_pick=lambda name, key: on_attention() if name == "attention" else on_pick(PICKED.get(name, name), key),
            on_link=on_link,
            csv=self._csv,
        )

    def wait(self, waiting: bool) -> None:
        """Show that an answer is on its way, or that none is."""
        self._layout.wait(waiting)

    def show(self, overview: Overview) -> None:
        """Draw an answer; cards and charts whose content did not change are left alone."""
        self.wait(False)
        if overview is not self._overview:
            self._overview = overview
            self._layout.show(overview.cards)

    def show_beside(self, cards: Content) -> None:
        """Draw the cards that do not depend on the question."""
        self._stock = cards
        self._layout.show(cards, "beside")

    def save_headlines(self, question: Question) -> None:
        """Have the browser save the headlines as CSV: those that are shown, and where others are, of a question."""
        if self.visible and self._overview and not self._layout.is_waiting:
            self._save_headlines(self._overview)
        else:  # the overview was not opened yet, or is of a span that was left on another page
            feed = live.the_feed()
            live.in_thread(lambda: feed.answer(question), self._save_headlines, pn.state.curdoc)

    def _save_headlines(self, overview: Overview | Exception) -> None:
        if not isinstance(overview, Exception):  # else the banner says what is wrong
            self._layout.save("figures.csv", headline_csv(overview.answer))

    def _csv(self, name: str) -> tuple[str, str]:
        if name == "stock":
            return f"low_{name}.csv", table_csv(self._stock[name])
        return f"{name}.csv", card_csv(name, self._overview.answer) if self._overview else ""
