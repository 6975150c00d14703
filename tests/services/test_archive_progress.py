"""Progress moves while Spark works, ends at the number of orders, and whoever gets it can stop the job."""

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.spark_progress import followed
from ecommerce.errors import ServiceError

pytestmark = pytest.mark.slow


class Stopped(BaseException):
    """What a cancelled run raises."""


def slow_rows(spark: SparkSession) -> int:
    """Eight tasks of about a second each."""
    return spark.sparkContext.parallelize(range(8), 8).map(slow).count()


def slow(number: int) -> int:
    import time

    time.sleep(1)
    return number


def test_progress_moves_with_the_tasks_and_ends_at_the_total(spark: SparkSession) -> None:
    reports: list[tuple[int, int | None, str]] = []
    counted = followed(spark, lambda: slow_rows(spark), lambda *report: reports.append(report), 800, "orders")
    assert counted == 8
    done = [report[0] for report in reports]
    assert done == sorted(done)
    assert any(0 < number < 800 for number in done)
    assert reports[-1] == (800, 800, "orders")


def test_who_stops_the_progress_stops_the_job(spark: SparkSession) -> None:
    def stop(_done: int, _total: int | None, _what: str) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        followed(spark, lambda: slow_rows(spark), stop, 800, "orders")
    assert list(spark.sparkContext.statusTracker().getActiveJobsIds()) == []


def test_an_error_of_the_job_is_raised(spark: SparkSession) -> None:
    def fails() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        followed(spark, fails, lambda *_: None, 1, "orders")


def test_a_job_that_cannot_begin_is_an_error(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyspark.InheritableThread.run", lambda _thread: None)
    with pytest.raises(ServiceError, match="Spark ended before its job began"):
        followed(spark, lambda: slow_rows(spark), lambda *_: None, 1, "orders")
