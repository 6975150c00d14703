"""Spark's classes are left in the cache by a program of its own, and later starts map them from there."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ecommerce.archive.spark import spark_session
from ecommerce.services.environment import settings_environment
from ecommerce.settings import Settings


@pytest.mark.drill
def test_classes_that_were_left_are_mapped_by_the_next_spark(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", cache=tmp_path / "cache", archive_uri=(tmp_path / "archive").as_uri())
    environment = {**os.environ, **settings_environment(settings)}
    leave = [sys.executable, "-m", "ecommerce.archive.leave_classes"]
    subprocess.run(leave, env=environment, check=True, timeout=800)
    (archive,) = (tmp_path / "cache" / "classes").glob("spark-*.jsa")
    assert archive.stat().st_size > 50_000_000
    with spark_session(settings) as spark:
        assert spark.range(10).count() == 10
        (java,) = [one for one in psutil.Process().children(recursive=True) if one.name() == "java"]
        assert archive.name in Path(f"/proc/{java.pid}/maps").read_text()
    assert [archive] == list((tmp_path / "cache" / "classes").glob("*")), "a run leaves nothing"
