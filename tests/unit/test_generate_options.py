"""Impossible options are refused at once, with the option's name and what would be right."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecommerce.errors import InputError
from ecommerce.generate.into_files.orders_file import orders_path, write_orders
from ecommerce.generate.presets import get_preset
from ecommerce.generate.request import Request
from tests.generator_samples import APRIL, MARCH, file_job, march

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LIVE: dict[str, Any] = {"start": None, "end": None, "rate": 5.0}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no orders": ({"orders": 0}, r"--orders 0: give a number from 1"),
    "no orders an hour": ({"orders": 0, "start": None, "end": None}, r"--orders 0: give an average hour"),
    "end before start": ({"end": MARCH - timedelta(days=1)}, r"--end 2026-02-28 00:00: must be after --start 2026-03"),
    "empty span": ({"end": MARCH}, r"--end 2026-03-01 00:00: must be after --start"),
    "half a span": ({"end": None}, r"--end is missing"),
    "before all times": ({"start": MARCH.replace(year=1990)}, r"--start 1990-03-01.*from 2000-01-01 to 2059"),
    "of the future": (
        {"end": NOW + timedelta(days=1)},
        r"--end 2026-06-02 00:00 is in the future; give at most 2026-06-01",
    ),
    "too many an hour": (
        {"end": MARCH + timedelta(hours=1), "orders": 2_000_000},
        r"--orders 2000000: the busiest hour .* give a longer span or fewer orders",
    ),
    "unknown preset": ({"preset": "bakery"}, r"--preset 'bakery': .*marketplace, grocery, b2b"),
    "unknown locale": ({"locale": "pt_XX"}, r"--locale 'pt_XX': .*pt_BR, pt_PT"),
    "no locale at all": ({"locale": ""}, r"--locale '': .*en_US"),
    "negative seed": ({"seed": -1}, r"--seed -1: give a number from 0"),
    "no users": ({"users": 0}, r"--users 0: give a number from 1"),
    "too many products": ({"products": 10**9}, r"--products 1000000000: give a number from 1 to 1000000"),
    "more items than products": (
        {"products": 5, "preset": "grocery"},
        r"--products 5: the preset grocery has orders of 40 different products; give at least --products 40",
    ),
    "negative rate": (LIVE | {"rate": -1.0}, r"--rate -1: give orders a second, more than 0"),
    "rate too high": (LIVE | {"rate": 1_000.0}, r"--rate 1000: .*at most 250"),
    "not a rate": (LIVE | {"rate": float("nan")}, r"--rate nan"),
    "speed": (LIVE | {"speed": 0.5}, r"--speed 0.5: give a number from 1"),
    "live in the past": ({"rate": 5.0}, r"--start and --rate: live orders are made now"),
    "live into files": (LIVE | {"to": "data"}, r"--to and --rate: live orders"),
    "bad rows in the database": ({"bad_rows": 0.1}, r"--bad-rows is for files; say with --to"),
    "format of nothing": ({"format": "csv"}, r"--format is for files; say with --to"),
    "format against name": ({"to": "orders.csv.gz", "format": "json"}, r"--to orders.csv.gz is a name for csv"),
    "format unknown": ({"to": "orders.zst"}, r"--to orders.zst: name the format too, like orders.json.zst"),
    "too many bad rows": ({"to": "data", "bad_rows": 1.5}, r"--bad-rows 1.5: give a share from 0 to 1"),
    "no process": ({"to": "data", "processes": 0}, r"--processes 0: give a number from 1 to 64"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_what_would_be_right(name: str) -> None:
    changes, message = REFUSED[name]
    given: dict[str, Any] = {"start": MARCH, "end": APRIL, "orders": 100} | changes
    with pytest.raises(InputError, match=message):
        Request(**given).check(NOW)


def test_what_can_be_is_not_refused() -> None:
    Request().check(NOW)
    Request(start=MARCH, end=APRIL, orders=100).check(NOW)
    Request(start=MARCH, end=NOW + timedelta(days=30), to="data", bad_rows=0.5, processes=2).check(NOW)
    Request(rate=0.5, speed=1).check(NOW)


@pytest.mark.parametrize(("bad_rows", "processes"), [(1.5, 1), (-0.1, 1), (float("nan"), 1), (0.0, 0), (0.0, 1_000)])
def test_files_are_not_begun_with_impossible_options(tmp_path: Path, bad_rows: float, processes: int) -> None:
    with pytest.raises(InputError, match=r"--bad-rows|--processes"):
        write_orders(tmp_path / "sub" / "orders.json", file_job(bad_rows=bad_rows), processes)
    assert not (tmp_path / "sub").exists()


def test_a_file_in_the_way_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match=r"--to .*taken: cannot be made a directory"):
        write_orders(tmp_path / "taken" / "orders.json", file_job(10))


@pytest.mark.parametrize(
    ("name", "path", "format", "compression"),
    [
        ("data", "data/orders.json", "json", ""),
        ("data/today.json.gz", "data/today.json.gz", "json", ".gz"),
        ("today.jsonl", "today.jsonl", "json", ""),
        ("export.csv.zst", "export.csv.zst", "csv", ".zst"),
    ],
)
def test_the_name_says_format_and_compression(name: str, path: str, format: str, compression: str) -> None:
    assert orders_path(Path(name), None) == (Path(path), format, compression)


@pytest.mark.parametrize(
    ("orders", "users", "products"), [(None, 20_000, 500), (30_000, 30_000, 3_000), (10**7, 10**5, 10**4)]
)
def test_a_catalog_of_no_given_size_grows_with_the_orders(orders: int | None, users: int, products: int) -> None:
    spec = Request(start=MARCH, end=APRIL, orders=orders).catalog
    assert (spec.users, spec.products) == (users, products)


def test_every_preset_can_be_had_and_says_what_it_is() -> None:
    for name in ("marketplace", "grocery", "b2b"):
        shape = get_preset(name)
        assert shape.name == name
        assert len(shape.rhythm.hours) == 24
        assert len(shape.rhythm.weekdays) == 7
        assert len(shape.rhythm.months) == 12
        assert march(preset=name).preset == name
