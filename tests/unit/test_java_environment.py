"""Spark gets of the shell what the user gives for a cluster or an HDFS of their own, and nothing else."""

import os
import tempfile
from pathlib import Path

import pytest

from ecommerce.archive import spark
from ecommerce.archive.spark_options import set_environment
from ecommerce.errors import ServiceError
from ecommerce.jvm import changed_environment, java_environment
from ecommerce.settings import Settings

SPARKS = {"SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_PYTHON"}
HADOOPS = {"HADOOP_CONF_DIR", "HADOOP_USER_NAME", "YARN_CONF_DIR", "JAVA_TOOL_OPTIONS"}


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SPARKS | HADOOPS | {"LC_ALL", "JAVA_HOME", "SPARK_LOCAL_IP"}:
        monkeypatch.setenv(name, "given")


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({}, set()),
        ({"archive_uri": "file:/archive"}, set()),
        ({"archive_uri": "hdfs://shop/archive"}, HADOOPS),
        ({"spark_master": "spark://there:7077"}, SPARKS | HADOOPS),
        ({"spark_master": "yarn", "archive_uri": "hdfs://shop/archive"}, SPARKS | HADOOPS),
    ],
)
def test_what_of_the_shell_reaches_spark(values: dict[str, str], kept: set[str]) -> None:
    set_environment(Settings.model_validate(values), Path("/java"))
    assert {name for name in SPARKS | HADOOPS if os.environ.get(name) == "given"} == kept
    assert os.environ["JAVA_HOME"] == "/java"
    assert os.environ["PYSPARK_PYTHON"], "the workers' Python is named in any case"
    assert os.environ["LC_ALL"] == "C.UTF-8"


def test_the_embedded_services_get_none_of_it_and_this_process_keeps_it() -> None:
    passed_on = changed_environment(java_environment())
    assert not passed_on.keys() & (SPARKS | HADOOPS)
    assert passed_on["PATH"] == os.environ["PATH"]
    assert os.environ["HADOOP_CONF_DIR"] == "given"


@pytest.mark.parametrize(("error", "raised"), [(KeyboardInterrupt(), KeyboardInterrupt), (OSError(), ServiceError)])
def test_a_start_of_spark_that_ends_early_leaves_nothing(
    error: BaseException, raised: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder for what it would have spilled, and no link to a home whose name Spark would cut."""

    def launch(*_: object) -> None:
        raise error

    monkeypatch.setattr(spark, "_running", None)  # another test's may run in this process
    monkeypatch.setattr(spark, "_users", 0)
    monkeypatch.setattr("pyspark.java_gateway.launch_gateway", launch)
    monkeypatch.setattr(spark, "java_home", lambda _: tmp_path)
    monkeypatch.setattr(spark, "archive_jars", lambda *_: ())
    monkeypatch.setattr(spark, "spark_options", lambda *_, **__: {})
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    settings = Settings(home=tmp_path / "my home")
    with pytest.raises(raised), spark.spark_session(settings):
        pass
    assert [*(tmp_path / "temporary").iterdir()] == [*(settings.home_directory / "spark").iterdir()] == []
