"""The same seed makes the same bytes, however they are made; different windows never share an id."""

import gzip
import json
import os
import signal
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
import zstandard

from ecommerce.errors import ServiceError
from ecommerce.generate.into_files.orders_file import write_orders
from ecommerce.generate.model.orders import BLOCK_ORDERS
from ecommerce.generate.model.rhythm import to_ms
from ecommerce.generate.model.windows import hour, second, span
from tests.generator_samples import (
    APRIL,
    MARCH,
    MONTH_LATER,
    encoded,
    file_job,
    march,
    wait_for,
    writing_process,
)
from tests.runbook import row_of


@pytest.mark.parametrize("preset", ["marketplace", "grocery"])
@pytest.mark.parametrize("batch", [7, 500])
def test_orders_do_not_depend_on_the_batch_they_are_made_in(preset: str, batch: int) -> None:
    window = march(1_000, preset=preset)
    whole = encoded(window, MONTH_LATER)
    parts = [
        order
        for first in range(0, 1_000, batch)
        for order in encoded(window, MONTH_LATER, first, min(batch, 1_000 - first))
    ]
    assert parts == whole


@pytest.mark.parametrize(("format", "compression"), [("json", ""), ("csv", ".zst")])
def test_two_processes_write_the_bytes_of_one(tmp_path: Path, format: str, compression: str) -> None:
    job = file_job(format=format, compression=compression)
    one, two = tmp_path / f"one{compression}", tmp_path / f"two{compression}"
    write_orders(one, job, processes=1)
    write_orders(two, job, processes=2)
    assert one.read_bytes() == two.read_bytes()


def test_compressed_files_hold_the_plain_bytes(tmp_path: Path) -> None:
    plain, zipped, zst = tmp_path / "orders.json", tmp_path / "orders.json.gz", tmp_path / "orders.json.zst"
    write_orders(plain, file_job())
    write_orders(zipped, file_job(compression=".gz"))
    write_orders(zst, file_job(compression=".zst"))
    assert gzip.decompress(zipped.read_bytes()) == plain.read_bytes()
    with zst.open("rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        assert reader.read() == plain.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_killed_run_is_continued_to_the_same_bytes(tmp_path: Path, processes: int) -> None:
    job = file_job(orders=12 * BLOCK_ORDERS, compression=".zst")
    whole, killed = tmp_path / "whole.zst", tmp_path / "killed.zst"
    write_orders(whole, job)
    mark = tmp_path / "killed.zst.progress"
    process = writing_process(killed, job, processes)
    wait_for(lambda: mark.exists() and json.loads(mark.read_text())["blocks"] >= 2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not killed.exists()
    # Half a block may lie behind the last whole one.
    with (tmp_path / "killed.zst.part").open("ab") as part:
        part.write(b"half a block")
    seen: list[int] = []
    write_orders(killed, job, progress=lambda done, _total, _what: seen.append(done))
    assert seen[0] >= 3 * BLOCK_ORDERS
    assert killed.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed.zst", "whole.zst"]


@pytest.mark.slow
def test_a_process_that_dies_is_an_error_and_the_next_run_goes_on(tmp_path: Path) -> None:
    job = file_job(orders=4 * BLOCK_ORDERS)
    path, whole = tmp_path / "orders.json", tmp_path / "whole.json"

    def kill(done: int, total: int | None, what: str) -> None:
        for child in psutil.Process().children():
            with suppress(psutil.NoSuchProcess):  # it is a zombie already, where it was killed before
                if "ecommerce.generate.into_files.blocks" in child.cmdline():
                    child.kill()

    with pytest.raises(
        ServiceError, match=r"a process that makes orders ended with -9; .* start the same again"
    ) as raised:
        write_orders(path, job, processes=2, progress=kill)
    row_of(str(raised.value))
    assert not path.exists()
    write_orders(path, job, processes=2)
    write_orders(whole, job)
    assert path.read_bytes() == whole.read_bytes()


def test_a_file_begun_with_other_options_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    (tmp_path / "orders.json.part").write_bytes(b"another file's orders")
    (tmp_path / "orders.json.progress").write_text('{"job": {"seed": 1}, "blocks": 1, "size_bytes": 5, "bad_rows": {}}')
    write_orders(path, file_job(orders=100))
    assert len(path.read_text().splitlines()) == 100


def test_windows_do_not_share_ids_and_ids_grow_with_time() -> None:
    windows = [
        march(2_000, seed=1),
        march(2_000, seed=2),
        march(2_001, seed=1),
        march(2_000, seed=1, preset="grocery"),
        span(MARCH, APRIL - timedelta(hours=1), 2_000, seed=1, preset="marketplace"),
        *(hour(MARCH + timedelta(hours=at), 300, seed=1, preset="marketplace") for at in range(30)),
        *(hour(MARCH + timedelta(hours=at), 300, seed=2, preset="marketplace") for at in range(30)),
    ]
    live = (second(to_ms(MARCH) + at * 1000, 20, seed=1, preset="marketplace", speed=1) for at in range(60))
    windows += [window for window in live if window is not None]
    seen: set[int] = set()
    for window in windows:
        times = window.times(0, window.orders)
        ids = window.ids(0, times)
        assert (ids[1:] > ids[:-1]).all()
        assert ids.max() < 2**53
        assert times.min() >= window.start_ms
        assert times.max() < window.end_ms
        assert not seen & set(ids.tolist())
        seen |= set(ids.tolist())


def test_an_hour_has_the_orders_of_its_time_of_day() -> None:
    orders = {at: hour(MARCH + timedelta(hours=at), 1_000, seed=1, preset="marketplace").orders for at in range(24)}
    assert orders[4] < 500 < 1_200 < orders[20]
