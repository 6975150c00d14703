"""What docs/query.md tells users of Spark, PyIceberg and DuckDB to do is done here, on a catalog in Postgres."""

import re
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.catalog import catalog_url
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.archiving import an_order, insert
from tests.services.test_archive_table import in_postgres
from tests.unit.test_structure import ROOT

pytestmark = pytest.mark.slow

__all__ = ["in_postgres"]

PAGE = (ROOT / "docs" / "query.md").read_text().partition("## Other engines")[2]


@pytest.fixture
def place(in_postgres: Settings, database: MongoDatabase) -> dict[str, str]:
    """What stands for the page's capitals, for an archive of 30 orders."""
    insert(database, [an_order(number, day=number % 3) for number in range(30)])
    archive_orders(in_postgres)
    url = catalog_url(in_postgres)
    return {
        "hdfs://NAMENODE/archive": str(in_postgres.archive_uri),
        "HOST": f"{url.host}:{url.port}",
        "DATABASE": str(url.database),
        "USER": str(url.username),
        "PASSWORD": str(url.password),
        "ecommerce.orders": f"{in_postgres.database}.orders",
        "2025-01-01": "2024-03-01",
    }


def block(language: str, place: dict[str, str]) -> str:
    """The page's block in a language, with its capitals filled in."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return filled(found[1], place)


def filled(text: str, place: dict[str, str]) -> str:
    for name, value in place.items():
        text = text.replace(name, value)
    return text


TOTAL = sum((an_order(number).order.total_amount for number in range(30)), Decimal(0))


def test_spark_by_the_properties_of_the_page(place: dict[str, str], spark: SparkSession) -> None:
    session = spark.newSession()
    for line in block("properties", place).splitlines():
        name, _, value = line.partition("=")
        session.conf.set(name, value)
    question = re.search(r"Then `(SELECT [^`]*)`", PAGE)
    assert question
    row = session.sql(filled(question[1], place)).first()
    assert row
    assert tuple(row) == (30, TOTAL)


def test_pyiceberg_and_duckdb_by_the_lines_of_the_page(
    place: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    exec(compile(block("python", place), "docs/query.md", "exec"), {})  # noqa: S102 - the page is ours
    shown = capsys.readouterr().out
    assert "30" in shown
    assert str(TOTAL) in shown
