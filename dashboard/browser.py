"""What a browser told of itself on an earlier visit, in cookies, so that the first paint is right before any script."""

from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.state import View

THEME, SYSTEM_THEME, SCREEN = "ecommerce_theme", "ecommerce_system_theme", "ecommerce_screen"


@dataclass(frozen=True, slots=True)
class Browser:
    """The screen and the colours of one viewer."""

    narrow: bool
    """A screen that is touched: a finger that drags scrolls, and zooms nothing."""
    dark: bool
    """What the viewer chose last, else what the system is set to."""

    def shows_dark(self, view: View) -> bool:
        """Whether a view is dark here: what its link says counts first."""
        return self.dark if view.dark is None else view.dark


def browser_of(cookies: Mapping[str, str], user_agent: str) -> Browser:
    """The browser that asks for a page; of one that was never here only the user agent is known."""
    narrow = cookies.get(SCREEN, "narrow" if "Mobi" in user_agent else "wide") == "narrow"
    return Browser(narrow, dark=(cookies.get(THEME) or cookies.get(SYSTEM_THEME)) == "dark")
