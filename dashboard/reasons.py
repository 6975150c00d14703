"""Why something could not be shown, in a sentence for the viewer."""

from bson.errors import BSONError
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from dashboard.silence import SILENT
from ecommerce.errors import EcommerceError
from ecommerce.mongo import UNAUTHORIZED

EXPECTED = (PyMongoError, EcommerceError, BSONError)
"""What is raised where the database, a setting or a record is wrong. All else is a mistake of the program, or a record
that somebody wrote past the validator."""


def why(error: Exception, what: str = "Computing them failed") -> str:
    """A sentence; that `what` failed is said of an error that nobody has put in words."""
    if isinstance(error, EcommerceError):
        return str(error)
    if isinstance(error, ConnectionFailure):
        return SILENT
    said = next(iter(str(error).split(", full error")[0].splitlines()), "")[:200]
    is_refused = isinstance(error, OperationFailure) and error.code == UNAUTHORIZED
    asked = "doctor" if is_refused else "check"
    remedy = "the dashboard's log has its traceback" if mistake(error) else f"`ecommerce {asked}` says more"
    return f"{what} ({type(error).__name__}: {said}): {remedy}."


def mistake(error: Exception) -> Exception | None:
    """The error where it is a mistake of the program, whose traceback belongs in the log; else None."""
    return None if isinstance(error, EXPECTED) else error
