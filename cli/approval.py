"""A person's word on the terminal: the question of an archive run that waits before it deletes."""

import sys

import typer
from rich.console import Console
from rich.markdown import Markdown

from cli.terminal import without_bar
from ecommerce.archive.approval import APPROVED, REFUSED, Answerer, no, yes


def answerer_of(said_yes: bool, refuses: bool) -> Answerer | None:
    """Who answers for this command: `--yes`, `--refuse`, else the terminal, where there is one."""
    if said_yes or refuses:
        return yes if said_yes else no
    return _prompt if sys.stdin.isatty() else None


def _prompt(question: str) -> tuple[str, str] | None:
    """Show what would be deleted and ask on standard error; None where the person leaves instead."""
    console = Console(stderr=True)
    with without_bar():
        console.print(Markdown(question))
        try:
            approved = typer.confirm("Delete these orders from MongoDB?", default=False, err=True)
        except typer.Abort:  # the end of the input, or Ctrl-C
            console.print()
            return None
    return (APPROVED if approved else REFUSED), "on the command line"
