"""Wires the commands together and turns errors into one line."""

import os
import sys
from importlib import import_module

import typer
from pymongo.errors import PyMongoError

from cli.runtime import use_prefect
from ecommerce.errors import EcommerceError, InputError
from ecommerce.settings import get_settings

STOPPED = 130
"""Exit code after Ctrl-C."""

COMMANDS = (
    # module, function, command
    ("cli.services", "up", "up"),
    ("cli.services", "down", "down"),
    ("cli.services", "status", "status"),
    ("cli.generate", "generate", "generate"),
    ("cli.imports", "import_", "import"),
    ("cli.summaries", "summarize", "summarize"),
    ("cli.archive", "archive", "archive"),
    ("cli.archive", "restore", "restore"),
    ("cli.summaries", "kpis", "kpis"),
    ("cli.summaries", "check", "check"),
    ("cli.doctor", "doctor", "doctor"),
    ("cli.doctor", "metrics", "metrics"),
)

app = typer.Typer(
    name="ecommerce",
    help="Orders from the generator or from files into MongoDB, live KPIs, old orders to Parquet on HDFS.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def before_command() -> None:  # no docstring: Typer would show it instead of the app's help
    use_prefect(get_settings())


for module, function, command in COMMANDS:
    app.command(command)(getattr(import_module(module), function))


def main() -> None:
    """Run the command line: exit code 0 when it worked, 1 when it did not, 2 when options or input are wrong."""
    try:
        app()
    except EcommerceError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, InputError) else 1)
    except PyMongoError as error:
        print(f"error: MongoDB: {_first_line(error)}", file=sys.stderr)
        sys.exit(1)
    except SystemExit as end:
        # What Typer makes of Ctrl-C, without a word.
        if end.code == STOPPED:
            print("stopped", file=sys.stderr)
        raise
    except BrokenPipeError:
        # The reader of a pipe (`| head`) left; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _first_line(error: Exception) -> str:
    """A driver's error without the dump of the topology behind it. It names hosts, never credentials."""
    return str(error).split(", Timeout:")[0].splitlines()[0][:500]
