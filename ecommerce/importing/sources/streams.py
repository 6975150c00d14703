"""Files as streams of plain bytes: compression by content, byte-order mark off, guarded against decompression bombs."""

import codecs
import gzip
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import xxhash
import zstandard

from ecommerce.errors import InputError

BLOCK_BYTES = 1 << 20
BOMB_BYTES = 256 << 20
BOMB_RATIO = 300
"""More than this many bytes out of one is no order file: 50 real files came to 4 to 20, repeated orders to 120."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_ZSTD_INPUT_BYTES = 1 << 10
"""Read this much at a time: a frame of nothing but zeros makes 32 000 bytes of each."""
_ZSTD_WINDOW_BYTES = 1 << 27


class SourceError(InputError):
    """A file that cannot be read to its end."""


def _gzip_blocks(raw: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=raw) as plain:
        while block := plain.read(BLOCK_BYTES):
            yield block


def _zstd_blocks(raw: BinaryIO) -> Iterator[bytes]:
    # The library's own reader takes a file that was cut off for one that ends.
    frame: Any = None
    pending = b""
    while True:
        pending = pending or raw.read(_ZSTD_INPUT_BYTES)
        if not pending:
            if frame is not None:
                raise EOFError
            return
        if frame is None:
            frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
        yield frame.decompress(pending)
        pending = frame.unused_data if frame.eof else b""
        if frame.eof:
            frame = None


class _Plain(io.RawIOBase):
    """What is in a compressed file. Raises SourceError where it is damaged, cut off or grows too much."""

    def __init__(self, raw: BinaryIO, path: Path, blocks: Callable[[BinaryIO], Iterator[bytes]]) -> None:
        self._raw, self._path = raw, path
        self._blocks = blocks(raw)
        self._block = memoryview(b"")
        self._produced = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._block:
            try:
                block = next(self._blocks)
            except StopIteration:
                return 0
            except EOFError:
                raise SourceError(f"{self._path} is cut off: its compressed data ends in the middle") from None
            except (gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
                raise SourceError(f"{self._path} is damaged: {error}") from None
            self._produced += len(block)
            if self._produced > BOMB_BYTES and self._produced > BOMB_RATIO * self._raw.tell():
                raise SourceError(
                    f"{self._path} grows to over {BOMB_RATIO} times its size, like a bomb: unpack it yourself first"
                )
            self._block = memoryview(block)
        size = min(len(buffer), len(self._block))
        buffer[:size] = self._block[:size]
        self._block = self._block[size:]
        return size


class _Text(io.RawIOBase):
    """A text of another encoding or with other line ends, as UTF-8 with LF. Raises SourceError where it is none."""

    def __init__(self, stream: BinaryIO, path: Path, encoding: str, carriage_returns: bool) -> None:
        self._stream, self._path, self._encoding = stream, path, encoding
        self._decoder: Any = codecs.getincrementaldecoder(encoding)("strict")
        if carriage_returns:
            self._decoder = io.IncrementalNewlineDecoder(self._decoder, translate=True)
        self._block = memoryview(b"")
        self._lines = 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._block:
            raw = self._stream.read(BLOCK_BYTES)
            try:
                text = self._decoder.decode(raw, final=not raw)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(self._encoding, "replace")
                raise SourceError(
                    f"{self._path}, line {self._lines + before.count(chr(10))}: the byte"
                    f" 0x{error.object[error.start]:02x} is not {self._encoding}: {error.reason}"
                ) from None
            self._lines += text.count("\n")
            self._block = memoryview(text.encode())
            if not raw and not self._block:
                return 0
        size = min(len(buffer), len(self._block))
        buffer[:size] = self._block[:size]
        self._block = self._block[size:]
        return size


def _opened(path: Path) -> io.FileIO:
    """A file, opened. Raises SourceError where that cannot be, or it is no file: the open of a FIFO would wait."""
    try:
        raw = io.FileIO(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
        raw.close()
        raise SourceError(f"{path} cannot be read: it is no file, but a FIFO or a device")
    return raw


def encoding_of(path: Path) -> str:
    """What the first bytes of a file say of its text and of its compression. Raises SourceError."""
    with _opened(path) as raw:
        magic = raw.read(4)
    packed = ", gzip" if magic.startswith(_GZIP) else ", zstd" if magic == _ZSTD else ""
    return ("UTF-16" if magic.startswith(_UTF16_MARKS) else "UTF-8") + packed


@contextmanager
def open_source(path: Path, encoding: str = "", *, carriage_returns: bool = False) -> Iterator[BinaryIO]:
    """The plain content of a file as UTF-8, to be read once from start to end. Raises SourceError where that fails.

    UTF-16 is known by its byte-order mark. With `carriage_returns` a CR ends a line, too.
    """
    with io.BufferedReader(_opened(path), BLOCK_BYTES) as raw:
        magic = raw.peek(4)[:4]
        stream: Any = raw
        if magic.startswith(_GZIP):
            stream = io.BufferedReader(_Plain(raw, path, _gzip_blocks), BLOCK_BYTES)
        elif magic == _ZSTD:
            stream = io.BufferedReader(_Plain(raw, path, _zstd_blocks), BLOCK_BYTES)
        start = stream.peek(4)[:4]
        if start.startswith(_UTF16_MARKS):
            encoding = "utf-16"
        while stream.peek(4)[:3] == _UTF8_MARK:  # Excel puts one before the one that is there
            stream.read(len(_UTF8_MARK))
            encoding = ""
        if encoding or carriage_returns:
            stream = io.BufferedReader(_Text(stream, path, encoding or "utf-8", carriage_returns), BLOCK_BYTES)
        yield stream


def is_utf8(path: Path) -> bool:
    """Whether the whole content of a file is UTF-8 text."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        with open_source(path) as stream:
            while block := stream.read(BLOCK_BYTES):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


class FileIdentity(NamedTuple):
    """What tells a file from one that takes its name, or that was written to since."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> "FileIdentity | None":
        """Of the file that has the name now; None where there is none."""
        try:
            found = path.stat()
        except OSError:
            return None
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def digest(path: Path) -> str:
    """A fingerprint of the file's bytes. Rows are known by it and by their line, so that a rerun finds them again."""
    fingerprint = xxhash.xxh3_128()
    with _opened(path) as raw:
        try:
            while block := raw.read(BLOCK_BYTES):
                fingerprint.update(block)
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    return fingerprint.hexdigest()
