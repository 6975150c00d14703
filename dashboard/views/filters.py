"""The filters: lists of values to tick, drawn by one component.

Material UI's select does not open by keyboard, and draws all of a catalog's cities where there are thousands.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import param

from dashboard.state import DIMENSIONS, ITEM_DIMENSIONS, Choices, View
from dashboard.views.drawn import Drawn
from dashboard.views.span_picker import Change

LABELS = {
    "payment": "Payment type",
    "status": "Status",
    "courier": "Courier",
    "location": "Customer location",
    "category": "Category",
    "warehouse": "Warehouse",
}


class FilterPanel(Drawn):
    """A choice of values per filter, and buttons that clear them and save the figures."""

    choices = param.String(default="[]", doc="JSON: name, label, group and values of each filter.")
    chosen = param.String(default="{}", doc="JSON: the values that are chosen, by filter.")

    alone = param.Boolean(doc="The filters that are set are named, and nothing is there to be pressed: on a wall.")

    _bundle = "filters.js"
    _stylesheets: ClassVar[list[str]] = [Path(__file__).with_name("filters.css").read_text(encoding="utf-8")]

    def __init__(self, change: Change, save: Callable[[], None]) -> None:
        super().__init__(sizing_mode="stretch_width", margin=0)
        self._change = change
        self._save = save
        self._known: Choices | None = None
        self._shown: Mapping[str, Any] = {}
        self._alone = False

    def show(self, view: View, choices: Choices) -> None:
        """Draw the values there are, where they are others, and which of them are chosen."""
        if choices is not self._known:
            self._known = choices
            self.tell(choices=_choices_json(choices))
        chosen = {name: [value for value in choices.get(name, {}) if value in view.chosen(name)] for name in DIMENSIONS}
        if view.tv != self._alone:
            self._alone = view.tv
            self.tell(alone=view.tv)
        if chosen != self._shown:
            self._shown = chosen
            self.tell(chosen=json.dumps(chosen, ensure_ascii=False))

    def _handle_msg(self, message: Any) -> None:
        super()._handle_msg(message)
        if not isinstance(message, dict):
            return
        if (name := message.get("filter")) in DIMENSIONS and isinstance(values := message.get("values"), list):
            asked = frozenset(value for value in values if isinstance(value, str | int))
            self._change(lambda view: view.with_filter(str(name), asked))
        if message.get("clear"):
            self._change(View.without_filters)
        if message.get("save"):
            self._save()


def _choices_json(choices: Choices) -> str:
    return json.dumps(
        [
            {
                "name": name,
                "label": LABELS[name],
                "group": "Order items" if name in ITEM_DIMENSIONS else "Orders",
                "values": _named(choices.get(name, {})),
            }
            for name in DIMENSIONS
        ],
        ensure_ascii=False,
    )


def _named(allowed: Mapping[str | int, str]) -> list[tuple[str | int, str]]:
    """Values and what each is called; two couriers of one name are told apart by their ids."""
    uses = Counter(allowed.values())
    return [(value, f"{label} (#{value})" if uses[label] > 1 else label) for value, label in allowed.items()]
