"""The pipeline's own records: summaries, archive runs, the archive itself."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ecommerce.archive.approval import waiting_text, waits
from ecommerce.archive.errors import ArchiveError, failures_explained
from ecommerce.archive.lease import is_at_work
from ecommerce.archive.runs import unfinished_run
from ecommerce.archive_location import (
    CORRECT_ADDRESS,
    archive_kind,
    archive_uri,
    local_path,
    needs_embedded_hdfs,
    why_away,
)
from ecommerce.doctor.findings import Problem
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, get_database
from ecommerce.readable import counted
from ecommerce.services.hdfs_state import damaged_files, namenode_state, why_in_safe_mode
from ecommerce.services.records import living_record, read_record
from ecommerce.services.supervisor import start_it, why_stopped
from ecommerce.settings import Settings
from ecommerce.summaries.aside import REMEDY, all_aside, named_aside
from ecommerce.summaries.checked import check_problems, last_checked
from ecommerce.summaries.counts import count_orders_now
from ecommerce.summaries.state import load_state
from ecommerce.upgrade import steps_due

LAG_MAX = timedelta(hours=2)
"""The hourly flow brings them up to date; two missed runs are no accident."""

BLOCKS_NAMED = 3
"""Files with damaged blocks that are named; the folder of each has its day."""

RUN_MAX = timedelta(hours=6)
"""A million orders take less than a minute; a run this old was left."""


def summaries(settings: Settings) -> str:
    """The figures are up to date."""
    database = get_database(settings)
    state = load_state(database)
    if state is None:
        if not any(database[name].find_one({}, {"_id": 1}) for name in (ORDERS, ARCHIVED_ORDERS)):
            return "no orders yet"
        raise Problem("there are orders, but no summaries of them yet", "run `ecommerce summarize`")
    lag = datetime.now(UTC) - state.as_of
    if lag > LAG_MAX:
        raise Problem(
            f"the summaries are as of {state.as_of:%Y-%m-%d %H:%M} UTC, {lag.total_seconds() / 3600:,.1f} hours ago",
            "run `ecommerce summarize`; where that works, look why summarize-orders/hourly did not run",
        )
    return f"{max(0.0, lag.total_seconds()):,.0f} s behind"


def upgrade(settings: Settings) -> str:
    """The database is of this version's format, and its figures know all orders."""
    due = steps_due(get_database(settings))
    if due:
        raise Problem(
            f"an upgrade is due: {'; '.join(due)}", "stop what uses the database, then run `ecommerce upgrade`"
        )
    return "none due"


def documents(settings: Settings) -> str:
    """Every document of `orders` is an order, and every order that was counted is there."""
    database = get_database(settings)
    count, named = all_aside(database)
    if count:
        raise Problem(named_aside(count, named), REMEDY)
    if missing := count_orders_now(database).missing:
        raise Problem(
            f"{counted(missing, 'order that the figures count is', 'orders that the figures count are')} no longer in "
            "`orders`, and no archive run took any out",
            "run `ecommerce check`, which names them where the server still knows who was deleted",
        )
    return "all are orders, and all that were counted are there, as of the summaries"


def archive_runs(settings: Settings) -> str:
    """No archive run was left in the middle."""
    database = get_database(settings)
    run = unfinished_run(database)
    if run is None:
        return "none unfinished"
    if waits(run):
        return waiting_text(run)
    age = datetime.now(UTC) - (run.started_at or datetime.now(UTC))
    if age > RUN_MAX:
        raise Problem(
            f"archive run {run.run_id} is {run.state} since {age.total_seconds() / 3600:,.0f} hours and not committed; "
            "its orders are safe, but no other run begins before it ends",
            "run `ecommerce archive`: it finishes that run first, and says what keeps it from doing so",
        )
    if is_at_work(database):
        return f"run {run.run_id} is under way ({run.state})"
    return f"run {run.run_id} was left {run.state}: its orders are safe, the next archive run finishes it first"


def archive(settings: Settings) -> str:
    """The archive's file system answers and takes writes."""
    uri = archive_uri(settings)
    if (place := local_path(uri)) is not None:
        return _local_archive(place)
    if needs_embedded_hdfs(settings):
        if settings.mongo_uri is not None and archive_kind(settings) is None:
            return "none is named in this environment"
        return _embedded_hdfs(settings)
    if why := why_away(settings):
        raise Problem(why, CORRECT_ADDRESS)
    return f"{uri} answers" if uri.startswith("hdfs:") else f"{uri}: whether it answers, an archive run says"


def archive_table(settings: Settings) -> str:
    """The catalog has the table with the archived orders, and the table holds every run."""
    from ecommerce.archive.days import NAMED, wrongly_sized
    from ecommerce.archive.view import open_view

    remedy = "`ecommerce doctor --recover-catalog` looks for the table's newest description and enters that"
    try:
        with failures_explained("opening the archive's table", "It was only read."):
            view = open_view(settings)
            held = view.orders_held()
    except ArchiveError as error:
        raise Problem(str(error), f"where that is not what was meant, {remedy}") from None
    if view.table is None:
        return "nothing is archived yet"
    differing = [day for day, sums in view.days.items() if held.get(day, 0) != sums.orders]
    if differing:
        raise Problem(
            f"the table does not hold what the runs archived on {counted(len(differing), 'day')}, the first of them "
            f"{min(differing)}",
            f"an old catalog may have been brought back: {remedy}",
        )
    with failures_explained("looking at the archive's files", "They were only looked at."):
        damaged = wrongly_sized(view)
    if damaged:
        more = f"; and {counted(len(damaged) - NAMED, 'more day')}" if len(damaged) > NAMED else ""
        raise Problem(
            f"{'; '.join(f'{one.day} of the archive is damaged: {one.says}' for one in damaged[:NAMED])}{more}",
            "put the files back as they were from a backup made since run "
            f"{max(one.written_by for one in damaged)} (docs/backup.md), then run `ecommerce check`",
        )
    orders = f"{counted(sum(held.values()), 'order')} of {counted(len(held), 'day')}"
    return f"{orders}, in files of the size that they had; what is in them `ecommerce check` reads"


def last_check(settings: Settings) -> str:
    """The last check found every figure right and the archive whole."""
    database = get_database(settings)
    problems = check_problems(database)
    if problems:
        raise Problem("; ".join(one.says for one in problems), "; ".join(one.remedy for one in problems))
    as_of = last_checked(database)
    return f"all was right at {as_of:%Y-%m-%d %H:%M} UTC" if as_of else "nothing was checked yet"


def _local_archive(place: Path) -> str:
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise Problem(
            f"the archive's directory {place} cannot be written or made by this user (at {existing})",
            "give this user the right to it, or correct ECOMMERCE_ARCHIVE_URI",
        )
    return str(place)


def _embedded_hdfs(settings: Settings) -> str:
    record = living_record(settings.home_directory, "namenode")
    where, why = f"the embedded NameNode on port {settings.namenode_port}", why_stopped(record)
    if record is None:
        raise Problem(f"{where} is not running", start_it(settings, "namenode"))
    state = {} if why else namenode_state(record.pid)
    if not state:
        raise Problem(f"{where} does not answer{why and f': {why}'}", start_it(settings, "namenode"))
    if state.get("FSState") != "Operational":
        raise Problem(
            f"HDFS is in safe mode and takes no writes: {why_in_safe_mode(state)}",
            "it leaves it by itself once its DataNodes have reported their blocks: start those; "
            "where the disk is full, the check `space` says what frees some",
        )
    # The NameNode takes a silent one for living for 50 s.
    if why := why_stopped(read_record(settings.home_directory, "datanode")):
        raise Problem(f"the embedded DataNode does not answer: {why}", start_it(settings, "datanode"))
    living = int(str(state.get("NumLiveDataNodes", 0)))
    if not living:
        raise Problem("no DataNode is registered with the NameNode", start_it(settings, "datanode"))
    if damaged := damaged_files(state):
        more = f" and {len(damaged) - BLOCKS_NAMED:,} more" if len(damaged) > BLOCKS_NAMED else ""
        raise Problem(
            f"HDFS has found blocks of {'; '.join(damaged[:BLOCKS_NAMED])}{more} damaged or gone",
            f"put the blocks back in {settings.home_directory / 'hdfs' / 'data'}, then `ecommerce down` and "
            "`ecommerce up`, by which HDFS looks at them again; where they are lost, put the files back from a backup "
            "(docs/backup.md). `ecommerce check` says whether all can be read",
        )
    return f"operational, {living} DataNode(s)"
