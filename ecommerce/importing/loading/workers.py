"""Decoding in processes of its own: chunks go in through a pipe, decoded rows come out, a crash is an error.

Plain subprocesses with pipes and not `multiprocessing`: nothing of the parent is imported again or forked, they end
with the parent whatever way it ends, and a worker that dies is the end of a pipe and not a wait for ever.
"""

import fcntl
import itertools
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from msgspec import structs

from ecommerce.errors import ServiceError
from ecommerce.importing.formats.chunks import Chunk
from ecommerce.importing.loading.decode import Ask, Decoded, Decoder
from ecommerce.importing.loading.decoding_process import Task, line_look, receive, send, unpack_answer
from ecommerce.importing.naive_times import shop_zone
from ecommerce.importing.order_lines.seen_lines import SeenLines
from ecommerce.importing.shape import LINES, ORDERS, Shape

PROCESSES = 2
"""For a file."""
PROCESSES_FROM_BYTES = 4 << 20
"""Smaller files are decoded in the calling thread, which takes as long as starting the processes."""

PIPE_BYTES = 1 << 20
"""A chunk at once, where a pipe else holds 64 KiB."""

Result = TypeVar("Result")


class Worker:
    """One decoding process, for any rows; what those of the given kind need is imported when it starts."""

    def __init__(self, rows: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ecommerce.importing.loading.decoding_process", rows],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin and self._process.stdout  # noqa: S101 - both are pipes
        for pipe in (self._process.stdin, self._process.stdout):
            # Not everywhere allowed, nor known: it only spares changes between the processes.
            with suppress(OSError, AttributeError):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._to: BinaryIO = self._process.stdin  # type: ignore[assignment]
        self._from: BinaryIO = self._process.stdout  # type: ignore[assignment]

    def begin(self, task: Task) -> None:
        """Say what the next chunks are of."""
        with suppress(BrokenPipeError):  # it has ended, as the next chunk will say
            send(self._to, task)

    def look(self, chunk: Chunk) -> SeenLines | None:
        """What is seen of a chunk's lines."""
        with self._at_work(chunk):
            send(self._to, Task(chunk))
            return unpack_answer(receive(self._from)).seen

    def decode(self, chunk: Chunk, ask: Ask) -> Decoded:
        with self._at_work(chunk):
            send(self._to, Task(chunk))
            while (answer := unpack_answer(receive(self._from))).decoded is None:
                send(self._to, ask(set(answer.products), set(answer.users), answer.catalog_records))
            return answer.decoded

    @contextmanager
    def _at_work(self, chunk: Chunk) -> Iterator[None]:
        try:
            yield
        except (EOFError, BrokenPipeError):
            code = self._process.wait()
            raise ServiceError(
                f"a decoding process ended with {code} at the rows from line {chunk.first_line} on; what was imported"
                " is safe, start the import again"
            ) from None

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        with suppress(BrokenPipeError):  # what it did not read is of no use any more
            self._to.close()
        self._from.close()


class _Idle:
    """Workers that have nothing to do, for the threads that have something for them."""

    def __init__(self, workers: Sequence[Worker], task: Task) -> None:
        self._workers: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        task = structs.replace(task, zone=shop_zone())
        for worker in workers:
            worker.begin(task)
            self._workers.put(worker)

    @contextmanager
    def worker(self) -> Iterator[Worker]:
        """One of them, waiting until there is one."""
        worker = self._workers.get()
        try:
            yield worker
        finally:
            self._workers.put(worker)


def _send_records(decoded: Decoded, ask: Ask) -> Decoded:
    if decoded.catalog_records:
        ask(set(), set(), decoded.catalog_records)
    return decoded


class _Turns:
    """Chunks have their turn one after the other, in their order, whichever is decoded first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._turn = 0
        self._ended = False

    def waited(self, number: int, work: Callable[[], Result], *, last: bool = False) -> Result:
        """Do some work of a chunk when its turn has come; after the last the next one has its turn."""
        with self._changed:
            self._changed.wait_for(lambda: self._turn == number or self._ended)
            if self._ended:
                raise EOFError
        result = work()
        if last:
            with self._changed:
                self._turn = number + 1
                self._changed.notify_all()
        return result

    def end(self) -> None:
        """End every wait: a chunk before will have no turn."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class Decode(Protocol):
    """Start decoding a chunk."""

    def __call__(self, chunk: Chunk) -> "Future[Decoded]": ...


@contextmanager
def decoding_processes(rows: str, count: int) -> Iterator[Sequence[Worker]]:
    """Processes that look at rows of a kind and decode them: those that were started ahead, and new ones."""
    workers = [_ahead.pop() if _ahead else Worker(rows) for _ in range(count)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.close()


_ahead: list[Worker] = []


@contextmanager
def processes_ahead(files: Iterable[Path]) -> Iterator[None]:
    """Start the processes that a large file will need while something else is done, as importing Prefect.

    Those that nobody took end with it.
    """
    large = [file for file in files if file.stat().st_size >= PROCESSES_FROM_BYTES]
    may_be_lines = any(".json" not in file.name for file in large)
    _ahead.extend(Worker(LINES if may_be_lines else ORDERS) for _ in range(PROCESSES if large else 0))
    try:
        yield
    finally:
        while _ahead:
            _ahead.pop().close()


def look_at_lines(chunks: Iterable[Chunk], shape: Shape, workers: Sequence[Worker]) -> Generator[SeenLines | None]:
    """Look at the chunks of a file of order lines in these processes; without any, in the calling thread."""
    if not workers:
        yield from map(line_look()(shape).at, chunks)
        return
    idle = _Idle(workers, Task(look=shape))

    def look(chunk: Chunk) -> SeenLines | None:
        with idle.worker() as worker:
            return worker.look(chunk)

    ahead: deque[Future[SeenLines | None]] = deque()
    threads = ThreadPoolExecutor(len(workers), thread_name_prefix="look")
    try:
        for chunk in chunks:
            ahead.append(threads.submit(look, chunk))
            if len(ahead) > 2 * len(workers):
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)


@contextmanager
def decoding(shape: Shape, ask: Ask, workers: Sequence[Worker]) -> Iterator[Decode]:
    """Decode chunks in these processes, which end afterwards; without any, in the calling thread.

    What order lines tell of the catalog is in it before a later chunk asks, in whatever process that is decoded.
    """
    if not workers:
        decoder = Decoder(shape, ask)

        def at_once(chunk: Chunk) -> "Future[Decoded]":
            future: Future[Decoded] = Future()
            future.set_result(_send_records(decoder.decode(chunk), ask))
            return future

        yield at_once
        return
    idle = _Idle(workers, Task(decode=shape))

    def decode(chunk: Chunk) -> Decoded:
        with idle.worker() as worker:
            return worker.decode(chunk, ask)

    turns = _Turns()

    def decode_in_turn(chunk: Chunk, number: int) -> Decoded:
        with idle.worker() as worker:
            decoded = worker.decode(chunk, lambda *question: turns.waited(number, partial(ask, *question)))
            return turns.waited(number, partial(_send_records, decoded, ask), last=True)

    threads = ThreadPoolExecutor(len(workers), thread_name_prefix="decode")
    numbers = itertools.count()
    try:
        if shape.rows == LINES:
            yield lambda chunk: threads.submit(decode_in_turn, chunk, next(numbers))
        else:
            yield lambda chunk: threads.submit(decode, chunk)
    finally:
        # The workers first: a thread that waits for one of them is free as soon as its pipe ends.
        threads.shutdown(wait=False, cancel_futures=True)
        turns.end()
        for worker in workers:
            worker.close()
        threads.shutdown()
