"""How fresh the figures are: a line in the header, and a banner while they cannot be brought up to date."""

import json
import re
from typing import Any
from zoneinfo import ZoneInfo

import panel_material_ui as pmui
import param

from dashboard.feed import Freshness
from dashboard.views.drawn import Drawn
from dashboard.views.part import Part
from ecommerce.readable import counted

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def as_markdown_text(text: str) -> str:
    """A text that Markdown shows as it is: an Alert draws Markdown, and a server's message may hold any names."""
    return _PUNCTUATION.sub(r"\\\1", text)


class FreshnessLine(Drawn):
    """Time of the figures, countdown to the next tick, pause button."""

    state = param.String(default='{"tick":0,"as_of":0,"problem":false}', doc="JSON: one change a tick.")
    interval = param.Number(default=5, doc="Seconds between two ticks.")
    zone = param.String(default="UTC")
    paused = param.Boolean(default=False)
    hidden = param.Boolean(default=False, doc="The browser says that nobody can see the page.")

    _bundle = "freshness.js"

    def __init__(self, **parameters: Any) -> None:
        super().__init__(margin=(0, 4, 0, 12), align="center", **parameters)

    def _handle_msg(self, message: Any) -> None:
        super()._handle_msg(message)
        if isinstance(message, dict) and message.get("ping"):
            self._send_msg({"pong": True})

    def show(self, freshness: Freshness) -> None:
        as_of = freshness.as_of.timestamp() * 1000 if freshness.as_of else 0
        state = {"tick": freshness.tick, "as_of": as_of, "problem": freshness.problem is not None}
        self.tell(state=json.dumps(state, separators=(",", ":")))


OUTDATED = "The figures cannot be brought up to date"


class ProblemBanner(Part):
    """Says that the figures are old, and why, until they are not."""

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__()
        self.zone = zone
        self._layout: pmui.Alert = pmui.Alert(
            title=OUTDATED, object="", severity="warning", visible=False,
            sizing_mode="stretch_width", margin=(0, 0, 12, 0),
        )  # fmt: skip

    def show(self, freshness: Freshness) -> None:
        if freshness.problem is None:
            self._show_aside(freshness.aside)
            return
        as_of = freshness.as_of.astimezone(self.zone) if freshness.as_of else None
        since = f"They are from {as_of:%H:%M:%S}." if as_of else "There are none yet."
        text = f"{as_markdown_text(freshness.problem)} {since} This page goes on by itself as soon as it can."
        self._layout.param.update(title=OUTDATED, object=text, visible=True)

    def _show_aside(self, count: int) -> None:
        """The figures are right, but documents that are no orders are in none of them."""
        title = f"{counted(count, 'document is', 'documents are')} set aside"
        text = "They are no orders and in no figure. `ecommerce check` names them and says what to do."
        if count or self._layout.visible:
            self._layout.param.update(title=title if count else OUTDATED, object=text, visible=count > 0)
