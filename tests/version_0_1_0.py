"""Databases and archives as version 0.1.0 made them (`tests/data/version_0_1_0/make.py`), for tests to go on from."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bson
import zstandard
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import IndexModel

from ecommerce.mongo import MongoDatabase, get_database, mongo_uri
from ecommerce.settings import Settings
from ecommerce.summaries.changes import latest_time

FROZEN = Path(__file__).parent / "data" / "version_0_1_0"

UNFINISHED = tuple(
    sorted(path.name.partition(".")[0] for path in FROZEN.glob("*.bson.zst") if "whole" not in path.name)
)
"""Databases in which an archive run or a compaction was killed, by the state in which it was left."""

_RAW: Any = CodecOptions(document_class=RawBSONDocument, tz_aware=True)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A database of version 0.1.0, brought back to life."""

    settings: Settings
    database: MongoDatabase
    files: Path
    """Where the imported files are, `restored.bson` (what 0.1.0 restores) and the archive."""
    kpis: dict[str, Any]
    """The figures as 0.1.0 told them."""

    @property
    def restored(self) -> list[bytes]:
        """The archived orders as 0.1.0 restored them."""
        return list(_split((self.files / "restored.bson").read_bytes()))


def bring_back(name: str, settings: Settings, directory: Path, archive_uri: str | None = None) -> Frozen:
    """Put a frozen database and its archive where the settings' server and a directory are.

    Where the archive is to be elsewhere (`archive_uri`), bringing its files there is for the caller.
    """
    database = get_database(settings)
    database.client.drop_database(database.name)
    archive_uri = archive_uri or (directory / "archive").as_uri()
    kpis: dict[str, Any] = {}
    collection: Any = None
    content = zstandard.ZstdDecompressor().decompress((FROZEN / f"{name}.bson.zst").read_bytes())
    documents: list[RawBSONDocument] = []

    def write() -> None:
        if documents:
            collection.insert_many(documents)
            documents.clear()

    for piece in _split(content):
        part: Any = bson.decode(piece, _RAW)
        if "collection" in part:
            write()
            described = bson.decode(piece)
            collection = database.create_collection(described["collection"], check_exists=False, **described["options"])
            indexes = [
                IndexModel(list(index.pop("key").items()), **{k: v for k, v in index.items() if k != "v"})
                for index in described["indexes"]
            ]
            if indexes:
                collection.create_indexes(indexes)
        elif "document" in part:
            document = part["document"]
            if collection.name == "archive_runs":
                moved = bson.decode(document.raw) | {"archive_uri": archive_uri}
                document = RawBSONDocument(bson.encode(moved))
            documents.append(document)
        elif "file" in part:
            path = directory / part["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(part["data"])
        else:
            kpis = bson.decode(piece)["kpis"]
    write()
    # A position in the oplog of the server that the database came from says nothing here: it goes on from now.
    now = {"cluster_time": latest_time(database), "token": None}
    database["summary_state"].update_one({"_id": "orders"}, {"$set": now})
    return Frozen(settings.model_copy(update={"archive_uri": archive_uri}), database, directory, kpis)


def told_by(settings: Settings, sources: Path, program: Sequence[str], *arguments: str) -> dict[str, Any]:
    """What a program of other sources tells that is given the settings as JSON, behind its own words."""
    given = settings.model_dump(mode="json", include={"database", "home", "archive_uri"})
    given["mongo_uri"] = mongo_uri(settings)
    done = subprocess.run(
        [sys.executable, *program, json.dumps(given), *arguments],
        cwd=sources,
        env={**os.environ, "PYTHONPATH": str(sources)},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("TOLD "))
    told: dict[str, Any] = json.loads(line.removeprefix("TOLD "))
    return told


def unpack_sources(directory: Path) -> None:
    """Put the program of version 0.1.0, its package `ecommerce`, into a directory."""
    with zstandard.open(FROZEN / "sources.tar.zst", "rb") as packed, tarfile.open(fileobj=packed, mode="r|") as sources:
        sources.extractall(directory, filter="data")


def _split(stream: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(stream):
        size = int.from_bytes(stream[at : at + 4], "little")
        yield stream[at : at + size]
        at += size
