"""Forgetting a person: a request that was confirmed is taken through its steps, and one that was left is finished."""

from collections.abc import Iterator
from contextlib import contextmanager

from ecommerce.archive.archiver import finish
from ecommerce.archive.context import ArchiveContext, archive_context
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.expire import finish_expiry
from ecommerce.archive.identity import table_known
from ecommerce.archive.lease import archive_lease
from ecommerce.archive.run import CLOSED
from ecommerce.archive.runs import unfinished_run
from ecommerce.forget.records import ASKED, COMMITTED, ForgetRun, confirmed_requests, request_of
from ecommerce.forget.steps import STEPS, Place, confirm
from ecommerce.gate import require_known_format
from ecommerce.mongo import get_database
from ecommerce.settings import Settings


def forget(settings: Settings, run_id: str) -> ForgetRun:
    """Do what a request asks, and finish others that were left. A request that is done stays as it is.

    Raises InputError where there is no such request, ArchiveBusyError where an archiver works, ArchiveError where a
    step fails: the next run goes on there.
    """
    database = get_database(settings)
    require_known_format(database)
    run = request_of(database, run_id)
    if run.state == ASKED:
        confirm(database, run)
    finish_requests(settings)
    return request_of(database, run_id)


def finish_requests(settings: Settings) -> list[ForgetRun]:
    """Finish the requests that were begun; nothing is started where there is none."""
    database = get_database(settings)
    runs = confirmed_requests(database)
    if not runs:
        return []
    with _place(settings) as place:
        return [_finished(place, run) for run in runs]


def finish_requests_in(context: ArchiveContext) -> list[ForgetRun]:
    """The same for an archiver, before it begins anything else."""
    place = Place(context.settings, context.database, context)
    runs = confirmed_requests(context.database)
    if runs:
        _finish_open_run(context)
    return [_finished(place, run) for run in runs]


def _finished(place: Place, run: ForgetRun) -> ForgetRun:
    while run.state != COMMITTED:
        run = STEPS[run.state](place, run)
    return run


@contextmanager
def _place(settings: Settings) -> Iterator[Place]:
    database = get_database(settings)
    if table_known(database) is None:
        with archive_lease(database):
            yield Place(settings, database, None)
        return
    with archive_context(settings) as context:
        _finish_open_run(context)
        yield Place(settings, database, context)


def _finish_open_run(context: ArchiveContext) -> None:
    """An archive run that is open has rows of its own. Raises ArchiveError where it waits for a person."""
    finish_expiry(context)
    left = unfinished_run(context.database)
    if left and finish(context, left).state not in CLOSED:
        raise ArchiveError(
            f"archive run {left.run_id} waits for a person's word, and its rows may name whom you forget: answer it "
            "with `ecommerce archive --approve`, then run this again"
        )
