"""Why something could not be shown, in a sentence for the viewer."""

from pymongo.errors import ConnectionFailure, PyMongoError

from dashboard.silence import SILENT
from ecommerce.errors import EcommerceError

AWAY = (PyMongoError, EcommerceError)
"""What is raised while the database is away."""


def why(error: Exception, what: str = "Computing them failed", remedy: str = ": `ecommerce check` says more") -> str:
    """A sentence; `what` failed, and the `remedy`, are said of an error that nobody has put in words."""
    if isinstance(error, EcommerceError):
        return str(error)
    if isinstance(error, ConnectionFailure):
        return SILENT
    said = next(iter(str(error).split(", full error")[0].splitlines()), "")[:200]
    return f"{what} ({type(error).__name__}: {said}){remedy}."
