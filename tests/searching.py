"""A search that decodes what it finds: Parquet, Avro, gzip, zstd, BSON; in folders, on HDFS, in every collection."""

import gzip
import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import zstandard

from ecommerce.archive.files import ArchiveFile
from ecommerce.mongo import MongoDatabase

_GZIP, _ZSTD, _PARQUET, _AVRO = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"Obj\x01"


def places_of(wanted: Sequence[str | int], database: MongoDatabase, *roots: Path | str) -> set[str]:
    """Every file below the roots (folders, or addresses of HDFS) and every collection that holds one of these."""
    needles = [form for one in wanted for form in _forms(one)]
    found = set()
    for root in roots:
        for name, content in _files(root):
            if any(needle in plain for plain in _decoded(content) for needle in needles):
                found.add(name)
    for name in database.list_collection_names():
        for document in database[name].find():
            if any(needle in plain for plain in _values(document) for needle in needles):
                found.add(name)
    return found


def _forms(wanted: str | int) -> list[bytes]:
    text = str(wanted)
    forms = [text.encode(), ascii(text)[1:-1].encode()]
    return [*forms, struct.pack("<q", wanted)] if isinstance(wanted, int) else forms


def _files(root: Path | str) -> Iterator[tuple[str, bytes]]:
    if isinstance(root, Path):
        for path in sorted(root.rglob("*")):
            if path.is_file():
                yield str(path), path.read_bytes()
        return
    folder = ArchiveFile(root)
    for entry in folder.client().list_status(folder.path(), recursive=True):
        if not entry.isdir:
            address = root[: -len(folder.path())] + entry.path
            with ArchiveFile(address).open() as opened:
                yield address, opened.read()


def _decoded(content: bytes) -> Iterator[bytes]:
    """The content as it is, and as its format has it."""
    yield content
    if content.startswith(_GZIP):
        yield from _decoded(gzip.decompress(content))
    elif content.startswith(_ZSTD):
        yield from _decoded(zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)).read())
    elif content.startswith(_PARQUET):
        file = pq.ParquetFile(io.BytesIO(content))
        yield str(file.read().to_pylist()).encode()
        for group in range(file.metadata.num_row_groups):
            columns = file.metadata.row_group(group)
            yield str([columns.column(at).statistics for at in range(columns.num_columns)]).encode()
    elif content.startswith(_AVRO):
        yield from _avro_blocks(content)


def _avro_blocks(content: bytes) -> Iterator[bytes]:
    """The blocks of an Avro file, inflated."""
    reader = io.BytesIO(content[4:])
    header = {}
    while count := _long(reader):
        for _ in range(abs(count)):
            name = reader.read(_long(reader))
            header[name] = reader.read(_long(reader))
    assert header[b"avro.codec"] == b"deflate", header[b"avro.codec"]
    reader.read(16)
    while reader.tell() < len(content) - 4:
        _long(reader)
        yield zlib.decompress(reader.read(_long(reader)), wbits=-15)
        reader.read(16)


def _long(reader: io.BytesIO) -> int:
    shift = value = 0
    while True:
        byte = reader.read(1)[0]
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1)


def _values(value: Any) -> Iterator[bytes]:
    """All texts and bytes of a document; bytes that are compressed, unpacked, too."""
    match value:
        case dict():
            for name, member in value.items():
                yield str(name).encode()
                yield from _values(member)
        case list():
            for member in value:
                yield from _values(member)
        case bytes():
            yield from _decoded(value)
        case _:
            yield str(value).encode()
