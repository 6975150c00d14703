"""The tick of the process: one refresh in a thread, sent to each open page on its own turn of the event loop."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any
from weakref import WeakKeyDictionary

import panel as pn
from bokeh.document import Document
from pymongo.errors import PyMongoError

from dashboard.attention import read_notices
from dashboard.feed import Feed, Sources, Tick
from dashboard.figures import Question
from dashboard.pipeline import read_low_stock, read_pipeline
from dashboard.reasons import mistake
from dashboard.session import Session
from dashboard.silence import SILENT, answers
from dashboard.trends import read_trends
from ecommerce.kpis.store import KpiStore
from ecommerce.mongo import get_database
from ecommerce.settings import Settings, get_settings
from ecommerce.shop import Shop, read_shop, require_same_shop, shop_of_settings

log = logging.getLogger(__name__)

TASK = "dashboard-tick"

REHEARSAL_SECONDS = 10
"""A first look at millions of orders takes longer, and the server should not listen that much later."""

SLOW_SECONDS = 5
"""A tick that takes longer may be waiting for a server that is silent: whether it is, is asked then."""

Deliver = Callable[[Tick], None]

_pages: "WeakKeyDictionary[Session, tuple[Document, Deliver]]" = WeakKeyDictionary()
_tasks: set[asyncio.Task[None]] = set()
_last_start = float("-inf")
_is_ticking = False


@lru_cache(maxsize=1)
def the_feed() -> Feed:
    """The feed of this process."""
    settings = get_settings()
    sources = Sources(
        open_store=lambda: _open_store(settings),
        read_pipeline=lambda: read_pipeline(get_database(settings), settings),
        read_low_stock=lambda store: read_low_stock(get_database(settings), store, settings, store.hours.zone),
        read_trends=lambda asked, figures: read_trends(
            get_database(settings), read_shop(get_database(settings)), asked, figures
        ),
        read_notices=lambda store, lag: read_notices(get_database(settings), store, settings, lag, store.hours.zone),
    )
    shop = _shop(settings)
    return Feed(sources, shop.zone, shop.currency)


def _open_store(settings: Settings) -> KpiStore:
    """The store of the figures. Raises SettingsError where a setting says another shop than the database's."""
    require_same_shop(get_database(settings), settings)
    return KpiStore(get_database(settings))


def _shop(settings: Settings) -> Shop:
    """The database's shop; that of the settings while MongoDB is away: the first tick knows better."""
    try:
        return read_shop(get_database(settings))
    except PyMongoError:
        return shop_of_settings(settings)


def join(watcher: Session, document: Document, deliver: Deliver) -> None:
    """Have `deliver` called, with the document's lock, after every tick for as long as the watcher lives."""
    _pages[watcher] = (document, deliver)
    was_watched = the_feed().watched
    the_feed().join(watcher)
    # Idempotent: the first session of the process starts the clock.
    pn.state.schedule_task(TASK, _tick, period=timedelta(seconds=get_settings().refresh_seconds))
    if not was_watched:  # the figures are as old as the last one who looked
        _begin(_tick())


def leave(watcher: Session) -> None:
    """Forget a watcher whose session ended."""
    the_feed().leave(watcher)
    _pages.pop(watcher, None)


def is_rehearsal(document: Document) -> bool:
    """Whether this page is one that nobody will see: `panel serve --warm` builds it before it listens."""
    return document.session_context is None or document.session_context.server_context is None


def rehearse(question: Question) -> None:
    """Have an answer ready for the first viewer; returns after REHEARSAL_SECONDS at the latest and goes on behind."""
    work = threading.Thread(target=the_feed().prepare, args=(question,), daemon=True)
    work.start()
    work.join(REHEARSAL_SECONDS)


async def _tick() -> None:
    global _last_start, _is_ticking
    started = time.monotonic()
    # After a stall the scheduler runs every missed tick at once; one is enough.
    is_early = started - _last_start < get_settings().refresh_seconds / 2
    if is_early or _is_ticking or not the_feed().watched:
        return
    _last_start, _is_ticking = started, True
    try:
        work = asyncio.create_task(asyncio.to_thread(the_feed().tick))
        while not (await asyncio.wait({work}, timeout=SLOW_SECONDS))[0]:
            # Much that is new takes a tick long, too.
            if not await answers(get_database()) and not work.done() and the_feed().last.freshness.problem != SILENT:
                log.warning("a tick waits for MongoDB, which does not answer")
                _tell(the_feed().says(SILENT))
        _tell(work.result())
    except Exception:
        log.exception("the dashboard's tick failed")
    finally:
        _is_ticking = False


def _tell(tick: Tick) -> None:
    """Have every open page show a tick."""
    for document, deliver in list(_pages.values()):
        if document.session_context is not None:
            document.add_next_tick_callback(partial(_deliver, document, deliver, tick))


def _deliver(document: Document, deliver: Deliver, tick: Tick) -> None:
    # A task has the document of the session that began it: for all others Panel would put off each change, and send it
    # as a message of its own.
    pn.state.curdoc = document
    try:
        with pn.io.hold(document):
            deliver(tick)
    except Exception:
        log.exception("a page could not be brought up to date")


def in_thread(work: Callable[[], Any], then: Callable[[Any], None], document: Document) -> None:
    """Run `work` beside the event loop and hand its result, or its exception, to `then` with the document's lock."""

    async def run() -> None:
        try:
            result = await asyncio.to_thread(work)
        except Exception as error:
            if mistake(error):
                log.exception("an answer failed")
            result = error
        if document.session_context is not None:
            document.add_next_tick_callback(partial(_deliver, document, then, result))

    _begin(run())


def _begin(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    _tasks.add(task)  # the loop itself holds tasks weakly
    task.add_done_callback(_tasks.discard)
