"""The page about the pipeline itself."""

from dashboard.content import Content
from dashboard.downloads import table_csv
from dashboard.pipeline_cards import TITLES
from dashboard.views.board import Board, card, stack
from dashboard.views.part import Part

STACKS = [
    stack("full", card("pipeline", "headlines")),
    *(stack("full", card(name, "table")) for name in TITLES),
]


class PipelinePage(Part):
    """Hot and archived orders, archive runs, imports, rejected rows, flows. Built once per session; `show` feeds it."""

    def __init__(self) -> None:
        super().__init__()
        self._cards = Content({})
        self._layout: Board = Board(
            stacks=STACKS, csv=lambda name: (f"{name}.csv", table_csv(self._cards[name])), visible=False
        )

    def show(self, cards: Content) -> None:
        """Draw what is new."""
        self._cards = cards
        self._layout.show(cards)
