"""Why something could not be shown, in a sentence for the viewer."""

from pymongo.errors import ConnectionFailure, PyMongoError

from dashboard.silence import SILENT
from ecommerce.errors import EcommerceError

EXPECTED = (PyMongoError, EcommerceError)
"""What is raised where the database, a setting or a record is wrong. All else is a mistake of the program."""


def why(error: Exception, what: str = "Computing them failed") -> str:
    """A sentence; that `what` failed is said of an error that nobody has put in words."""
    if isinstance(error, EcommerceError):
        return str(error)
    if isinstance(error, ConnectionFailure):
        return SILENT
    said = next(iter(str(error).split(", full error")[0].splitlines()), "")[:200]
    remedy = "the dashboard's log has its traceback" if mistake(error) else "`ecommerce check` says more"
    return f"{what} ({type(error).__name__}: {said}): {remedy}."


def mistake(error: Exception) -> Exception | None:
    """The error where it is a mistake of the program, whose traceback belongs in the log; else None."""
    return None if isinstance(error, EXPECTED) else error
