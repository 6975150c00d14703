"""Colours, and how they reach Material UI, the charts and the cards."""

from typing import Any

STATUS_COLORS = {
    "Delivered": "#2f9e78",
    "Shipped": "#4c8dd6",
    "Pending": "#e3a63b",
    "Returned": "#9a83c4",
    "Cancelled": "#c9707f",
}
OTHER_COLORS = ("#5aa7a7", "#b58a5b", "#7d93b2", "#a3a84e", "#c77fb0", "#6f7fd0", "#8f9aa8")
"""For statuses that an import brought."""

REVENUE_COLOR, COMPARED_COLOR = "#5b6ee1", "#98a2b5"
HOT_COLOR, ARCHIVED_COLOR = "#e3a63b", "#4c8dd6"

ACCENTS = {
    "payment": "#5b6ee1",
    "product": "#3d8fd1",
    "category": "#2f9e94",
    "location": "#7a6ad8",
    "courier": "#3f9bb8",
    "warehouse": "#5a7fbf",
}

_LIGHT: dict[str, Any] = {
    "primary": {"main": "#4657d8"},
    "background": {"default": "#f5f6f9", "paper": "#ffffff"},
    "text": {"primary": "#1b2130", "secondary": "#667085"},
    "divider": "#e6e8ee",
    "success": {"main": "#1f8a63"},
    "error": {"main": "#c2404f"},
    "warning": {"main": "#8f5a06"},
}
_DARK: dict[str, Any] = {
    "primary": {"main": "#8c9bff"},
    "background": {"default": "#0f1218", "paper": "#171b24"},
    "text": {"primary": "#e7eaf1", "secondary": "#98a2b5"},
    "divider": "#262c39",
    "success": {"main": "#4fc294"},
    "error": {"main": "#f0808d"},
    "warning": {"main": "#e9b35a"},
}

PALETTES: dict[str, Any] = {"light": _LIGHT, "dark": _DARK}
PAPER_INKS = {
    "major_label_text_color": _LIGHT["text"]["secondary"],
    "axis_label_text_color": _LIGHT["text"]["primary"],
    "grid_line_color": "rgba(0, 0, 0, 0.1)",
}
"""Of axes and grids of charts, as a light page has them."""
_FOCUS_RING = {
    "MuiButtonBase": {
        "styleOverrides": {
            "root": {
                "&.Mui-focusVisible": {
                    "outline": "2px solid var(--mui-palette-primary-main)", "outlineOffset": "-2px", "zIndex": 1,
                }
            }
        }
    }
}  # fmt: skip
"""Who works with the keyboard sees where they are; Material UI only tints the button."""

THEME_CONFIG: dict[str, Any] = {
    name: {"palette": palette, "shape": {"borderRadius": 8}, "components": _FOCUS_RING}
    for name, palette in PALETTES.items()
}

_PRESSED = {"action": {"hover": "rgba(0, 0, 0, 0.04)", "selected": "rgba(0, 0, 0, 0.08)"}}
"""What Material UI makes of a light palette."""


def _variables(palette: dict[str, Any]) -> dict[str, str]:
    """A palette as the variables of Material UI, which all that is drawn here asks for."""
    groups = ((group, shades if isinstance(shades, dict) else {"": shades}) for group, shades in palette.items())
    return {
        "-".join(filter(None, ("--mui-palette", group, shade))): f"{color} !important"
        for group, shades in groups
        for shade, color in shades.items()
    }


PAGE_SX: dict[str, Any] = {
    "& .header": {
        "backgroundColor": "var(--mui-palette-background-paper)",
        "color": "var(--mui-palette-text-primary)",
        "backgroundImage": "none",
        "boxShadow": "none",
        "borderBottom": "1px solid var(--mui-palette-divider)",
    },
    "& .header a": {"color": "inherit"},
    "& .header .title": {"color": "inherit", "fontSize": "17px", "fontWeight": 500, "whiteSpace": "nowrap"},
    # Without words for a screen reader: a bar that shows nothing, and headings that only keep a place.
    "& .MuiLinearProgress-root": {"display": "none"},
    "& .MuiToolbar-root > .MuiTypography-h5": {"display": "none"},
    "& .main": {"backgroundColor": "var(--mui-palette-background-default)"},
    # On paper the page is as long as it is: on a screen its middle scrolls.
    "@media print": {
        "&, & .main, & .main-content": {
            "height": "auto !important",
            "overflow": "visible !important",
            "display": "block",
        },
        "& .header": {"borderBottom": "none"},
        "& .header button": {"display": "none"},
        # A filter that turns dark into light shifts hues: amber was brown. What a chart draws is in board.js.
        "&.mui-dark": {"colorScheme": "light", "color": _LIGHT["text"]["primary"], **_variables(_LIGHT | _PRESSED)},
    },
}


def status_color(status: str, others: tuple[str, ...]) -> str:
    """The colour of a status; `others` are the statuses of the picture, so that unknown ones differ from each other."""
    if status in STATUS_COLORS:
        return STATUS_COLORS[status]
    unknown = [name for name in others if name not in STATUS_COLORS]
    return OTHER_COLORS[(unknown.index(status) if status in unknown else 0) % len(OTHER_COLORS)]
