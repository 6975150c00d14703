"""A part of the page that can be hidden."""

from panel.viewable import Viewable, Viewer


class Part(Viewer):
    """A view over `_layout`. Hidden, it keeps what it has drawn, and a chart its zoom."""

    _layout: Viewable

    @property
    def visible(self) -> bool:
        return bool(self._layout.visible)

    @visible.setter
    def visible(self, visible: bool) -> None:
        self._layout.visible = visible

    def __panel__(self) -> Viewable:
        return self._layout
