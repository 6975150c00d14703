"""The page about the pipeline itself."""

from typing import Any

import panel as pn
from panel.viewable import Viewable, Viewer

from dashboard.downloads import table_csv
from dashboard.feed import Cards
from dashboard.views.cards import Card
from dashboard.views.overview import GRID

TABLES = ("flows", "archive_runs", "imports", "rejected")


class PipelinePage(Viewer):
    """Hot and archived orders, archive runs, imports, rejected rows, flows. Built once per session; `show` feeds it."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self._cards = {"pipeline": Card(kind="headlines")}
        for name in TABLES:
            self._cards[name] = self._table(name)
        self._layout = pn.Column(
            *self._cards.values(), stylesheets=[GRID], sizing_mode="stretch_width", margin=0, visible=False
        )

    def _table(self, name: str) -> Card:
        return Card(kind="table", csv=lambda: (f"{name}.csv", table_csv(self._cards[name].shown)))

    def show(self, cards: Cards) -> None:
        """Draw what is new."""
        for name, content in cards.items():
            self._cards[name].show(content)

    @property
    def visible(self) -> bool:
        return bool(self._layout.visible)

    @visible.setter
    def visible(self, visible: bool) -> None:
        self._layout.visible = visible

    def __panel__(self) -> Viewable:
        return self._layout
