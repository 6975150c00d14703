"""What the benchmarks share: results, clocks, a server of their own and the table they print."""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.java import java_home
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.schema import prepare_database
from ecommerce.services.hdfs import Hdfs, embedded_hdfs
from ecommerce.services.mongod import mongod
from ecommerce.services.ports import free_port
from ecommerce.settings import Settings

REPOSITORY = Path(__file__).parent.parent
CATALOG = CatalogSpec(seed=1, locale="en_US", preset="marketplace", users=100_000, products=10_000)


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


@contextmanager
def a_mongod(database: str = "bench") -> Iterator[MongoDatabase]:
    """A prepared database on a fresh mongod in a temporary directory, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ecommerce-bench-") as home:
        port = free_port()
        executor = mongod(Path(home), port).start()
        try:
            uri = f"mongodb://127.0.0.1:{port}/?replicaSet=ecommerce"
            prepared = get_database(Settings(mongo_uri=uri, database=database, home=Path(home)))
            prepare_database(prepared)
            yield prepared
        finally:
            executor.stop()


@contextmanager
def an_hdfs(home: Path) -> Iterator[Hdfs]:
    """A fresh HDFS whose files are in `home`."""
    settings = Settings()
    hdfs = embedded_hdfs(home, free_port(), java_home(settings), settings.cache).start()
    try:
        yield hdfs
    finally:
        hdfs.stop()


def environment_of(database: MongoDatabase, **variables: str) -> Mapping[str, str]:
    """The environment of programs that use a database, with these variables."""
    host, port = next(iter(database.client.nodes))
    uri = f"mongodb://{host}:{port}/?replicaSet=ecommerce"
    return os.environ | {"ECOMMERCE_MONGO_URI": uri, "ECOMMERCE_DATABASE": database.name} | variables


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
