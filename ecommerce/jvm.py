"""What Java processes are started with: an environment without another installation's settings, and plain paths."""

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ecommerce.errors import ServiceError

JAVA_OPTIONS = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS")
HADOOP = ("HADOOP_", "HDFS_", "YARN_", *JAVA_OPTIONS)
SPARK = ("SPARK_", "PYSPARK_")
"""Names of variables, or their beginnings, by which Hadoop and Spark find another installation and its settings."""

_PLAIN = re.compile(r"[\w./-]+", re.ASCII)

Changes = Mapping[str, str | None]
"""Changes of an environment: a new value for a variable, or None where it is not passed on."""


def java_environment(foreign: tuple[str, ...] = (*HADOOP, *SPARK)) -> dict[str, str | None]:
    """How the environment of a Java process differs from this one's: it has no variables that begin as in `foreign`.

    The embedded services and a Spark on this machine need none of them: with a shell's HADOOP_CONF_DIR they would ask
    for Kerberos, with its SPARK_HOME load another Spark, with its HADOOP_USER_NAME be refused their own files.
    """
    hidden: dict[str, str | None] = dict.fromkeys((name for name in os.environ if name.startswith(foreign)), None)
    # Java reads and writes names of files in the locale's encoding: with LC_ALL=C there would be no `jürgen`.
    return hidden | {"LC_ALL": "C.UTF-8"}


def changed_environment(changes: Changes) -> dict[str, str]:
    """This process's environment with the changes made."""
    merged = {**os.environ, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def class_path(*entries: Path | str) -> str:
    """A class path. Raises ServiceError where an entry holds the character that separates them."""
    for entry in entries:
        if os.pathsep in str(entry):
            raise ServiceError(
                f"Java cannot load {str(entry)!r}: its path holds {os.pathsep!r}, which separates the entries of a "
                "class path; set ECOMMERCE_CACHE, or move the checkout, to a folder without it"
            )
    return os.pathsep.join(map(str, entries))


class PlainFolder:
    """A folder under a name that options of Spark and Java take: its own, or where that holds a comma, a blank, `%`, …
    a link in the system's folder for temporary files. `close` removes the link."""

    def __init__(self, folder: Path) -> None:
        self._place: Path | None = None
        self.path = folder
        if not _PLAIN.fullmatch(str(folder)):
            self._place = Path(tempfile.mkdtemp(prefix="ecommerce-"))
            self.path = self._place / "home"
            self.path.symlink_to(folder, target_is_directory=True)

    def close(self) -> None:
        if self._place is not None:
            shutil.rmtree(self._place, ignore_errors=True)
