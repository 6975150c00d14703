"""A decoding process: chunks come on its standard input, decoded rows go out on its standard output.

Apart from `workers`, which starts it, so that it starts without what only that needs.
"""

import gc
import os
import signal
import struct
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

import msgspec
from msgspec import Struct

from ecommerce.importing.formats.chunks import Chunk
from ecommerce.importing.loading.decode import CatalogRecords, Decoded, Decoder, lines_reader
from ecommerce.importing.naive_times import use_zone
from ecommerce.importing.order_lines.seen_lines import SeenLines
from ecommerce.importing.rows.orders import Known
from ecommerce.importing.shape import LINES, Shape

if TYPE_CHECKING:
    from ecommerce.importing.order_lines.line_look import LineLook

_LENGTH = struct.Struct("<I")

GARBAGE_AFTER = 100_000
"""Objects made until Python looks for circles among them: a chunk makes ten thousands, all gone with it. Looking after
each 700, as it does by itself, took a tenth of the time."""


class Task(Struct, array_like=True):
    """What such a process gets: chunks, and before the first one what they are of, to look at or to decode."""

    chunk: Chunk | None = None
    look: Shape | None = None
    decode: Shape | None = None
    zone: str = ""
    """The shop's; empty where nothing is said of it."""


class Answer(Struct, array_like=True):
    """What such a process sends: the decoded chunk, what is seen in it, or a question to the catalog, with what must be
    in that before."""

    decoded: Decoded | None = None
    products: list[int] = []
    users: list[int] = []
    catalog_records: CatalogRecords = []
    seen: SeenLines | None = None


_pack = msgspec.msgpack.encode
unpack_answer = msgspec.msgpack.Decoder(Answer).decode
_unpack_task = msgspec.msgpack.Decoder(Task).decode
_unpack_known = msgspec.msgpack.Decoder(Known).decode


def send(stream: BinaryIO, message: object) -> None:
    """Send a message through a pipe."""
    data = _pack(message)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: BinaryIO) -> bytes:
    """The next message of a pipe, packed. Raises EOFError where the other end is gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    size = _LENGTH.unpack(head)[0]
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def line_look() -> "type[LineLook]":
    """What looks at order lines, which processes for other rows do without."""
    from ecommerce.importing.order_lines.line_look import LineLook

    return LineLook


def _seen(look: "LineLook", chunk: Chunk) -> Answer:
    return Answer(seen=look.at(chunk))


def _decoded(decoder: Decoder, chunk: Chunk) -> Answer:
    return Answer(decoder.decode(chunk))


def main() -> None:
    """Decode what comes on standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and this with it
    gc.set_threshold(GARBAGE_AFTER)
    if LINES in sys.argv:
        line_look()  # what they need is imported now, while the parent does other things
        lines_reader()
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints goes to the log and not between the messages

    def ask(products: set[int], users: set[int], catalog_records: CatalogRecords) -> Known:
        send(target, Answer(products=list(products), users=list(users), catalog_records=catalog_records))
        return _unpack_known(receive(source))

    try:
        answer: Callable[[Chunk], Answer]
        while True:
            task = _unpack_task(receive(source))
            if task.zone:
                use_zone(task.zone)
            if task.look:
                answer = partial(_seen, line_look()(task.look))
            if task.decode:
                answer = partial(_decoded, Decoder(task.decode, ask))
            if task.chunk:
                send(target, answer(task.chunk))
    except (EOFError, BrokenPipeError):
        return


if __name__ == "__main__":
    main()
