"""The card: a component that draws headlines, bars, a legend or a table from a JSON text.

The text is made once per answer and shared by all sessions, so a tick costs a session one string per card that changed.
"""

from collections.abc import Callable
from typing import Any

import param
from panel.custom import JSComponent

Rows = list[list[object]]


def send(component: JSComponent, **values: Any) -> None:
    """Set what changed of a component's parameters, straight on its models.

    Panel's own way resolves the design for every change: 0.42 ms a card, a second per tick for 200 sessions. This takes
    0.05 ms. No watcher hears of it, so it is for parameters that only the browser reads. Call with the document's lock.
    """
    changed = {name: value for name, value in values.items() if getattr(component, name) != value}
    if changed:
        with param.parameterized.discard_events(component):
            component.param.update(**changed)
        for model, _ in list(component._models.values()):
            model.data.update(**changed)


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
        self._on_pick = on_pick
        self._csv = csv

    def show(self, content: str) -> None:
        """Draw this, unless it is what is drawn already."""
        send(self, content=content)

    def _handle_msg(self, message: Any) -> None:
        if not isinstance(message, dict):
            return
        if self._on_pick and isinstance(key := message.get("pick"), str):
            self._on_pick(key)
        if self._csv and message.get("csv"):
            name, text = self._csv()
            self._send_msg({"name": name, "csv": text})
