"""A person's word on the terminal: the question of an archive run that waits before it deletes."""

import sys

import typer
from rich.console import Console
from rich.markdown import Markdown

from ecommerce.archive.approval import APPROVED, REFUSED, Answerer, yes


def answerer_of(said_yes: bool) -> Answerer | None:
    """Who answers for this command: `--yes`, else the terminal, where there is one."""
    if said_yes:
        return yes
    return _prompt if sys.stdin.isatty() else None


def _prompt(question: str) -> tuple[str, str]:
    """Show what would be deleted and ask on standard error; what ends the command leaves the run waiting."""
    console = Console(stderr=True)
    console.print(Markdown(question))
    approved = typer.confirm("Delete these orders from MongoDB?", default=False, err=True)
    return (APPROVED if approved else REFUSED), "on the command line"
