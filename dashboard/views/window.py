"""The browser's window: the steps of its history, and what it tells of itself."""

from collections.abc import Callable
from typing import Any

import param
from panel.custom import JSComponent

from dashboard.browser import SCREEN, SYSTEM_THEME, THEME, Browser
from dashboard.left_out import left_out
from dashboard.state import View, says_more
from dashboard.views.link_note import LinkNote


class Window(JSComponent):
    """Draws nothing."""

    theme_cookie = param.String(default=THEME, constant=True)
    system_theme_cookie = param.String(default=SYSTEM_THEME, constant=True)
    screen_cookie = param.String(default=SCREEN, constant=True)

    _bundle = "window.js"

    def __init__(self, link: str, *, on_link: Callable[[str], None], on_browser: Callable[[Browser], None]) -> None:
        """`link` is the query of the address that was opened. `on_link` gets that of one that was stepped to,
        `on_browser` what is seen of the browser."""
        super().__init__(margin=0, width=0, height=0)
        self._link = link
        self._on_link = on_link
        self._on_browser = on_browser
        self.note = LinkNote()

    def go_to(self, query: str) -> None:
        """Put the link of another view into the address bar, as a step of the history."""
        # Panel's own Location does not learn of a step back, and would push the view that was stepped to once more: the
        # way forward was lost, and the next step back led to the same page.
        self._link = query
        self.note.clear()
        self._send_msg({"go_to": query})

    def correct(self, view: View) -> None:
        """Where the address says what is not shown, as a filter's value that is no more, have it say what is, and the
        note what is not."""
        if says_more(self._link, view):
            self.note.add(left_out(self._link, view))
            self._link = view.query()
            self._send_msg({"correct": self._link})

    def remember_theme(self, *, dark: bool) -> None:
        """Keep what the viewer chose for the next visit."""
        self._send_msg({"theme": "dark" if dark else "light"})

    def _handle_msg(self, message: Any) -> None:
        if not isinstance(message, dict):
            return
        if isinstance(link := message.get("link"), str):
            self._link = link
            self.note.clear()
            self._on_link(link)
        if isinstance(narrow := message.get("narrow"), bool) and isinstance(dark := message.get("dark"), bool):
            self._on_browser(Browser(narrow, dark))
