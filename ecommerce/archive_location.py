"""Where the archive is: what every process of a home agrees on."""

import json
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ecommerce.settings import Settings

HDFS = "hdfs"
FILE = "file"

NAMENODE_PORT = 8020
"""What Hadoop takes where an address names none."""
CONNECT_SECONDS = 2.0
CORRECT_ADDRESS = "start it, or correct ECOMMERCE_ARCHIVE_URI"

CLOSE_OPTIONS = {
    # Of 1 236 small files 532 were closed before the DataNode had reported the block, and for each of them the client
    # waited 400 ms before it asked again: 213 of the 256 s of that export. From 5 ms on, doubling at each retry, it
    # still waits longer in all than with the default of five retries.
    "dfs.client.block.write.locateFollowingBlock.initial.delay.ms": "5",
    "dfs.client.block.write.locateFollowingBlock.retries": "12",
}
"""What a client that writes many files sets, whatever the cluster."""

CLIENT_OPTIONS = CLOSE_OPTIONS | {
    "dfs.replication": "1",
    # A whole block is kept free for each file that is being written. With the default of 128 MB, and 40 days at once,
    # an export was refused on a disk with 840 MB free. A day of 60 000 orders has 3 MB.
    "dfs.blocksize": str(16 * 1024 * 1024),
    "dfs.client.block.write.replace-datanode-on-failure.policy": "NEVER",
}
"""What a client of the single DataNode must set: the client, not the server, chooses a file's replication."""


def archive_uri(settings: Settings) -> str:
    """The archive's directory: the setting, else the embedded HDFS, else the folder that stands in for it.

    Which of the two embedded ones is recorded under home when services first start, and stays: archives do not move.
    """
    if settings.archive_uri:
        return settings.archive_uri.rstrip("/")
    if archive_kind(settings) == FILE:
        # Hadoop takes such a path literally: `as_uri` would make another folder of `My Shop`, `My%20Shop`.
        return f"file://{file_archive(settings)}"
    return f"hdfs://127.0.0.1:{settings.namenode_port}/archive"


def needs_embedded_hdfs(settings: Settings) -> bool:
    """Whether the archive is on the embedded HDFS."""
    return settings.archive_uri is None and archive_kind(settings) != FILE


def why_away(settings: Settings) -> str:
    """Why the HDFS that ECOMMERCE_ARCHIVE_URI names cannot be reached now; empty where it can, or none is named."""
    parts = urlsplit(settings.archive_uri or "")
    if parts.scheme != HDFS or not parts.hostname:
        return ""
    address = parts.hostname, parts.port or NAMENODE_PORT
    try:
        socket.create_connection(address, CONNECT_SECONDS).close()
    except OSError as error:
        if isinstance(error, socket.gaierror) and "HADOOP_CONF_DIR" in os.environ:
            return ""  # a cluster of several NameNodes has a name that only its configuration knows
        return f"the NameNode {parts.hostname}:{address[1]} does not answer ({error.strerror or error})"
    return ""


def away_text(settings: Settings) -> str:
    """That the archive cannot be reached now, why, and what to do; empty where `why_away` is."""
    why = why_away(settings)
    return f"the archive {archive_uri(settings)} cannot be reached: {why}; {CORRECT_ADDRESS}" if why else ""


def archive_options(settings: Settings) -> dict[str, str]:
    """Hadoop options that a client of the archive must set, Spark's among them (there with `spark.hadoop.` before)."""
    return dict(CLIENT_OPTIONS if needs_embedded_hdfs(settings) else CLOSE_OPTIONS)


def file_archive(settings: Settings) -> Path:
    """The folder that stands in for HDFS where its jars cannot be had."""
    return settings.home_directory / "archive"


def catalog_file(settings: Settings) -> Path:
    """The archive's catalog where it is not in Postgres."""
    return settings.home_directory / "catalog" / "archive.db"


def embedded_catalog(settings: Settings) -> str | None:
    """Address of the archive's catalog in the embedded Postgres, with its password; None where it is in the file.

    Whoever starts that Postgres records it: its port is another one each time.
    """
    uri: str | None = _recorded(_catalog_record(settings), "uri")
    return uri


def record_embedded_catalog(settings: Settings, uri: str) -> None:
    """Record the address, for this account's eyes alone, whole or not at all."""
    _write_whole(_catalog_record(settings), {"uri": uri}, mode=0o600)


def local_path(uri: str) -> Path | None:
    """The local path of a `file:` URI, taken literally as Hadoop does; None for others."""
    found = re.match(r"file:(?://)?(/.*)", uri, re.DOTALL)
    return Path(found[1]) if found else None


def archive_kind(settings: Settings) -> str | None:
    """Recorded kind of the embedded archive, `hdfs` or `file`; None before services first started."""
    kind = _recorded(_record(settings), "kind")
    return kind if kind in (HDFS, FILE) else None


def record_archive_kind(settings: Settings, kind: str) -> None:
    """Record the kind, whole or not at all."""
    _write_whole(_record(settings), {"kind": kind})


def _recorded(path: Path, name: str) -> Any:
    try:
        return json.loads(path.read_text())[name]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_whole(path: Path, content: Mapping[str, str], mode: int = 0o666) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    scratch.touch(mode=mode)
    scratch.write_text(json.dumps(content))
    scratch.replace(path)


def _catalog_record(settings: Settings) -> Path:
    return settings.home_directory / "catalog" / "postgres.json"


def _record(settings: Settings) -> Path:
    return settings.home_directory / "archive.json"
