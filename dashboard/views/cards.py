"""The card: a component that draws headlines, bars, a legend or a table from a JSON text.

The text is made once per answer and shared by all sessions, so a tick costs a session one string per card that changed.
"""

from collections.abc import Callable
from typing import Any

import param
from panel.custom import JSComponent

Rows = list[list[object]]


def send(component: JSComponent, **values: Any) -> None:
    """Set parameters that only the browser reads: straight on the component's models where it has been drawn.

    Panel's own way resolves the design for every change: 0.42 ms a card, a second per tick for 200 sessions. The
    parameter itself keeps the value that was first drawn. Call it with the document's lock.
    """
    if not component._models:
        component.param.update(**values)
    for reference, (model, _) in component._models.items():
        # Said beforehand, as Panel does, or it would take the change for the browser's and answer it: 300 ms a session.
        # It stays said, because the document's hold tells of the change only when this is over.
        component._changing[reference] = list(values)
        model.data.update(**values)


class Card(JSComponent):
    """One card. `content` is what `dashboard.cards` makes; the browser draws it as text, never as markup."""

    kind = param.Selector(default="bars", objects=["headlines", "bars", "legend", "table"], constant=True)
    content = param.String(default="")

    _bundle = "cards.js"

    def __init__(
        self,
        *,
        on_pick: Callable[[str], None] | None = None,
        csv: Callable[[], tuple[str, str]] | None = None,
        **parameters: Any,
    ) -> None:
        """`on_pick` gets the key of a pressed bar; `csv` gives name and text of the download."""
        super().__init__(sizing_mode="stretch_width", margin=0, **parameters)
        self.shown = ""
        """What is drawn."""
        self._on_pick = on_pick
        self._csv = csv

    def show(self, content: str) -> None:
        """Draw this, unless it is what is drawn already."""
        if content != self.shown:
            self.shown = content
            send(self, content=content)

    def _handle_msg(self, message: Any) -> None:
        if not isinstance(message, dict):
            return
        if self._on_pick and isinstance(key := message.get("pick"), str):
            self._on_pick(key)
        if self._csv and message.get("csv"):
            name, text = self._csv()
            self._send_msg({"name": name, "csv": text})
