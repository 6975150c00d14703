"""Impossible options are refused at once, with the option's name and what would be right."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ecommerce.errors import InputError
from ecommerce.generate.catalog import check_basket, check_catalog
from ecommerce.generate.files import orders_path, write_orders
from ecommerce.generate.live import check_rate
from ecommerce.generate.people import check_locale
from ecommerce.generate.presets import get_preset
from ecommerce.generate.windows import hour, span
from tests.generator_samples import APRIL, MARCH, file_job, march, small_catalog


def a_span(**changes: Any) -> Callable[[], object]:
    given = {"start": MARCH, "end": APRIL, "orders": 100, "preset": "marketplace"} | changes
    return lambda: span(given["start"], given["end"], given["orders"], seed=1, preset=given["preset"])


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "no orders": (a_span(orders=0), r"--orders 0: give a number from 1"),
    "end before start": (
        a_span(end=MARCH - timedelta(days=1)),
        r"--end 2026-02-28 00:00: must be after --start 2026-03",
    ),
    "empty span": (a_span(end=MARCH), r"--end 2026-03-01 00:00: must be after --start"),
    "before all times": (a_span(start=MARCH.replace(year=1990)), r"--start 1990-03-01.*from 2000-01-01 to 2059"),
    "too many an hour": (
        a_span(end=MARCH + timedelta(hours=1), orders=2_000_000),
        r"--orders 2000000: the busiest hour",
    ),
    "unknown preset": (a_span(preset="bakery"), r"--preset 'bakery': .*marketplace, grocery, b2b"),
    "average hour": (lambda: hour(MARCH, 0, seed=1, preset="b2b"), r"--orders 0: give an average hour"),
    "negative rate": (lambda: check_rate(-1, 1), r"--rate -1: give orders a second, more than 0"),
    "rate too high": (lambda: check_rate(1_000, 1), r"--rate 1000: .*at most 250"),
    "not a rate": (lambda: check_rate(float("nan"), 1), r"--rate nan"),
    "speed": (lambda: check_rate(1, 0.5), r"--speed 0.5: give a number from 1"),
    "unknown locale": (lambda: check_locale("pt_XX"), r"--locale 'pt_XX': .*pt_BR, pt_PT"),
    "no users": (lambda: check_catalog(replace(small_catalog(), users=0)), r"--users 0: give a number from 1"),
    "more items than products": (
        lambda: check_basket(replace(small_catalog(), products=5), "grocery"),
        r"--products 5: the preset grocery has orders of 40 different products; give at least --products 40",
    ),
    "format against name": (
        lambda: orders_path(Path("orders.csv.gz"), "json"),
        r"--to orders.csv.gz is a name for csv",
    ),
    "format unknown": (lambda: orders_path(Path("orders.zst"), None), r"name the format too, like orders.json.zst"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_what_would_be_right(name: str) -> None:
    act, message = REFUSED[name]
    with pytest.raises(InputError, match=message):
        act()


@pytest.mark.parametrize(("dirt", "processes"), [(1.5, 1), (-0.1, 1), (float("nan"), 1), (0.0, 0), (0.0, 1_000)])
def test_files_are_not_begun_with_impossible_options(tmp_path: Path, dirt: float, processes: int) -> None:
    with pytest.raises(InputError, match=r"--dirt|--processes"):
        write_orders(tmp_path / "sub" / "orders.json", file_job(dirt=dirt), processes)
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


def test_every_preset_can_be_had_and_says_what_it_is() -> None:
    for name in ("marketplace", "grocery", "b2b"):
        shape = get_preset(name)
        assert shape.name == name
        assert len(shape.rhythm.hours) == 24
        assert len(shape.rhythm.weekdays) == 7
        assert len(shape.rhythm.months) == 12
        assert march(preset=name).preset == name
