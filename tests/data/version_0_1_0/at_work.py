"""What a program of version 0.1.0 does to a database: run in a process of its own, on the sources of that version.

`python at_work.py SOURCES SETTINGS`: where `ecommerce` of 0.1.0 is, and its settings as JSON. It prints
as JSON how each thing that it tried ended: an error's text, or null.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])  # the sources of 0.1.0, not those that this file lies in

import ecommerce
from ecommerce.archive.archiver import archive_orders, compact_archive
from ecommerce.archive.selection import Selection
from ecommerce.check import check_orders
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import get_database, prepare_database
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.summaries.compact import compact
from ecommerce.summaries.rebuild import rebuild


def main(settings: Settings) -> dict[str, str | None]:
    """Try everything that writes anything but orders."""
    assert Path(ecommerce.__file__).is_relative_to(sys.argv[1])
    database = get_database(settings)
    tried = {
        "start": lambda: prepare_database(database),
        "advance": lambda: advance(database),
        "kpis": lambda: compute_kpis(database),
        "rebuild": lambda: rebuild(database),
        "compact": lambda: compact(database),
        "check": lambda: check_orders(database, settings, repair=True),
        "archive": lambda: archive_orders(settings, Selection(older_than_days=0)),
        "compact the archive": lambda: compact_archive(settings, at_least=2),
    }
    ended: dict[str, str | None] = {}
    for name, attempt in tried.items():
        try:
            attempt()
            ended[name] = None
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            ended[name] = str(error)
    return ended


if __name__ == "__main__":
    print("TOLD", json.dumps(main(Settings(**json.loads(sys.argv[2])))))
