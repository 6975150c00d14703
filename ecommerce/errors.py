"""Errors that people read: one line that names the value, where it came from and what to do."""


class EcommerceError(Exception):
    """A problem a user can act on. The CLI prints its text without a traceback and exits with 1."""


class SettingsError(EcommerceError):
    """A setting has an impossible value."""


class ServiceError(EcommerceError):
    """A service (MongoDB, HDFS, Spark, Prefect, dashboard) is missing, down or cannot start."""


class InputError(EcommerceError):
    """Options or input data that cannot be used."""


def without_topology(error: Exception) -> str:
    """What an error says, without the servers and their states that PyMongo puts behind it."""
    return str(error).partition(", Timeout:")[0]


def first_line(error: Exception) -> str:
    """The first line of that; the error's type where it says nothing."""
    return next(iter(without_topology(error).splitlines()), type(error).__name__)


def in_one_line(error: Exception) -> str:
    """What an error of a library says, with its type."""
    return f"{type(error).__name__}: {first_line(error)[:200]}"
