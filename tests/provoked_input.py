"""Ways to provoke the runbook's messages about files to import, mappings and queries."""

import gzip
import zipfile
from collections.abc import Callable

import pytest

from ecommerce.importing.files import find_files
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.recognise import recognise
from ecommerce.importing.sources.streams import open_source
from ecommerce.mongo import get_database
from ecommerce.query import ask
from ecommerce.settings import Settings
from tests.summaries_data import accept, random_orders

Provocation = Callable[[Settings, pytest.MonkeyPatch], object]


def recognise_text(name: str, text: str) -> Provocation:
    """What recognises a file of this text."""

    def provoke(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        (settings.home / name).write_text(text)
        recognise(settings.home / name)

    return provoke


def cut_a_compressed_file(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    file = settings.home / "orders.csv.gz"
    file.write_bytes(gzip.compress(b"order_id\n" * 100_000)[:-20])
    recognise(file)
    with open_source(file) as stream:
        while stream.read(1 << 20):
            pass


def name_a_text_as_workbook(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(settings.home / "a.xlsx", "w") as file:
        file.writestr("xl/workbook.xml", "no XML")
    recognise(settings.home / "a.xlsx")


def name_a_text_as_parquet(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.home / "a.parquet").write_bytes(b"PAR1 no table")
    recognise(settings.home / "a.parquet")


def name_a_mapping_that_is_no_yaml(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.home / "mine.yaml").write_text("order: {id: [")
    load_mapping(str(settings.home / "mine.yaml"))


def ask_what_changes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(get_database(settings), random_orders(1, 3))
    with ask(settings, "DELETE FROM orders"):
        pass


OF_INPUT: dict[str, Provocation] = {
    "… is cut off: its compressed data ends in the middle": cut_a_compressed_file,
    "… cannot be read as a workbook: …": name_a_text_as_workbook,
    "… cannot be read as Parquet: …": name_a_text_as_parquet,
    "…: the column … is there twice": recognise_text("a.csv", "user_id,name,name\n1,Ada,Ada\n"),
    "…: unknown columns … in a table of …": recognise_text(
        "a.csv", "user_id,name,email,shoe_size\n1,Ada,a@example.com,38\n"
    ),
    "…: no such file, or no files to import in it (…)": lambda settings, _: find_files([settings.home / "orders.csv"]),
    "no mapping …: give the path of one, or one of …": lambda *_: load_mapping("shoppify"),
    "… is not YAML: …": name_a_mapping_that_is_no_yaml,
    "query: give one SELECT; …": ask_what_changes,
    "… is no JSON, which its name says: …": recognise_text("a.jsonl", "no JSON\n"),
    "… are neither orders (…) nor a catalog table, and no mapping knows them: …": recognise_text(
        "a.csv", "colour,shape\nred,round\n"
    ),
}
"""By the row of the runbook."""
