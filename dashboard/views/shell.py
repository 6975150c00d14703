"""The frame around the pages: header, main column, colours."""

from typing import Any

import panel as pn
import panel_material_ui as pmui
from panel.util import edit_readonly
from panel.viewable import Viewable

from dashboard.state import PAGES
from dashboard.theme import PAGE_SX, THEME_CONFIG

TITLE = "Orders"
DESCRIPTION = "Live figures of the order pipeline"

MAIN = """
:host { padding: 20px; gap: 16px; flex: none; max-height: none !important; box-sizing: border-box; width: 100%;
  margin: 0 auto !important; }
@media (max-width: 600px) { :host { padding: 10px; gap: 10px; } }
"""

TV = ":host { --tools: none; --units: inline; }"
PRINT = "@media print { :host { --tools: none; --units: inline; padding: 0; } }"
NOT_PRINTED = "@media print { :host { display: none !important; } }"


SEGMENTS_SX: dict[str, Any] = {
    "& .MuiToggleButton-root": {
        "textTransform": "none",
        "whiteSpace": "nowrap",
        "padding": "7px 14px",
        "fontSize": "13px",
        "backgroundColor": "var(--mui-palette-background-paper)",
        "@media (max-width: 600px)": {"padding": "7px 5px"},
    },
}
"""Buttons that belong together, as one quiet control."""

TEMPLATE = """{% extends base %}
{% block css_resources %}{% endblock %}
{% block js_resources %}{% endblock %}
{% block loader %}
{{ first_paint | safe }}
{{ super() }}
{{ bokeh_css }}
{{ bokeh_js }}
{% endblock %}"""
"""The first paint comes before everything that has to be loaded: in the head, 4 MB of scripts would go before it."""

_PAGES_SX = SEGMENTS_SX | {
    "& .MuiToggleButton-root.Mui-selected, & .MuiToggleButton-root.Mui-selected:hover": {
        "color": "var(--mui-palette-text-primary) !important",
        "backgroundColor": "var(--mui-palette-divider) !important",
    },
}


def shell(main: list[Any], *, header: list[Any], dark: bool, tv: bool = False) -> pmui.Page:
    """The page around its parts; `tv`: to be read from afar."""
    column = pn.Column(
        *main,
        stylesheets=[MAIN, PRINT, *([TV] if tv else [])],
        sizing_mode="stretch_width",
        max_width=None if tv else 1680,
    )
    page = pmui.Page(
        title=TITLE,
        header=[pn.layout.HSpacer(), *header],
        main=[column],
        theme_config=THEME_CONFIG,
        sx=PAGE_SX,
        dark_theme=dark,
        busy_indicator=None,
        template=TEMPLATE,
        meta_description=DESCRIPTION,
    )
    _unfollow(page)
    return page


def _unfollow(page: pmui.Page) -> None:
    """Take a page off the busy state of the whole process, which it follows from its first moment.

    Each event of one session would be sent to all others, with a walk through every document: with 25 sessions that
    alone took a processor. And whoever watches the process is held by it: a page that is closed, 1 MB, never went away.
    """
    with edit_readonly(page):
        page.busy = False
    for watcher in list(pn.state.param.watchers.get("busy", {}).get("value", ())):
        if getattr(getattr(watcher.fn, "__self__", None), "self", None) is page:
            pn.state.param.unwatch(watcher)


def navigation(page: str) -> Viewable:
    """The pages side by side."""
    return pmui.RadioButtonGroup(
        options={name.capitalize(): name for name in PAGES}, value=page, size="small", color="default", label="",
        margin=0, width=None, sx=_PAGES_SX,
    )  # fmt: skip
