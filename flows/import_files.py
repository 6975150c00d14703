"""Imports what lies in the inbox, or the files it is given: a task per file, a table of counts and rejected rows."""

from pathlib import Path
from typing import Annotated

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from ecommerce.importing.files import find_files
from ecommerce.importing.import_files import import_file, plan, prepare_import
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.loading.inbox import files_left, put_away, waiting_files
from ecommerce.importing.loading.replay import replay_rejected
from ecommerce.importing.loading.report import FileReport, FilesFailed, ImportReport
from ecommerce.mongo import get_database
from ecommerce.settings import get_settings
from flows.common import progress_artifact
from flows.schedules import look_at_schedule

STATUSES_SHOWN = FILES_LEFT_SHOWN = 20


@task(cache_policy=NO_CACHE)
def find_work(paths: list[str], mapping: str | None, settle_seconds: float) -> list[str]:
    """The files to import, catalog tables first; without paths, those that wait in the inbox."""
    files = find_files(paths) if paths else waiting_files(get_settings().inbox_directory, settle_seconds)
    prepare_import(get_database())
    return [str(path) for path in plan(files, mapping)]


@task(cache_policy=NO_CACHE, task_run_name="import {path}")
def import_one(path: str, options: ImportOptions) -> FileReport:
    """Import one file."""
    with progress_artifact(f"import {Path(path).name}") as progress:
        return import_file(get_database(), Path(path), progress=progress, options=options)


@task(cache_policy=NO_CACHE)
def try_rejected_again(paths: list[str]) -> ImportReport:
    """Import the rows that were rejected before, and remove the accepted ones from `rejected_rows`."""
    prepare_import(get_database())
    with progress_artifact("rejected rows") as progress:
        return replay_rejected(get_database(), paths, progress=progress)


@task(cache_policy=NO_CACHE)
def put_away_files(report: ImportReport) -> None:
    """Move the files of the inbox to done/ or failed/: their rows are safe."""
    for file in report.files:
        put_away(file.path, file)


def unknown_text(file: FileReport) -> str:
    """The statuses of a file that the table of statuses does not have."""
    return ", ".join(f"{text} ({rows:,})" for text, rows in file.unknown_statuses.most_common(STATUSES_SHOWN))


def left_text(left: list[str]) -> str:
    """The files that no run takes."""
    names = ", ".join(left[:FILES_LEFT_SHOWN])
    return f". Left in the inbox, as their names are not those of files to import: {names}" if left else ""


@task(cache_policy=NO_CACHE)
def show(report: ImportReport, left: list[str]) -> None:
    """Publish the counts per file and the first rejected rows."""
    counts = ("read", "accepted", "unchanged", "changed", "rejected")
    create_table_artifact(
        key="imported-files",
        table=[
            {"file": file.path.name, "holds": file.rows_are}
            | {name: getattr(file, name) for name in counts}
            | {"unknown statuses": unknown_text(file), "notes": "; ".join(file.notes), "error": file.error or ""}
            for file in report.files
        ],
        description=f"Rows read = accepted + unchanged + changed + rejected{left_text(left)}",
    )
    rejections = [(file.path.name, rejection) for file in report.files for rejection in file.first_rejections]
    if rejections:
        create_table_artifact(
            key="rejected-rows",
            table=[{"file": name, "line": r.line, "code": r.code, "reason": r.reason} for name, r in rejections],
            description="The first rejected rows of each file; all of them are in the collection rejected_rows",
        )


@flow(name="import-files")
def import_files(
    paths: Annotated[list[str] | None, Field(max_length=10_000)] = None,
    mapping: str | None = None,
    encoding: str = "",
    max_rejected_share: Annotated[float, Field(ge=0, le=1)] = 0.25,
    settle_seconds: Annotated[float, Field(ge=0, le=3600)] = 5.0,
    replay: bool = False,
    keep_unknown: bool = False,
) -> ImportReport:
    """Bring orders and catalog tables in from files. Fails only where someone must act: a file that stopped.

    Args:
        paths: Files, folders or globs. Empty: what waits in the inbox, which is emptied.
        mapping: Mapping of order lines, a shipped name or a file. Empty: found by the columns.
        encoding: Of files that are not UTF-8, such as windows-1252. Empty: the mapping's.
        max_rejected_share: A file is stopped when more than this share of its rows is rejected.
        settle_seconds: Files of the inbox that were written to more recently than this are left for the next run.
        keep_unknown: Scalars of a JSON order that are no field of it become attributes; else they reject it.
        replay: Instead, try the rejected rows again: all of them, or those of the files that paths name.
    """
    look_at_schedule()
    if replay:
        report = try_rejected_again(paths or [])
    else:
        files = find_work(paths or [], mapping, settle_seconds)
        options = ImportOptions(mapping, encoding, keep_unknown=keep_unknown, max_rejected_share=max_rejected_share)
        report = ImportReport([import_one(path, options) for path in files])
        if not paths:
            put_away_files(report)
    left = [] if paths or replay else [path.name for path in files_left(get_settings().inbox_directory)]
    if left:
        get_run_logger().warning("the inbox has files that no run takes: %s", ", ".join(left[:FILES_LEFT_SHOWN]))
    show(report, left)
    if report.failed:
        raise FilesFailed(report)
    return report
