"""What can go wrong with the archive, and what a failure of Spark, HDFS or MongoDB means for the data."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import PyMongoError

from ecommerce.errors import EcommerceError, ServiceError
from ecommerce.jars import ICEBERG
from ecommerce.settings import get_settings


class ArchiveError(EcommerceError):
    """A step of an archive run failed. The message says in what state the data is and what to do."""


class ArchiveBusyError(ArchiveError):
    """Another process archives, compacts or cleans up at this moment."""


class ArchiveElsewhereError(ArchiveError):
    """The database's orders are in an archive that this process was not given: its catalog has no table of them."""


class SparkEndedError(ArchiveError):
    """Spark's JVM ended or was killed: nothing more can be done in this process, and the next run goes on."""


class VerificationError(ArchiveError):
    """What was read back from the archive is not what MongoDB holds. Nothing was deleted."""


_JVM_ENDED = "Spark's JVM ended"

_NOT_REACHED = (
    r"ConnectException|Connection re(?:fused|set)|Call From .* failed|UnknownHost|EOFException"
    r"|failed to lookup address|Name or service not known"
)
_NO_PERMISSION = r"AccessControlException|Permission denied|PermissionError"

_CAUSES: tuple[tuple[str, str], ...] = (
    (
        r"Cannot find catalog plugin class|ClassNotFoundException: org\.apache\.iceberg",
        f"this Spark lacks Iceberg's jar: put {ICEBERG.file_name} on its class path, or let "
        "ecommerce.archive.spark.spark_session start it",
    ),
    (
        r"psycopg2\.|sqlite3\.|org\.sqlite\.|org\.postgresql\.",
        "the archive's catalog cannot be used: `ecommerce doctor` looks at it",
    ),
    (
        r"Resources are low on NN",
        "HDFS is in safe mode: the disk of its NameNode is full. Free some space there, and it leaves that by itself",
    ),
    (r"safe ?mode", "HDFS is in safe mode: it leaves that by itself when enough DataNodes have reported"),
    (_NO_PERMISSION, "no permission to write there: give this user the archive's directory"),
    (r"DSQuotaExceeded|NSQuotaExceeded|DiskOutOfSpace|out of space", "no space left: make room in the archive"),
    (
        r"No space left",
        "no space left: make room in the folder `spark` of ECOMMERCE_HOME, where Spark's scratch files are, or in the "
        "archive where that is a folder",
    ),
    (
        r"could only be written to 0 of|All (?:datanodes .* are bad|DataNodes failed)|NoRouteToHost"
        r"|Could not obtain block|BlockMissing",
        "no DataNode takes or gives data: start it, or see whether its disk is full",
    ),
    (r"pymongo\.errors\.OperationFailure: Auth", "MongoDB refuses the user of ECOMMERCE_MONGO_URI"),
    (r"pymongo\.errors\.", "Spark lost its connection to MongoDB"),
    (
        # Python's own words for a refused connection are those of its connection to the JVM.
        r"Answer from Java side is empty|Error while sending or receiving|Py4JNetworkError|^\[Errno \d+\] Connection",
        _JVM_ENDED,
    ),
    (_NOT_REACHED, "HDFS cannot be reached: start it"),
    (r"OutOfMemoryError|Java heap space", "Spark ran out of memory"),
)
"""Pattern in the text of an error of Java, or of a Python worker → what it means and what to do."""

_LIBRARIES = {"py4j", "pyspark", "pyarrow", "pyiceberg", "sqlalchemy"}
"""Whose errors are about the archive's files, its table or its catalog."""

_OF_HDFS_CLIENT = re.compile(r"[A-Z][A-Za-z]+(?:\(.*\))?", re.DOTALL)
"""Most errors of the HDFS client that needs no JVM are a RuntimeError, their text a value of Rust: `RPCError("…")`."""

_CREDENTIALS = re.compile(r"(mongodb(?:\+srv)?://)[^@/\s]*@", re.IGNORECASE)
_EXCERPT_LENGTH = 300

_PARQUET = re.compile(r"(?<=while reading file )\S+\.parquet")
"""Spark's words for a file with something broken in it."""


def without_credentials(text: str) -> str:
    """The text with user and password of every MongoDB URI in it left out."""
    return _CREDENTIALS.sub(r"\1…@", text)


def explain(error: BaseException) -> str:
    """One line that says what happened, from an error of Spark, Hadoop or MongoDB, without credentials."""
    text = without_credentials(str(error))
    if isinstance(error, PyMongoError):
        return f"MongoDB: {text.split(', Timeout:')[0].splitlines()[0][:_EXCERPT_LENGTH]}"
    if damaged := _PARQUET.search(text):
        return f"{damaged[0]} cannot be read: put it back from a backup (docs/backup.md)"
    # Of some errors of Java PySpark's text has the first line alone, and the cause is in the lines below it.
    whole = without_credentials(f"{text}\n{getattr(error, '_stackTrace', None) or ''}")
    for pattern, meaning in _CAUSES:
        if re.search(pattern, whole):
            return f"{meaning}{_setting(pattern)} ({_telling_line(whole, pattern)})"
    return _telling_line(text, r"Caused by|Exception|Error")


def _setting(pattern: str) -> str:
    """What may be wrong where a setting says where the archive is; else nothing."""
    uri = get_settings().archive_uri
    if not uri or pattern not in (_NOT_REACHED, _NO_PERMISSION):
        return ""
    return f", or correct ECOMMERCE_ARCHIVE_URI, which is {uri}"


def _telling_line(text: str, pattern: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(text).__name__]
    causes = [line for line in lines if re.search(pattern, line) and not line.startswith(("at ", "Suppressed:"))]
    # The embedded HDFS has no such command; what is to be done was said.
    return (causes[-1] if causes else lines[0]).partition(' Use "hdfs dfsadmin')[0][:_EXCERPT_LENGTH]


@contextmanager
def failures_explained(what_failed: str, state_of_the_data: str) -> Iterator[None]:
    """Turn errors of Spark, Hadoop and MongoDB into an ArchiveError that says both."""
    try:
        yield
    except EcommerceError:
        raise
    except Exception as error:
        if not _is_foreign(error):
            raise
        explained = explain(error)
        kind = SparkEndedError if explained.startswith(_JVM_ENDED) else ArchiveError
        raise kind(f"{what_failed}: {explained}. {state_of_the_data}") from None


def _is_foreign(error: BaseException) -> bool:
    """Whether an error comes from a service rather than from a mistake in this code."""
    origin = type(error).__module__.partition(".")[0]
    return (
        isinstance(error, PyMongoError | OSError | ServiceError)
        or origin in _LIBRARIES
        or (type(error) is RuntimeError and _OF_HDFS_CLIENT.fullmatch(str(error)) is not None)
    )
