"""A person's yes on the terminal, before a command takes something away for good."""

import sys

import typer

from ecommerce.errors import InputError


def asked(question: str, said_yes: bool) -> bool:
    """Whether a person agrees. Raises InputError where there is nobody to ask."""
    if said_yes:
        return True
    if not sys.stdin.isatty():
        raise InputError("this asks before it begins, and there is no terminal to ask on: --yes says yes")
    agreed = typer.confirm(question, default=False, err=True)
    if not agreed:
        typer.echo("nothing was changed", err=True)
    return agreed
