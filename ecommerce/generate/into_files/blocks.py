"""The blocks of a file in their order, made by this process and by others beside it.

This process makes blocks too, so that it is busy while the others start, which takes them half a second. A block comes
from another process through a file without a name and not through a pipe: a pipe hands over 64 KiB at a time, and
each time the reader waits for the interpreter that is making a block meanwhile.
"""

import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple
from functools import partial

import msgspec

from ecommerce.errors import ServiceError
from ecommerce.generate.into_files.job import FileJob
from ecommerce.generate.into_files.malformed import BadRowCounts
from ecommerce.generate.model.people import catalog_names

Block = tuple[bytes, BadRowCounts]

_NUMBER = struct.Struct("<q")
_MADE = struct.Struct("<4q")
"""Size of a block, and how many rows of it are bad."""
_SLOTS = 2
"""Blocks that a process has to make at a time: it makes one while the one before is fetched."""
_SLOT_BYTES = 1 << 32
_AHEAD = 4
"""Blocks that each process may be ahead of the one that is written next."""


def file_blocks(job: FileJob, first: int, processes: int) -> Iterator[tuple[int, Block]]:
    """(number, block) of the job's blocks from `first` on. Raises ServiceError where one of the processes dies."""
    cities = catalog_names(job.spec).cities
    if processes == 1:
        for number in range(first, job.blocks):
            yield number, job.block(number, cities)
        return
    shared = _Shared(first, job.blocks, _AHEAD * processes)
    makers = [_Maker(job, cities) for _ in range(processes - 1)]
    threads = [threading.Thread(target=partial(_feed, maker, shared), daemon=True) for maker in makers]
    try:
        for thread in threads:
            thread.start()
        for number in range(first, job.blocks):
            while (block := shared.fetch(number)) is None:
                mine = shared.take(wait=False)
                if mine is None:
                    shared.wait_for(number)
                else:
                    shared.put(mine, job.block(mine, cities))
            yield number, block
    finally:
        shared.stop()
        for maker in makers:
            maker.end()
        for thread in threads:
            thread.join()
        for maker in makers:
            maker.close()


class _Shared:
    """Whose turn it is: each takes the next block, and none is made long before it can be written."""

    def __init__(self, first: int, stop: int, ahead: int) -> None:
        self._changed = threading.Condition()
        self._next, self._stop, self._written, self._ahead = first, stop, first, ahead
        self._made: dict[int, Block] = {}
        self._error: Exception | None = None

    def take(self, *, wait: bool) -> int | None:
        """The number of a block to make; None where none is left or, without `wait`, none may be made yet."""
        with self._changed:
            while wait and self._next < self._stop and self._next >= self._written + self._ahead:
                self._changed.wait()
            if self._next >= min(self._stop, self._written + self._ahead):
                return None
            self._next += 1
            return self._next - 1

    def put(self, number: int, block: Block) -> None:
        with self._changed:
            self._made[number] = block
            self._changed.notify_all()

    def fetch(self, number: int) -> Block | None:
        """The block, where it is made. Raises what a process ended with."""
        with self._changed:
            if self._error is not None:
                raise self._error
            block = self._made.pop(number, None)
            if block is not None:
                self._written = number + 1
                self._changed.notify_all()
            return block

    def wait_for(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: number in self._made or self._error is not None)

    def stop(self, error: Exception | None = None) -> None:
        with self._changed:
            self._stop = self._next
            self._error = error
            self._changed.notify_all()


class _Maker:
    """One more process."""

    def __init__(self, job: FileJob, cities: tuple[str, ...]) -> None:
        self._scratch = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        scratch = self._scratch.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ecommerce.generate.into_files.blocks", str(scratch)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(scratch,),
        )  # fmt: skip
        assert self._process.stdin and self._process.stdout  # noqa: S101 - both are pipes
        self._to, self._from = self._process.stdin, self._process.stdout
        self._fetched = 0
        self._write(json.dumps({"job": job.identity, "cities": cities}).encode() + b"\n")

    def begin(self, number: int) -> None:
        self._write(_NUMBER.pack(number))

    def _write(self, data: bytes) -> None:
        with suppress(BrokenPipeError):  # fetch() says so
            self._to.write(data)
            self._to.flush()

    def fetch(self) -> Block:
        """The block that was begun first of those that were not fetched."""
        made = self._from.read(_MADE.size)
        if len(made) < _MADE.size:
            code = self._process.wait()
            raise ServiceError(
                f"a process that makes orders ended with {code}; what it wrote is kept, start the same again"
            )
        size, *bad_rows = _MADE.unpack(made)
        slot, self._fetched = self._fetched % _SLOTS, self._fetched + 1
        return os.pread(self._scratch.fileno(), size, slot * _SLOT_BYTES), BadRowCounts(*bad_rows)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        with suppress(BrokenPipeError):  # what it did not read is of no use any more
            self._to.close()
        self._from.close()
        self._scratch.close()


def _feed(maker: _Maker, shared: _Shared) -> None:
    """Have blocks made until none is left."""
    begun: deque[int] = deque()
    try:
        while True:
            while len(begun) < _SLOTS and (number := shared.take(wait=not begun)) is not None:
                maker.begin(number)
                begun.append(number)
            if not begun:
                return
            block = maker.fetch()
            shared.put(begun.popleft(), block)
    except ServiceError as error:
        shared.stop(error)


def main() -> None:
    """Make the blocks whose numbers come on standard input, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and this with it
    source, target = sys.stdin.buffer, sys.stdout.buffer
    given = json.loads(source.readline())
    job, cities = msgspec.convert(given["job"], FileJob), given["cities"]
    made = 0
    with os.fdopen(int(sys.argv[1]), "wb") as scratch, suppress(BrokenPipeError):
        while number := source.read(_NUMBER.size):
            data, bad_rows = job.block(_NUMBER.unpack(number)[0], cities)
            scratch.seek(made % _SLOTS * _SLOT_BYTES)
            scratch.write(data)
            scratch.flush()
            target.write(_MADE.pack(len(data), *astuple(bad_rows)))
            target.flush()
            made += 1


if __name__ == "__main__":
    main()
