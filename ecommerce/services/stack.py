"""Every service of a home: started in order, waited for, watched, and stopped in reverse."""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import TypeVar

from pymongo.errors import PyMongoError

from ecommerce.archive.class_archive import has_class_archive
from ecommerce.errors import ServiceError, in_one_line, without_topology
from ecommerce.importing.loading.inbox import make_inbox
from ecommerce.jvm import Changes
from ecommerce.mongo import ORDERS, get_database
from ecommerce.prefect_api import embedded_api
from ecommerce.readable import counted
from ecommerce.schema import is_missing, prepare_collections
from ecommerce.services.archive_choice import choose_archive
from ecommerce.services.catalog_choice import catalog_in_postgres, record_catalog
from ecommerce.services.daemons import Daemon, said_when_slow
from ecommerce.services.dashboard import dashboard, dashboard_url
from ecommerce.services.disks import require_space
from ecommerce.services.environment import service_environment
from ecommerce.services.first_archive import archive_first_data
from ecommerce.services.first_data import (
    LEAVES_OUT,
    WITHOUT_DEMO,
    first_data,
    first_data_is_whole,
    is_left_empty,
    wants_demo,
)
from ecommerce.services.generator_schedule import deployments_file, is_own_shop
from ecommerce.services.hdfs import embedded_hdfs
from ecommerce.services.jobs import Job
from ecommerce.services.logs import Say
from ecommerce.services.marks import end_processes, marked_processes, stop_rank
from ecommerce.services.mending import mend_again_and_again
from ecommerce.services.mongod import mongod
from ecommerce.services.ports import http_answers
from ecommerce.services.postgres import NAME as POSTGRES
from ecommerce.services.postgres import postgres
from ecommerce.services.prefect import (
    SERVER,
    automations,
    close_stranded_runs,
    deployment,
    ensure_work_pool,
    parameters_kept,
    post,
    server,
    start_runs_directly,
    worker,
)
from ecommerce.services.prefect_database import choose_history, history_environment
from ecommerce.services.records import identity, locked
from ecommerce.services.watch import ASK_SECONDS, Watch
from ecommerce.settings import Settings
from ecommerce.shop import read_shop, require_same_shop
from ecommerce.upgrade import needs_archive, steps_due, upgrade_database

Part = TypeVar("Part", Daemon, Job)

WATCH_SECONDS = 1.0


class Stack:
    """The services of one home. `start`, then `watch` until interrupted, then always `stop`."""

    def __init__(self, settings: Settings, say: Say, *, demo: bool | None) -> None:
        self._settings = settings
        self._asked_for_demo = demo
        self._demo = False
        self.remarks: list[str] = []
        """What was said of the shop and is worth reading after the start, too."""
        self._home = settings.home_directory
        self._say = say
        self._guard = threading.Lock()
        self._stopping = False
        self._ended = threading.Event()
        self._postgres_guard = threading.Lock()
        self._has_postgres = False
        self._environment: Changes = {}
        self._java: Path | None = None
        self._is_new_shop = False
        self._parts: list[Daemon | Job] = []
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="start")

    def start(self) -> None:
        """Start everything and wait until it answers. Raises ServiceError at the first thing that cannot be had.

        What does not need each other starts at the same time: MongoDB, HDFS and the Prefect server, which takes
        longest; on MongoDB the first data and the dashboard; last the worker, whose first runs need all of it.
        """
        require_space(self._home)
        self._make_inbox()
        mongo = self._pool.submit(self._start_mongo)
        choice = choose_archive(self._settings)
        if choice.remark:
            self._say(choice.remark)
        self._java = choice.java
        self._environment = service_environment(self._settings, choice.java)
        prefect = self._pool.submit(self._start_server)
        hdfs = self._pool.submit(self._start_hdfs, choice.java) if choice.embedded_hdfs else None
        catalog = self._pool.submit(self._start_catalog)
        upgraded = self._pool.submit(self._upgrade, mongo, catalog, hdfs)
        needed = [mongo, prefect, catalog, upgraded, *([hdfs] if hdfs else [])]
        deployed = self._pool.submit(self._deploy, mongo, prefect)
        working = self._pool.submit(self._start_worker, needed)
        shown = self._pool.submit(self._start_dashboard, upgraded)
        filled = self._pool.submit(self._make_first_data, upgraded, shown)
        _await(*needed, shown, deployed, working, filled)

    def watch(self, settled: Callable[[], None]) -> None:
        """Start again what ends by itself or is silent, mend what keeps runs from starting, and say so.

        Calls `settled` once the first archive run of a new shop has ended; of another shop at once. Returns only by an
        exception, such as KeyboardInterrupt.
        """
        settling = self._pool.submit(self._settle)
        watch = Watch(self._home, self._say)
        mending = (self._settings, self._say, self._deploy_again, watch.note_failure, self._ended)
        threading.Thread(target=mend_again_and_again, args=mending, name="mend", daemon=True).start()

        def ask_again_and_again() -> None:
            while not self._ended.wait(ASK_SECONDS):
                try:
                    watch.ask(self._daemons())
                except Exception as error:  # noqa: BLE001 - whatever happened, the next time is another one
                    self._say(f"asking the services: {in_one_line(error)}")

        threading.Thread(target=ask_again_and_again, name="ask", daemon=True).start()
        while not settling.done():
            wait([settling], timeout=WATCH_SECONDS)
            watch.look(self._daemons())
        settling.result()
        settled()
        while True:
            time.sleep(WATCH_SECONDS)
            watch.look(self._daemons())

    def stop(self) -> None:
        """End everything in reverse order, a start that is under way included."""
        with self._guard:
            self._stopping = True
            self._ended.set()
            parts = list(self._parts)
        daemons = sorted((part for part in parts if isinstance(part, Daemon)), key=lambda it: stop_rank(it.name))
        for daemon in daemons:
            daemon.cancel()
            # What ends before it may need its answer: a worker takes leave of its server.
            daemon.wake()
        for part in parts:
            if isinstance(part, Job):
                part.stop()
        # Now no thread waits for anything any more, and from here on this one alone handles the daemons.
        self._pool.shutdown(cancel_futures=True)
        for daemon in daemons:
            try:
                with said_when_slow(self._say, daemon):
                    daemon.stop()
                if daemon.name == "prefect-worker" and http_answers(f"{embedded_api(self._settings)}/health", 5):
                    # Else the next start closes them.
                    close_stranded_runs(self._settings)
            except (ServiceError, OSError) as error:
                self._say(f"{daemon.name}: {error}")
        end_processes(marked_processes(self._home, supervisor=identity()), timeout_seconds=5)

    def _make_inbox(self) -> None:
        """Somewhere to put files into. Where there can be none, the hourly import says so again; all else works."""
        try:
            make_inbox(self._settings.inbox_directory)
        except ServiceError as error:
            self._remark(str(error))

    def _start_mongo(self) -> None:
        if self._settings.mongo_uri is None:
            with locked(self._home, "mongod.start"):
                self._part(mongod(self._home, self._settings.mongo_port)).start()
        database = get_database(self._settings)
        try:
            database.client.admin.command("ping")
            if is_missing(database):
                self._say(f"new database {database.name!r}")
            prepare_collections(database)
            self._demo = wants_demo(database, self._settings, self._asked_for_demo)
        except PyMongoError as error:
            raise ServiceError(f"MongoDB cannot be used: {without_topology(error)[:300]}") from None

    def _upgrade(self, mongo: Future[None], catalog: Future[None], hdfs: Future[None] | None) -> None:
        """Bring the data of an older version forward before anything uses it. Where none is due that costs 10 ms."""
        mongo.result()
        database = get_database(self._settings)
        if due := steps_due(database):
            if needs_archive(database):
                catalog.result()
                if hdfs is not None:
                    hdfs.result()
            for step in due:
                self._say(f"upgrade: {step}")
            for line in upgrade_database(database, self._settings).moved:
                self._say(f"upgrade: {line}")
        require_same_shop(database, self._settings)

    def _start_hdfs(self, java_home: Path) -> None:
        with locked(self._home, "hdfs.start"):
            hdfs = embedded_hdfs(self._home, self._settings.namenode_port, java_home, self._settings.cache)
            self._part(hdfs.namenode)
            self._part(hdfs.datanode)
            hdfs.start()

    def _start_server(self) -> None:
        history = choose_history(self._settings)
        if history.remark:
            self._say(history.remark)
        if history.postgres:
            self._start_postgres()
        environment = {**self._environment, **history_environment(self._settings, history)}
        with locked(self._home, f"{SERVER}.start"):
            self._part(server(self._settings, environment)).start()
        close_stranded_runs(self._settings)
        ensure_work_pool(self._settings)

    def _start_postgres(self) -> None:
        """Once, for Prefect's history and the archive's catalog."""
        with self._postgres_guard:
            if not self._has_postgres:
                with locked(self._home, f"{POSTGRES}.start"):
                    self._part(postgres(self._home)).start()
                self._has_postgres = True

    def _start_catalog(self) -> None:
        if catalog_in_postgres(self._settings):
            self._start_postgres()
            record_catalog(self._settings)

    def _deploy(self, mongo: Future[None], prefect: Future[None]) -> None:
        mongo.result()
        prefect.result()
        self._deploy_all()
        self._part(automations(self._settings, self._environment)).start().finish()

    def _deploy_all(self) -> None:
        """Deploy with the daily schedules in the shop's days, and no made-up orders for a shop that has its own."""
        database = get_database(self._settings)
        own = is_own_shop(database, self._settings, demo=self._demo)
        file = deployments_file(self._settings, partial(post, self._settings), own_shop=own)
        environment = {**self._environment, "SHOP_TIME_ZONE": read_shop(database).time_zone}
        with parameters_kept(self._settings, self._say):
            self._part(deployment(self._settings, environment, file)).start().finish()

    def _deploy_again(self) -> None:
        self._deploy_all()
        # The worker gives the new pool its template.
        start_runs_directly(self._settings)

    def _make_first_data(self, mongo: Future[None], shown: Future[None]) -> None:
        mongo.result()
        database = get_database(self._settings)
        if not self._demo:
            if self._asked_for_demo is None and is_left_empty(database, self._settings):
                self._remark(WITHOUT_DEMO)
            return
        job = first_data(self._settings)
        if job is None:
            return
        self._is_new_shop = True
        self._say(f"first start: making a demo, a shop with half a year of made-up orders; {LEAVES_OUT}")
        self._part(job).start().finish()
        orders = counted(database[ORDERS].estimated_document_count(), "order")
        self._remark(f"{orders} of a demo were made up; {LEAVES_OUT}")
        shown.result()
        # The archive run takes a minute or more on a slow machine; nobody needs to wait for it to look.
        self._say(f"the shop is on the dashboard now: {dashboard_url(self._settings)}")

    def _settle(self) -> None:
        """Archive the older half of a new shop, then leave Spark's classes in the cache."""
        if self._is_new_shop:
            archive_first_data(self._settings, self._say, self._ended)
            if not self._ended.is_set():
                first_data_is_whole(self._settings)
        if self._java and not self._ended.is_set() and not has_class_archive(self._settings, self._java):
            # Spark's starts are faster once it has ended.
            command = [sys.executable, "-m", "ecommerce.archive.leave_classes"]
            self._part(Job("class-archive", command, home=self._home, environment=self._environment)).start()

    def _start_dashboard(self, mongo: Future[None]) -> None:
        mongo.result()
        self._part(dashboard(self._settings, self._environment)).start()

    def _start_worker(self, needed: list[Future[None]]) -> None:
        for future in needed:
            future.result()
        self._part(worker(self._settings, self._environment)).start()
        start_runs_directly(self._settings)

    def _daemons(self) -> list[Daemon]:
        with self._guard:
            return [part for part in self._parts if isinstance(part, Daemon)]

    def _remark(self, line: str) -> None:
        self._say(line)
        self.remarks.append(line)

    def _part(self, part: Part) -> Part:
        """Take a part into the list of what `stop` ends, before it is started."""
        with self._guard:
            if self._stopping:
                raise ServiceError(f"the start of {part.name} was stopped")
            self._parts.append(part)
        return part


def _await(*futures: Future[None]) -> None:
    """Wait for all, or for the first that fails, and raise what it failed with."""
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    # In the order given, causes come before what failed because of them.
    for future in futures:
        if future in done:
            future.result()
