"""A database of a misspelt name is told, and made by nobody who only reads."""

import json
import shlex

import pytest

from ecommerce.doctor.findings import PROBLEM
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.settings import Settings
from tests.archiving import an_order, insert
from tests.doctoring import finding_of
from tests.programs import ecommerce
from tests.runbook import row_of

pytestmark = pytest.mark.slow

READS = (
    "kpis",
    "order 1",
    "query 'SELECT 1'",
    "rejected",
    "check",
    "summarize",
    "archive --dry-run",
    "restore --start 2026-01-01 --end 2026-01-02",
    "shop",
    "metrics",
)


@pytest.fixture
def misspelt(settings: Settings, database: MongoDatabase) -> Settings:
    """Settings that name another database than the one with an order."""
    insert(database, [an_order(1)])
    return settings.model_copy(update={"database": f"{settings.database}_oder"})


def test_who_only_reads_names_the_database_and_those_with_orders(misspelt: Settings, database: MongoDatabase) -> None:
    for command in READS:
        done = ecommerce(misspelt, *shlex.split(command))
        line = done.stderr.splitlines()[-1].removeprefix("error: ")
        assert done.returncode == 1, command
        assert row_of(line) == "there is no database … in this MongoDB; …"
        assert line.startswith(f"there is no database '{misspelt.database}' (ECOMMERCE_DATABASE in the environment)")
        assert f"'{database.name}'" in line.partition("there are orders in ")[2]
        assert "set ECOMMERCE_DATABASE to the one that is meant" in line
        assert misspelt.database not in database.client.list_database_names(), command
    done = ecommerce(misspelt, "status", "--json")
    assert done.returncode == 1
    assert f"there is no database '{misspelt.database}'" in done.stderr
    assert json.loads(done.stdout)["hot_orders"] == 0
    finding = finding_of(misspelt, "validators")
    assert finding.state == PROBLEM
    assert finding.remedy.startswith("set ECOMMERCE_DATABASE to the one that is meant, or make this one with")
    assert misspelt.database not in database.client.list_database_names()


def test_who_makes_a_database_says_that_it_is_new(misspelt: Settings, database: MongoDatabase) -> None:
    try:
        done = ecommerce(misspelt, "generate", "--orders", "5")
        assert f"new database '{misspelt.database}'" in done.stderr.splitlines()
        assert database.client[misspelt.database][ORDERS].count_documents({}) == 5
        assert "new database" not in ecommerce(misspelt, "generate", "--orders", "5").stderr
    finally:
        database.client.drop_database(misspelt.database)
