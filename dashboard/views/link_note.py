"""A line above the figures that says which parts of a link were left out."""

import panel_material_ui as pmui

from dashboard.left_out import in_words
from dashboard.views.freshness import as_markdown_text
from dashboard.views.part import Part


class LinkNote(Part):
    """Is there from the link that was opened to the next change of the view."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._layout: pmui.Alert = pmui.Alert(
            title="Left out of the link", object="", severity="warning", visible=False,
            sizing_mode="stretch_width", margin=(0, 0, 12, 0),
        )  # fmt: skip

    def add(self, parts: list[str]) -> None:
        """Name further parts."""
        if parts:
            self._parts += parts
            self._layout.param.update(object=as_markdown_text(in_words(self._parts)), visible=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._parts:
            self._parts = []
            self._layout.visible = False
