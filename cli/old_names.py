"""Options that were called otherwise before they had the names of the flows' parameters: they go on working."""

import sys
from collections.abc import Sequence

from typer.core import TyperCommand

OLD_NAMES = {
    "archive": {
        "--older-than": "--older-than-days",
        "--max-orders": "--max-hot-orders",
        "--max-bytes": "--max-hot-bytes",
    },
    "restore": {"--from": "--start", "--to": "--end"},
    "kpis": {"--from": "--start", "--to": "--end"},
    "generate": {"--dirt": "--bad-rows"},
    "import": {"--max-rejected": "--max-rejected-share"},
}
"""By command: the old name, and what it is called now."""


class RenamingCommand(TyperCommand):
    """A command that takes old names of its options, too, with a word on standard error."""

    def parse_args(self, ctx, args):  # type: ignore[no-untyped-def]
        return super().parse_args(ctx, renamed(self.name or "", args))


def renamed(command: str, arguments: Sequence[str]) -> list[str]:
    """The arguments with each old name replaced by the new one; says so, in one line."""
    names = OLD_NAMES.get(command, {})
    parts = [argument.partition("=") for argument in arguments]
    old = {name: names[name] for name, _, _ in parts if name in names}
    if old:
        says = f"warning: {', '.join(old)}: now called {', '.join(old.values())}; the old name goes on working"
        print(says, file=sys.stderr)
    return [names.get(name, name) + equals + value for name, equals, value in parts]
