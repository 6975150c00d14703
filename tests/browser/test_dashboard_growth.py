"""A measure that a later version adds by one edit is a headline: incomplete as long as older cells do not have it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from tests.dashboard_app import Tab, served
from tests.dashboard_shop import fill
from tests.upgrade.grown_shop import rows
from tests.upgrade.test_one_edit import grow

pytestmark = pytest.mark.slow

IMPORT = "import sys; from ecommerce.importing.import_files import import_paths; from pathlib import Path"
REBUILD = "from ecommerce.summaries.rebuild import rebuild"
DATABASE = "from ecommerce.mongo import get_database; from ecommerce.settings import Settings"


def test_a_new_measure_is_a_headline(
    browser: Browser, settings: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    fill(database)
    advance(database)  # cells of the version before
    grown = tmp_path / "grown"
    grow(grown, ("ecommerce", "tests", "dashboard"))
    file = tmp_path / "grown.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows()))

    def run(imports: str, work: str) -> None:
        assert settings.mongo_uri is not None
        given = {"mongo_uri": settings.mongo_uri.get_secret_value(), "database": settings.database}
        program = f"{imports}; {DATABASE}; database = get_database(Settings(**{given!r})); {work}"
        environment = {**os.environ, "PYTHONPATH": str(grown)}
        subprocess.run([sys.executable, "-c", program], cwd=grown, env=environment, check=True, timeout=120)

    with served(settings, tmp_path / "dashboard.log", sources=grown) as address:
        tab = Tab(browser).open(address + "?span=all")
        headline = tab.page.locator("#headline-weight")
        expect(headline).to_contain_text("Weightincomplete")
        run(IMPORT, f"import_paths(database, [Path({str(file)!r})])")
        run(REBUILD, "rebuild(database)")
        expect(headline).to_contain_text("Weight$2.50")
        tab.close_without_errors()
