"""What `ecommerce doctor` finds in a set-up whose archive is a folder."""

from pathlib import Path

import pytest

from ecommerce.doctor.checkup import CHECKS
from ecommerce.doctor.findings import PROBLEM, Finding, examine
from ecommerce.settings import Settings

PREFECT = {"prefect", "deployments", "schedules", "workers", "stuck runs", "late runs"}
"""What needs a Prefect server is tried in the drill of the compose file, which has one."""


def look(settings: Settings, *names: str) -> dict[str, Finding]:
    """The findings of some checks (of all but Prefect's, without names)."""
    chosen = [check for check in CHECKS if (check.name in names if names else check.name not in PREFECT)]
    return {finding.check: finding for finding in examine(settings, chosen)}


def finding_of(settings: Settings, name: str) -> Finding:
    """What one check finds."""
    return look(settings, name)[name]


def only_problem(settings: Settings) -> Finding:
    """The one thing that is wrong."""
    problems = [finding for finding in look(settings).values() if finding.state == PROBLEM]
    assert len(problems) == 1, problems
    assert problems[0].remedy
    return problems[0]


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"archive_uri": (tmp_path / "archive").as_uri()})
