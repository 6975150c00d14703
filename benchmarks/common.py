"""What the benchmarks share: results, clocks, a server of their own and the table they print."""

import argparse
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.schema import prepare_database
from ecommerce.services.mongod import start_mongod
from ecommerce.settings import Settings


@dataclass(frozen=True, slots=True)
class Result:
    """One measured figure, what it should be, and what it stands beside."""

    name: str
    value: float
    unit: str
    target: str = ""
    beside: str = ""


@dataclass(slots=True)
class Timed:
    """Filled when its block ends."""

    seconds: float = 0.0


@contextmanager
def timed() -> Iterator[Timed]:
    """Wall-clock seconds of a block."""
    result = Timed()
    begin = time.perf_counter()
    yield result
    result.seconds = time.perf_counter() - begin


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def a_mongod(database: str = "bench") -> Iterator[MongoDatabase]:
    """A prepared database on a fresh mongod in a temporary directory, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ecommerce-bench-") as home:
        port = free_port()
        executor = start_mongod(Path(home), port)
        try:
            uri = f"mongodb://127.0.0.1:{port}/?replicaSet=ecommerce"
            prepared = get_database(Settings(mongo_uri=uri, database=database, home=Path(home)))
            prepare_database(prepared)
            yield prepared
        finally:
            executor.stop()


def formatted(value: float) -> str:
    """A figure as it is read: 70,785 or 2.45."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def print_table(title: str, results: Sequence[Result]) -> None:
    """The results as a table on standard output."""
    table = Table("what", "value", "unit", "to reach", "beside", title=title)
    for result in results:
        table.add_row(result.name, formatted(result.value), result.unit, result.target, result.beside)
    Console(width=160).print(table)


def shown(results: Iterable[Result]) -> list[Result]:
    """All results, each printed as soon as it is there: a part may take minutes, or fail in the end."""
    kept = []
    for result in results:
        print(f"  {result.name}: {formatted(result.value)} {result.unit}", flush=True)
        kept.append(result)
    return kept


def main(title: str, run: Callable[[bool], Iterable[Result]]) -> None:
    """Command line of one benchmark: `python -m benchmarks.bench_<part> [--quick]`."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run, not how fast is it")
    print_table(title, shown(run(parser.parse_args().quick)))
