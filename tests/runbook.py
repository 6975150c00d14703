"""The messages that docs/runbook.md explains."""

import re
from pathlib import Path

_PAGE = Path(__file__).parent.parent / "docs" / "runbook.md"
ROWS = re.findall(r"^\| `(.+?)` \|", _PAGE.read_text().partition("## Messages")[2], re.MULTILINE)


def row_of(message: str) -> str:
    """The row of the page that describes a message; its `…` stand for anything."""
    fitting = [row for row in ROWS if re.match(".*".join(map(re.escape, row.split("…"))), message, re.DOTALL)]
    assert len(fitting) == 1, f"{message!r} fits {fitting}"
    return str(fitting[0])
