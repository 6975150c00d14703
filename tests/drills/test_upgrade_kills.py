"""`ecommerce upgrade` is killed with all it started, at each of its steps; the next one finishes what was begun."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from ecommerce.gate import FORMAT, format_of
from ecommerce.mongo import get_database
from ecommerce.services.environment import settings_environment
from ecommerce.services.on_demand import embedded_services
from ecommerce.settings import Settings
from ecommerce.upgrade import steps_due
from tests.unit.test_structure import ROOT
from tests.upgrade.test_upgrade import MOMENTS, all_figures_are_right
from tests.version_0_1_0 import Frozen, bring_back

pytestmark = pytest.mark.drill

PROCESS_TIMEOUT_SECONDS = 600


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_upgrade_that_is_killed_is_finished_by_the_next(settings: Settings, tmp_path: Path, moment: str) -> None:
    frozen = disconnected(settings, tmp_path / "frozen")
    killed = upgrade(frozen, kill_at=f"upgrade:{moment}")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    finished = upgrade(frozen)
    assert finished.returncode == 0, finished.stderr
    left = replace(frozen, database=get_database(frozen.settings))
    assert format_of(left.database) == FORMAT
    assert steps_due(left.database) == []
    # The command keeps the catalog in the Postgres of its home, and stops that when it ends.
    with embedded_services(left.settings, mongo=False, hdfs=True):
        all_figures_are_right(left)
    left.database.client.drop_database(left.database.name)


def disconnected(settings: Settings, directory: Path) -> Frozen:
    """The frozen database and archive; no connection to them is left, since an upgrade begins only when it is alone."""
    assert settings.mongo_uri is not None
    # Another text of the same address has a client of its own, which can be closed without closing the tests' one.
    own_client = SecretStr(f"{settings.mongo_uri.get_secret_value()}&retryReads=true")
    frozen = bring_back("whole", settings.model_copy(update={"mongo_uri": own_client}), directory)
    frozen.database.client.close()
    return replace(frozen, settings=frozen.settings.model_copy(update={"mongo_uri": settings.mongo_uri}))


def upgrade(frozen: Frozen, kill_at: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the command in a process group of its own, which the kill ends as a whole, Spark's JVM included."""
    environment = {**os.environ, **settings_environment(frozen.settings), "ECOMMERCE_KILL_AT": kill_at}
    return subprocess.run(
        [sys.executable, "-m", "cli.app", "upgrade"],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT_SECONDS,
        check=False,
    )
