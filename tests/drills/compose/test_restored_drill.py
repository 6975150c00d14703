"""docs/backup.md's commands as they stand there: everything is copied, lost, and brought back into empty volumes."""

import re

import pytest

from tests.compose.compose_file import REPOSITORY
from tests.compose.shop import FIGURES, doctor, kpis, run_deployment
from tests.compose.stack import Stack

pytestmark = [pytest.mark.drill, pytest.mark.timeout(2400)]

PAGE = (REPOSITORY / "docs" / "backup.md").read_text()


def commands_of(title: str) -> str:
    """The first shell block below a title of the page."""
    found = re.search(rf"^## {title}$.*?^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def test_everything_is_lost_and_comes_back_from_the_backup(shop: Stack) -> None:
    shop.execute("worker", "prefect", "--no-prompt", "variable", "set", "ecommerce_archive_older_than_days", "41")
    before = kpis(shop)
    shop.shell(commands_of("The backup"))
    shop.remove()
    # Its last command is the check, which fails where a figure or a file does not hold.
    shop.shell(commands_of("Everything back, into empty volumes"), timeout=1200)
    after = kpis(shop)
    assert {name: after[name] for name in (*FIGURES, "archived_orders")} == {
        name: before[name] for name in (*FIGURES, "archived_orders")
    }
    problems = {name: found for name, found in doctor(shop, "archiver").items() if found["state"] == "problem"}
    assert set(problems) <= {"space"}, problems
    said = shop.execute("worker", "prefect", "--no-prompt", "variable", "get", "ecommerce_archive_older_than_days")
    assert "41" in said, "what operators set is back"
    run_deployment(shop, "archive-orders/daily")
