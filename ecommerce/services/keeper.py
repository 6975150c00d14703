"""`python -m ecommerce.services.keeper SERVICE`: owns one embedded service while commands use it.

The service is mongod, hdfs, postgres or prefect-server. It says `ready`, or in one line why not, and ends the
service when nobody holds the lock `<service>.users` any more.
"""

import contextlib
import signal
import sys
import time
from pathlib import Path

from ecommerce.errors import EcommerceError
from ecommerce.java import java_home
from ecommerce.services.daemons import Daemon
from ecommerce.services.environment import prefect_environment, settings_environment
from ecommerce.services.hdfs import Hdfs, embedded_hdfs
from ecommerce.services.mongod import mongod
from ecommerce.services.on_demand import HDFS, POSTGRES, PREFECT, embedded_postgres
from ecommerce.services.postgres import postgres
from ecommerce.services.prefect import temporary_server
from ecommerce.services.prefect_database import choose_history, history_environment
from ecommerce.services.records import locked_at_once
from ecommerce.settings import Settings, get_settings

LOOK_SECONDS = 0.1


def main() -> int:
    """Keep the service named on the command line; exit code 1 where it did not start."""
    service = sys.argv[1]
    settings = get_settings()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    needed = contextlib.ExitStack()
    try:
        running = _service(settings, service, needed)
        needed.callback(running.stop)
        running.start()
        _say("ready")
        _keep(settings.home_directory, service, running)
    except EcommerceError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        needed.close()
    return 0


def _keep(home: Path, service: str, running: Daemon | Hdfs) -> None:
    """Return when nobody uses the service, having stopped it, or when it ended by itself."""
    while _alive(running):
        time.sleep(LOOK_SECONDS)
        # Both locks: nobody uses it, and nobody is about to.
        with locked_at_once(home, f"{service}.start") as alone, locked_at_once(home, f"{service}.users") as unused:
            if alone and unused:
                running.stop()
                return


def _service(settings: Settings, service: str, needed: contextlib.ExitStack) -> Daemon | Hdfs:
    """The service, not started yet, with what it needs itself answering until `needed` is closed."""
    home = settings.home_directory
    if service == PREFECT:
        history = choose_history(settings)
        if history.postgres:
            needed.enter_context(embedded_postgres(settings))
        environment = settings_environment(settings) | prefect_environment(settings)
        return temporary_server(settings, {**environment, **history_environment(settings, history)})
    if service == POSTGRES:
        return postgres(home)
    if service == HDFS:
        return embedded_hdfs(home, settings.namenode_port, java_home(settings), settings.cache)
    return mongod(home, settings.mongo_port)


def _alive(running: Daemon | Hdfs) -> bool:
    daemons = (running.namenode, running.datanode) if isinstance(running, Hdfs) else (running,)
    return all(daemon.running() for daemon in daemons)


def _say(line: str) -> None:
    # The command that waits for this line may have been ended meanwhile.
    with contextlib.suppress(BrokenPipeError):
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
