"""`ecommerce mapping draft`: a first mapping for an unknown file."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.json_output import AsJson, print_json


def mapping(
    action: Annotated[Literal["draft"], typer.Argument(help="`draft`: propose a mapping.", show_default=False)],
    file: Annotated[Path, typer.Argument(help="A table with a row for each order line.", show_default=False)],
    encoding: Annotated[str, typer.Option(help="Of a file that is not UTF-8, such as windows-1252.")] = "",
    as_json: AsJson = False,
) -> None:
    """Propose a mapping for a file that none knows, as YAML on the output: by its columns and what is in them."""
    from ecommerce.importing.order_lines.draft import draft_mapping

    text = draft_mapping(file.expanduser(), encoding)
    if as_json:
        import yaml

        print_json({"mapping": yaml.safe_load(text), "yaml": text}, with_run=False)
        return
    typer.echo(text, nl=False)
