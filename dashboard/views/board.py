"""The board: one component that draws a page of cards, and the charts among them, from JSON texts.

One for the whole page: a card of its own each cost a page 2 ms to open and every tick a change per card. The texts are
made once per answer and shared by all sessions.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal

import param
from panel.custom import Children

from dashboard.content import Content, whole
from dashboard.theme import PAPER_INKS
from dashboard.views.drawn import Drawn

Span = Literal["full", "wide", "third"]
Kind = Literal["headlines", "bars", "legend", "table", "notices", "links"]


def card(name: str, kind: Kind = "bars", chart: str = "") -> dict[str, str]:
    """A card, and the name under which the chart below it gets its columns."""
    return {"name": name, "kind": kind, "chart": chart}


def stack(span: Span, *cards: dict[str, str]) -> dict[str, Any]:
    """Cards one below the other, as wide as `span` says where there is room."""
    return {"span": span, "cards": list(cards)}


class Board(Drawn):
    """A page of cards. What comes from data is drawn as text, never as markup."""

    stacks = param.List(doc="What is where: see `stack`.", constant=True)
    charts = Children(doc="The figures, in the order of the cards that they belong to.")
    inks = param.Dict(default=PAPER_INKS, constant=True, doc="Of the axes and grids of charts on paper.")
    figures = param.String(doc="The cards that answer the viewer's question, by name, as they are drawn first.")
    beside = param.String(doc="The others.")
    waiting = param.Boolean(doc="Other figures are asked for, and those that are drawn are going to be replaced.")

    _bundle = "board.js"
    _stylesheets: ClassVar[list[str]] = [Path(__file__).with_name("board.css").read_text(encoding="utf-8")]

    def __init__(
        self,
        *,
        on_pick: Callable[[str, str], None] | None = None,
        on_link: Callable[[str], None] | None = None,
        csv: Callable[[str], tuple[str, str]],
        **parameters: Any,
    ) -> None:
        """`on_pick` gets a card and the key of its pressed bar; `csv` gives file name and text of a card's download;
        `on_link` the query of a link to another view."""
        super().__init__(sizing_mode="stretch_width", margin=0, **parameters)
        self._shown: dict[str, dict[str, str]] = {"figures": {}, "beside": {}}
        self.is_waiting = False
        """Whether what is drawn is going to be replaced."""
        self._on_pick = on_pick
        self._on_link = on_link
        self._csv = csv

    def wait(self, waiting: bool) -> None:
        """Show that other figures are on their way, or that they are there."""
        if waiting != self.is_waiting:
            self.is_waiting = waiting
            self.tell(waiting=waiting)

    def show(self, content: Content, part: Literal["figures", "beside"] = "figures") -> None:
        """Draw what is new in these cards."""
        shown = self._shown[part]
        news = content.news(shown)
        shown.update(content)
        if not self.is_drawn:  # the page gets everything when it is made
            self.tell(**{part: whole(shown)})
        elif news:
            self.tell(**{part: news})

    def values(self) -> dict[str, Any]:
        """The whole of all cards, of which the last message may have told a part."""
        return {part: whole(shown) for part, shown in self._shown.items() if shown} | {"waiting": self.is_waiting}

    def save(self, file: str, text: str) -> None:
        """Have the browser save a text as a file."""
        self._send_msg({"name": file, "csv": text})

    def _handle_msg(self, message: Any) -> None:
        super()._handle_msg(message)
        if not isinstance(message, dict) or not isinstance(name := message.get("card"), str):
            return
        if self._on_link and isinstance(query := message.get("go"), str):
            self._on_link(query)
        if self._on_pick and isinstance(key := message.get("pick"), str):
            self._on_pick(name, key)
        if message.get("csv"):
            self.save(*self._csv(name))
