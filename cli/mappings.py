"""`ecommerce mapping`: a first one for an unknown file, and the shipped ones to be copied."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.json_output import AsJson, print_json


def mapping(
    action: Annotated[
        Literal["draft", "show"],
        typer.Argument(help="`draft`: propose one for a file. `show`: print a shipped one.", show_default=False),
    ],
    file: Annotated[
        Path,
        typer.Argument(
            help="`draft`: a table with a row for each order line. `show`: the name of the mapping, such as shopify.",
            show_default=False,
        ),
    ],
    encoding: Annotated[str, typer.Option(help="Of a file that is not UTF-8, such as windows-1252.")] = "",
    as_json: AsJson = False,
) -> None:
    """Print a mapping as YAML: a proposal for a file that none knows, by its columns and what is in them, or a shipped
    one, to be copied and changed."""
    if action == "show":
        from ecommerce.importing.order_lines.mappings import text_of_shipped

        text = text_of_shipped(str(file))
    else:
        from ecommerce.importing.order_lines.draft import draft_mapping

        text = draft_mapping(file.expanduser(), encoding)
    if as_json:
        import yaml

        print_json({"mapping": yaml.safe_load(text), "yaml": text}, with_run=False)
        return
    typer.echo(text, nl=False)
