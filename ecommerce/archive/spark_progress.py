"""How far a Spark job is: its action runs in a thread, and the calling thread reports and can stop it."""

import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from ecommerce.errors import ServiceError
from ecommerce.progress import Progress

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

POLL_SECONDS = 0.5
STOP_SECONDS = 30
"""The longest that is waited for a job that was told to stop."""

Result = TypeVar("Result")


def followed(spark: "SparkSession", action: Callable[[], Result], progress: Progress, total: int, what: str) -> Result:
    """Run `action` and report how many of `total` its finished tasks stand for; returns what it returns.

    An exception of `progress` (the run was cancelled, its time is up) cancels the job: its tasks end, and nothing
    that they wrote is committed.
    """
    from pyspark import InheritableThread

    context = spark.sparkContext
    group = f"followed-{uuid.uuid4().hex[:8]}"
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            context.setJobGroup(group, what, interruptOnCancel=True)
            outcome.set_result(action())
        except BaseException as error:  # noqa: BLE001 - the calling thread raises it
            outcome.set_exception(error)

    thread = InheritableThread(target=run, name="spark-action", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(POLL_SECONDS)
            progress(int(total * _share_done(context, group)), total, what)
    except BaseException:
        context.cancelJobGroup(group)
        thread.join(STOP_SECONDS)
        raise
    if not outcome.done():  # PySpark prepares the thread first, which a JVM that ended does not let it
        raise ServiceError("Spark ended before its job began; its log says why")
    result = outcome.result()
    progress(total, total, what)
    return result


def _share_done(context: "SparkContext", group: str) -> float:
    """The share of the known tasks of a group that are done; short of 1 while the action runs."""
    tracker = context.statusTracker()
    tasks = done = 0
    for job in tracker.getJobIdsForGroup(group):
        info = tracker.getJobInfo(job)
        for stage_id in info.stageIds if info else ():
            stage = tracker.getStageInfo(stage_id)
            if stage:
                tasks += stage.numTasks
                done += stage.numCompletedTasks
    return done / tasks if tasks else 0.0
