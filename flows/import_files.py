"""Imports what lies in the inbox, or the files it is given: a task per file, a table of counts and rejected rows."""

import logging
from pathlib import Path
from typing import Annotated, Any

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run, task_run
from pydantic import Field

from ecommerce.importing.files import find_files, left_beside
from ecommerce.importing.import_files import import_file, plan, prepare_import
from ecommerce.importing.left_out import LeftOut, left_out_text, names_of
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.loading.inbox import look_into, put_away, take_back_failed
from ecommerce.importing.loading.ledger import note_place
from ecommerce.importing.loading.replay import replay_rejected
from ecommerce.importing.loading.report import FileReport, FilesFailed, ImportReport
from ecommerce.ingest.forgotten import forgotten_people
from ecommerce.mongo import get_database
from ecommerce.readable import counted
from ecommerce.settings import get_settings
from flows.common import TASK_SECONDS, finished, pipeline_flow, scheduled_time
from flows.events import orders_imported
from flows.forms import AS_SET, Unset, chosen, settings_by_operators
from flows.links import day_of, link_dashboard
from flows.progress import progress_artifact
from flows.schedules import look_at_schedule

STATUSES_SHOWN = 20


def run_name(parameters: dict[str, Any]) -> str:
    """What a run imports."""
    paths = parameters.get("paths") or []
    if parameters.get("replay"):
        return "import rejected rows again"
    if not paths:
        return f"import inbox {scheduled_time():%Y-%m-%d %H:%M}"
    return f"import {Path(paths[0]).name}" + (f" and {len(paths) - 1} more" if paths[1:] else "")


def file_name() -> str:
    """The name of a task that imports a file."""
    return f"import {Path(task_run.parameters['path']).name}"


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def find_work(paths: list[str], mapping: str | None, settle_seconds: float) -> tuple[list[str], list[LeftOut]]:
    """The files to import, catalog tables first, and what lies beside them and no import takes.

    Without paths, the files that wait in the inbox.

    A run that is tried again first takes back what its last attempt moved to failed/.
    """
    if flow_run.run_count > 1 and not paths:
        for path in take_back_failed(get_database(), str(flow_run.id)):
            get_run_logger().info("%s failed in an earlier attempt of this run and is tried again", path.name)
    if paths:
        files, left = find_files(paths), left_beside(paths)
    else:
        inbox = look_into(get_settings().inbox_directory, settle_seconds)
        files, left = inbox.waiting, inbox.left
        if inbox.unsettled:
            get_run_logger().info(
                "left for a later run, as they may still be written to (empty, cut off, or new): %s",
                ", ".join(inbox.unsettled),
            )
    prepare_import(get_database())
    planned = [str(path) for path in plan(files, mapping)]
    get_run_logger().info("%s to import", counted(len(planned), "file"))
    return planned, left


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS, task_run_name=file_name)
def import_one(path: str, options: ImportOptions) -> FileReport:
    """Import one file. Raises FilesFailed, with its report, where the file was not imported to its end."""
    with progress_artifact("import", Path(path).name) as progress:
        report = import_file(get_database(), Path(path), progress=progress, options=options)
    level = logging.WARNING if report.rejected or report.error or report.is_empty else logging.INFO
    get_run_logger().log(level, "%s", report)
    if report.error:
        raise FilesFailed(ImportReport([report]))
    return report


def import_each(paths: list[str], options: ImportOptions) -> ImportReport:
    """Import the files one after the other; one that fails, which its task shows, does not keep the others."""
    report = ImportReport()
    for path in paths:
        try:
            report.files.append(import_one(path, options))
        except FilesFailed as failed:
            report.files += failed.report.files
        except BaseException as error:
            if before := [file.path.name for file in report.files]:
                error.add_note(f"The files before it were read: {names_of(before)}")
            raise
    return report


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def try_rejected_again(paths: list[str]) -> ImportReport:
    """Import the rows that were rejected before, and remove the accepted ones from `rejected_rows`."""
    prepare_import(get_database())
    with progress_artifact("rejected rows") as progress:
        return replay_rejected(get_database(), paths, progress=progress)


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def put_away_files(report: ImportReport) -> None:
    """Move the files of the inbox to done/ or failed/: their rows are safe."""
    database = get_database()
    people = forgotten_people(database)
    for file in report.files:
        note_place(database, file, put_away(file.path, file, people))
    get_run_logger().info("%s moved out of the inbox", counted(len(report.files), "file"))


def unknown_text(file: FileReport) -> str:
    """The statuses of a file that the table of statuses does not have."""
    return ", ".join(f"{text} ({rows:,})" for text, rows in file.unknown_statuses.most_common(STATUSES_SHOWN))


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def show(report: ImportReport) -> None:
    """Publish the counts per file, what was left, and the first rejected rows."""
    counts = ("read", "accepted", "unchanged", "changed", "rejected")
    left = f". Left, as no import takes it: {left_out_text(report.left)}" if report.left else ""
    create_table_artifact(
        key="imported-files",
        table=[
            {"file": file.path.name, "holds": file.holds}
            | {name: getattr(file, name) for name in counts}
            | {"unknown statuses": unknown_text(file), "notes": "; ".join(file.notes), "error": file.error or ""}
            for file in report.files
        ],
        description=". ".join((f"Rows read = accepted + unchanged + changed + rejected{left}", *report.notes)),
    )
    rejections = [(file.path.name, rejection) for file in report.files for rejection in file.first_rejections]
    if rejections:
        create_table_artifact(
            key="rejected-rows",
            table=[{"file": name, "line": r.line, "code": r.code, "reason": r.reason} for name, r in rejections],
            description="The first rejected rows of each file; all of them are in the collection rejected_rows",
        )
    shown = counted(len(report.files), "file"), counted(len(rejections), "rejected row")
    get_run_logger().info("pages: %s, %s", *shown)


def link_days(report: ImportReport) -> None:
    """A link to the days of the orders that came in, where any did."""
    first = [file.first_order_ms for file in report.files if file.first_order_ms is not None]
    last = [file.last_order_ms for file in report.files if file.last_order_ms is not None]
    if first and last:
        link_dashboard(day_of(min(first)), day_of(max(last)))


@pipeline_flow("import-files", run_name)
def import_files(
    paths: Annotated[list[str] | None, Field(max_length=10_000)] = None,
    mapping: str | None = None,
    encoding: str = "",
    max_rejected_share: Annotated[float, Field(ge=0, le=1)] | Unset = AS_SET,
    settle_seconds: Annotated[float, Field(ge=0, le=3600)] | Unset = AS_SET,
    replay: bool = False,
    keep_unknown: bool = False,
) -> ImportReport:
    """Bring orders and catalog tables in from files. Fails only where someone must act: a file that stopped.

    Args:
        paths: Files, folders or globs. Empty: what waits in the inbox, which is emptied.
        mapping: Mapping of order lines, a shipped name or a file. Empty: found by the columns.
        encoding: Of files that are not UTF-8, such as windows-1252. Empty: the mapping's.
        max_rejected_share: A file is stopped when more than this share of its rows is rejected. Empty: as the setting
            import_max_rejected_share says, 0.25 unless changed.
        settle_seconds: Files of the inbox that were written to more recently than this are left for the next run.
            Empty: as the setting import_settle_seconds says, 5 unless changed.
        keep_unknown: Scalars of a JSON order that are no field of it become attributes; else they reject it.
        replay: Instead, try the rejected rows again: all of them, or those of the files that paths name.
    """
    look_at_schedule()
    settings = settings_by_operators("import")
    if replay:
        report = try_rejected_again(paths or [])
    else:
        settle = chosen(settle_seconds, settings.import_settle_seconds)
        files, left = find_work(paths or [], mapping, settle)
        options = ImportOptions(
            mapping,
            encoding,
            keep_unknown=keep_unknown,
            max_rejected_share=chosen(max_rejected_share, settings.import_max_rejected_share),
            flow_run=flow_run.id,
        )
        report = import_each(files, options)
        if not paths:
            put_away_files(report)
        report.left = left
    if report.left:
        get_run_logger().warning("left, as no import takes it: %s", left_out_text(report.left))
    for note in report.notes:
        get_run_logger().warning("%s", note)
    show(report)
    orders_imported(report)
    link_days(report)
    if report.failed:
        raise FilesFailed(report)
    return finished(report, str(report))
