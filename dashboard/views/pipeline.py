"""The page about the pipeline itself."""

from typing import Any

from dashboard.content import Content
from dashboard.downloads import table_csv
from dashboard.views.board import Board, card, stack
from dashboard.views.part import Part

TABLES = ("flows", "archive_runs", "imports", "rejected")


class PipelinePage(Part):
    """Hot and archived orders, archive runs, imports, rejected rows, flows. Built once per session; `show` feeds it."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self._cards = Content({})
        stacks = [
            stack("full", card("pipeline", "headlines")),
            *(stack("full", card(name, "table")) for name in TABLES),
        ]
        self._layout: Board = Board(
            stacks=stacks, csv=lambda name: (f"{name}.csv", table_csv(self._cards[name])), visible=False
        )

    def show(self, cards: Content) -> None:
        """Draw what is new."""
        self._cards = cards
        self._layout.show(cards)
