"""Wires the commands together and turns errors into one line."""

import errno
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cli.old_names import RenamingCommand
from ecommerce.errors import EcommerceError, InputError, without_topology
from ecommerce.quick_process import run_to_its_end
from ecommerce.services.logs import TIMED_LINES, TimedLines

STOPPED = 130
"""Exit code after Ctrl-C."""

GO_ON = "What was done is kept, and the command can be run again: it goes on where there is something to go on with"

DEBUG = "ECOMMERCE_DEBUG"

_NOT_OURS = "give this user the right to write there, or set ECOMMERCE_HOME to a folder of yours"
REMEDIES = {
    errno.EROFS: "set ECOMMERCE_HOME to a folder on a disk that can be written",
    errno.EACCES: _NOT_OURS,
    errno.EPERM: _NOT_OURS,
    errno.ENOSPC: "free some space, which `ecommerce doctor` says how to do",
    errno.EDQUOT: "free some of your quota; `ecommerce doctor` names what can be deleted",
}
"""Errors of the machine, and what helps."""

OURS = ("cli", "dashboard", "ecommerce", "flows")

COMMANDS = {
    # command: module, function
    "up": ("cli.services", "up"),
    "down": ("cli.services", "down"),
    "status": ("cli.services", "status"),
    "generate": ("cli.generate", "generate"),
    "import": ("cli.imports", "import_"),
    "rejected": ("cli.rejected", "rejected"),
    "mapping": ("cli.mappings", "mapping"),
    "summarize": ("cli.summaries", "summarize"),
    "archive": ("cli.archive", "archive"),
    "restore": ("cli.archive", "restore"),
    "kpis": ("cli.kpis", "kpis"),
    "check": ("cli.summaries", "check"),
    "order": ("cli.orders", "order"),
    "query": ("cli.query", "query"),
    "forget": ("cli.forget", "forget"),
    "expire": ("cli.forget", "expire"),
    "upgrade": ("cli.upgrade", "upgrade"),
    "shop": ("cli.shop", "shop"),
    "doctor": ("cli.doctor", "doctor"),
    "metrics": ("cli.doctor", "metrics"),
}


class _CommandsByName(Mapping[str, Any]):
    """The commands, each imported when it is asked for: all of them together take half a second."""

    def __getitem__(self, name: str) -> Any:
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


@cache
def _command(name: str) -> Any:
    module, function = COMMANDS[name]
    alone = typer.Typer(add_completion=False)
    alone.command(name, cls=RenamingCommand)(getattr(import_module(module), function))
    return typer.main.get_command(alone)


class _LazyGroup(TyperGroup):
    """Typer's group, which wants all commands made before the first is run, with commands that are made when needed."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes | {"commands": {}})
        self.commands: Any = _CommandsByName()

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)


app = typer.Typer(
    name="ecommerce",
    cls=_LazyGroup,
    help="Orders from the generator or from files into MongoDB, live KPIs, old orders to a table on HDFS.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ecommerce {version('ecommerce-pipeline')}")
        raise typer.Exit


@app.callback()
def before_command(  # no docstring: Typer would show it instead of the app's help
    debug: Annotated[bool, typer.Option("--debug", envvar=DEBUG, help="Print the traceback of an error, too.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    if debug:
        os.environ[DEBUG] = "1"


def main() -> None:
    """Run the command line: exit code 0 when it worked, 1 when it did not, 2 when options or input are wrong."""
    run_to_its_end(_main)


def _main() -> None:
    _loopback_without_proxy()
    if os.environ.pop(TIMED_LINES, None):
        sys.stdout, sys.stderr = TimedLines(sys.stdout), TimedLines(sys.stderr)
    try:
        app(_debug_first(sys.argv[1:]))
    except EcommerceError as error:
        _end(str(error), error, 2 if isinstance(error, InputError) else 1)
    except SystemExit as end:
        # What Typer makes of Ctrl-C, without a word.
        if end.code == STOPPED:
            print(". ".join(("stopped", *(_notes(end) or [GO_ON]))), file=sys.stderr)
        raise
    except BrokenPipeError:
        # The reader of a pipe (`| head`) left; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        _end(_of_the_machine(error) or _unexpected(error), error)
    except Exception as error:  # noqa: BLE001 - a command ends with one line, whatever happened
        # Where nothing imported pymongo, none of its errors came.
        mongo_errors = getattr(sys.modules.get("pymongo.errors"), "PyMongoError", ())
        _end(_of_mongodb(error) if isinstance(error, mongo_errors) else _unexpected(error), error)


def _loopback_without_proxy() -> None:
    """Add loopback to what this process and those that it starts reach without the proxy of `http_proxy`."""
    for name in ("no_proxy", "NO_PROXY"):
        listed = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys((*listed, "127.0.0.1", "localhost")))


def _debug_first(arguments: list[str]) -> list[str]:
    """The arguments with `--debug` in front, where Typer expects it; people add it at the end."""
    rest = [argument for argument in arguments if argument != "--debug"]
    return ["--debug"] * (len(rest) < len(arguments)) + rest


def _of_the_machine(error: OSError) -> str | None:
    """What a disk or a right that is missing keeps from being done; None for other errors."""
    if error.filename is None or error.errno not in REMEDIES:
        return None
    return (
        f"{error.filename}: {error.strerror}: {REMEDIES[error.errno]}. "
        "What was done is kept, and every step can be run again"
    )


def _of_mongodb(error: Exception) -> str:
    """What MongoDB's driver says: a server that is away, or refuses something."""
    from ecommerce.settings import get_settings

    named = " (of ECOMMERCE_MONGO_URI)" if get_settings().mongo_uri else ""
    return (
        f"MongoDB{named}: {_first_line(error)}. What was done is kept, and every step can be run again; "
        "`ecommerce doctor` looks for the cause"
    )


def _end(message: str, error: Exception, code: int = 1) -> None:
    """End the process with one line, and with `--debug` the traceback before it."""
    if os.environ.get(DEBUG, "").lower() in ("1", "true", "yes", "on"):
        traceback.print_exception(error)
    print(". ".join((f"error: {message}", *_notes(error))), file=sys.stderr)
    sys.exit(code)


def _notes(error: BaseException) -> list[str]:
    """What the work that an error stopped noted of how far it was, on the error or on one before it."""
    found: list[str] = []
    one: BaseException | None = error
    while one is not None:
        found += getattr(one, "__notes__", ())
        one = one.__cause__ or one.__context__
    return list(dict.fromkeys(found))


def _unexpected(error: Exception) -> str:
    """What is known of an error that no part of the program expected."""
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.split(".")[0] not in OURS:
        return f"{error.name} is not installed: pip install 'ecommerce-pipeline[all]' has all that the commands need"
    frames = traceback.extract_tb(error.__traceback__)
    root = Path(__file__).parent.parent
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(root) and ".venv" not in frame.filename]
    where = f" in {Path(ours[-1].filename).relative_to(root)}, line {ours[-1].lineno}" if ours else ""
    return (
        f"{type(error).__name__}{where}: {_first_line(error)}. This is a mistake of the program. Every step can be run "
        "again; `ecommerce doctor` and `ecommerce check` look for a cause, `--debug` gives the traceback to report"
    )


def _first_line(error: Exception) -> str:
    """A driver's error without the dump of the topology behind it. It names hosts, never credentials."""
    return next(iter(without_topology(error).splitlines()), "no message")[:500]


if __name__ == "__main__":
    main()
