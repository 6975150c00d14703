"""An import that is stopped in the middle says what is in the database, and importing again goes on."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecommerce.mongo import ORDERS, get_database
from ecommerce.services.marks import marked_processes
from ecommerce.services.on_demand import embedded_services
from ecommerce.settings import Settings
from tests.programs import PROGRAM, clean_environment, ecommerce, new_settings, pid_of, wait_until
from tests.runbook import row_of

pytestmark = pytest.mark.slow

ROWS = 300_000
SAYS = r"Of orders\.json at least ([\d,]+) rows are in the database, .*The files before it were read: .*users\.csv"


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    settings = new_settings(tmp_path)
    with embedded_services(settings):
        yield settings
    assert marked_processes(settings.home_directory) == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", ["Prefect's server ends, as by `ecommerce down`", "Ctrl-C"])
def test_it_says_what_is_in_the_database(settings: Settings, tmp_path: Path, how: str) -> None:
    made = ecommerce(settings, "generate", "--orders", str(ROWS), "--to", str(tmp_path / "made"), "--format", "json")
    assert made.returncode == 0, made.stderr
    files, orders = str(tmp_path / "made"), get_database(settings)[ORDERS]
    command = subprocess.Popen(
        [PROGRAM, "import", files], env=clean_environment(settings), stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: orders.find_one({}, {"_id": 1}) or command.poll() is not None, 300)
    if how == "Ctrl-C":
        command.send_signal(signal.SIGINT)
    else:
        os.kill(pid_of(settings, "prefect-server"), signal.SIGKILL)
    _, said = command.communicate(timeout=300)
    line = said.splitlines()[-1]
    found = re.search(SAYS, line)
    assert found, said
    taken = int(found[1].replace(",", ""))
    assert 0 < taken <= orders.count_documents({}) < ROWS
    if how == "Ctrl-C":
        assert line.startswith("stopped. ")
    else:
        assert row_of(line.removeprefix("error: ")) == "the Prefect server … was stopped while this worked…"
    again = ecommerce(settings, "import", files)
    assert again.returncode == 0, again.stderr
    assert orders.count_documents({}) == ROWS
