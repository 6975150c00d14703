"""The checks in the order in which they are made: what others build on comes first."""

from ecommerce.doctor import machine, mongodb, orchestration, pipeline, services
from ecommerce.doctor.findings import Check, Finding, examine
from ecommerce.settings import Settings

CHECKS = (
    Check("packages", machine.packages),
    Check("java", machine.java),
    Check("jars", machine.jars),
    Check("home", machine.home),
    Check("space", machine.space),
    Check("inbox", machine.inbox),
    Check("services", services.services),
    Check("mongodb", mongodb.mongodb),
    Check("mongodb version", mongodb.mongodb_version, needs=("mongodb",)),
    Check("replica set", mongodb.replica_set, needs=("mongodb",)),
    Check("shop", mongodb.shop, needs=("mongodb",)),
    Check("clock", mongodb.clock, needs=("mongodb",)),
    Check("validators", mongodb.validators, needs=("mongodb",)),
    Check("images", mongodb.images, needs=("replica set", "validators")),
    Check("oplog", mongodb.oplog, needs=("replica set",)),
    Check("indexes", mongodb.indexes, needs=("validators",)),
    Check("upgrade", pipeline.upgrade, needs=("replica set",)),
    Check("summaries", pipeline.summaries, needs=("replica set",)),
    Check("documents", pipeline.documents, needs=("summaries",)),
    Check("archive", pipeline.archive),
    Check("archive table", pipeline.archive_table, needs=("replica set", "upgrade", "archive")),
    Check("last check", pipeline.last_check, needs=("mongodb",)),
    Check("archive runs", pipeline.archive_runs, needs=("replica set",)),
    Check("postgres", services.postgres),
    Check("prefect", orchestration.prefect, needs=("postgres",)),
    Check("deployments", orchestration.deployments, needs=("prefect",)),
    Check("schedules", orchestration.schedules, needs=("deployments",)),
    Check("workers", orchestration.workers, needs=("prefect",)),
    Check("stuck runs", orchestration.stuck, needs=("prefect",)),
    Check("late runs", orchestration.late_runs, needs=("stuck runs",)),
)


def checkup(settings: Settings) -> list[Finding]:
    """Look at everything; changes nothing."""
    return examine(settings, CHECKS)
