"""What a run's log shows: what the library says, and a person's mistake as one line instead of a traceback."""

import logging
import sys

from prefect.exceptions import MissingContextError
from prefect.logging.handlers import APILogHandler

from ecommerce.errors import EcommerceError

RUN_LOGGERS = ("prefect.flow_runs", "prefect.task_runs")


class WithoutTraceback(logging.Filter):
    """Of an error that says in its text what is wrong and what to do, that text and its notes are logged alone."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, EcommerceError):
            record.exc_info = record.exc_text = None
            record.msg, record.args = "%s", (". ".join([str(error), *getattr(error, "__notes__", ())]),)
        return True


class LogOfRun(APILogHandler):
    """Adds lines to the log of the run in whose context they are written; others, as from helper threads, are left."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], MissingContextError):
            super().handleError(record)


def show_what_the_library_says() -> None:
    """Put what modules of the library log into the log of the run; called again, it changes nothing.

    The setting PREFECT_LOGGING_EXTRA_LOGGERS does the same, where each process that runs flows is started with it.
    """
    logger = logging.getLogger("ecommerce")
    logger.setLevel(logging.INFO)
    if not any(isinstance(one, LogOfRun) for one in logger.handlers):
        logger.addHandler(LogOfRun())


def show_errors_in_one_line() -> None:
    """Make the loggers of runs do so; called again, it changes nothing."""
    for logger in map(logging.getLogger, RUN_LOGGERS):
        if not any(isinstance(one, WithoutTraceback) for one in logger.filters):
            logger.addFilter(WithoutTraceback())
