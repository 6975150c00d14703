"""Makes the databases and archives of version 0.1.0 that the tests of `upgrade` start from.

They were made once, with the sources of commit 24465ed, the last of version 0.1.0, and must not be made with others:

    git archive 24465ed | tar x -C /tmp/version_0_1_0
    cd /tmp/version_0_1_0 && python <checkout>/tests/data/version_0_1_0/make.py

Each file beside this one holds a database and its archive as a stream of BSON documents under zstd: a collection with
its options and indexes, then its documents, the files of the archive and those that were imported, what 0.1.0 restores
from the archive, and the figures as 0.1.0 tells them. `tests/version_0_1_0.py` reads them back. The archive's URI,
which run records name, is ARCHIVE_URI there and is replaced when it is read. `sources.tar.zst` is the program itself:
`git archive 24465ed ecommerce | zstd -22 --ultra`.
"""

import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(Path.cwd()))  # the sources of 0.1.0, not those that this file lies in

import bson  # noqa: E402
import zstandard  # noqa: E402
from bson.codec_options import CodecOptions  # noqa: E402
from bson.raw_bson import RawBSONDocument  # noqa: E402
from ecommerce.importing.run import import_paths  # noqa: E402

from ecommerce.archive import archiver, compact, purge, steps  # noqa: E402
from ecommerce.archive.archiver import archive_orders, compact_archive  # noqa: E402
from ecommerce.archive.restore import ORDERS_RESTORED, restore_orders  # noqa: E402
from ecommerce.archive.selection import Selection  # noqa: E402
from ecommerce.archive.spark import spark_session  # noqa: E402
from ecommerce.kpis import compute_kpis  # noqa: E402
from ecommerce.mongo import get_database, prepare_database  # noqa: E402
from ecommerce.services.mongod import start_mongod  # noqa: E402
from ecommerce.settings import Settings  # noqa: E402
from ecommerce.summaries.advance import advance  # noqa: E402

ARCHIVE_URI = "file:/version-0.1.0"
PORT = 27991

FIRST_DAY = datetime(2026, 3, 30, 6, tzinfo=UTC)
"""The days lie on both sides of a month's end."""
DAYS = 4

STATUSES = (
    "Delivered", "Delivered", "Delivered", "Shipped", "Pending", "Cancelled", "Returned", "canceled", "completed",
    "Refunded", "on-hold", "delivered", "in Prüfung",
)  # fmt: skip
"""As shops write them: the five that 0.1.0 knew, what later versions know as their aliases, and an unknown one."""


def an_order(order_id: int, *, day: int | None = None, status: str | None = None) -> dict[str, Any]:
    """A row of JSON."""
    rng = random.Random(order_id)
    time = FIRST_DAY + timedelta(days=rng.randrange(DAYS) if day is None else day, minutes=rng.randrange(900))
    items = rng.choice((0, 1, 1, 1, 2, 3))
    status = status or rng.choice(STATUSES)
    expected = time + timedelta(days=3)
    arrived = status.lower() in ("delivered", "completed", "returned") and rng.random() < 0.9
    actual = expected + timedelta(hours=rng.randrange(-40, 40)) if arrived else None
    order = {
        "order_id": order_id,
        "user_id": rng.randrange(20),
        "order_time": time.isoformat(),
        "total_amount": f"{rng.randrange(5_000_000) / 10_000:.4f}",
        "discount": rng.choice(("0", "0", "0.1", "0.3333")),
        "quantity": items,
        "payment_type": rng.choice(("card", "boleto", "卡")),
    }
    if order_id % 7 == 0:
        order["external_id"] = f"E-{order_id}"
    return {
        "order": order,
        "order_items": [
            {
                "order_item_id": order_id * 10 + at,
                "order_id": order_id,
                "product_id": rng.randrange(1, 9),
                "warehouse_id": rng.randrange(1, 4),
                "quantity": rng.randrange(1, 5),
                "price": f"{rng.randrange(900_000) / 10_000:.4f}",
                "event_time": time.isoformat(),
            }
            for at in range(items)
        ],
        "delivery": {
            "delivery_id": order_id,
            "order_id": order_id,
            "status": status,
            "expected_time": expected.isoformat(),
            "actual_time": actual and actual.isoformat(),
            "courier_id": rng.randrange(1, 5),
            "location": rng.choice(("São Paulo", "Köln", "東京")),
        },
    }


CATALOG = {
    "products.csv": ["product_id,name,category,warehouse_id"]
    + [f"{n},Product {n},{('Books', 'Toys', '')[n % 3]},1" for n in range(1, 9)],
    "warehouses.csv": ["warehouse_id,location"] + [f"{n},Hall {n}" for n in range(1, 4)],
    "couriers.csv": ["courier_id,name"] + [f"{n},Courier {n % 3}" for n in range(1, 5)],
}


class Shop:
    """A database of version 0.1.0, its archive, and the files that were imported into it."""

    def __init__(self, uri: str, name: str, directory: Path) -> None:
        self.directory = directory / name
        self.directory.mkdir()
        self.settings = Settings(
            mongo_uri=uri, database=name, home=directory / "home", archive_uri=(self.directory / "archive").as_uri()
        )
        self.database = get_database(self.settings)
        prepare_database(self.database)

    def bring(self, name: str, *orders: dict[str, Any]) -> None:
        """Import orders by a file, and take them into the summaries."""
        path = self.directory / f"{name}.jsonl"
        path.write_text("".join(f"{json.dumps(order, ensure_ascii=False)}\n" for order in orders))
        report = import_paths(self.database, [path])
        assert report.accepted + report.changed == len(orders), report
        advance(self.database)

    def catalog(self) -> None:
        for name, lines in CATALOG.items():
            (self.directory / name).write_text("\n".join(lines) + "\n")
        import_paths(self.database, [self.directory / name for name in CATALOG])

    def touch(self, order_id: int, payment_type: str) -> None:
        """Change an order as a writer does."""
        changes = {"updated_at": {"$add": ["$updated_at", 1]}, "order.payment_type": payment_type}
        assert self.database["orders"].update_one({"_id": order_id}, [{"$set": changes}]).modified_count

    def restored(self) -> None:
        """Keep beside the archive what 0.1.0 restores from it."""
        restore_orders(self.settings, FIRST_DAY.date(), (FIRST_DAY + timedelta(days=DAYS)).date())
        raw: Any = CodecOptions(document_class=RawBSONDocument)
        found = self.database.get_collection(ORDERS_RESTORED, codec_options=raw).find().sort("_id", 1)
        (self.directory / "restored.bson").write_bytes(b"".join(document.raw for document in found))
        self.database.drop_collection(ORDERS_RESTORED)

    def freeze(self) -> None:
        """Write the database, the archive and the imported files into one file beside this one."""
        figures = compute_kpis(self.database).to_json_dict()
        compressor = zstandard.ZstdCompressor(level=19)
        target = HERE / f"{self.database.name}.bson.zst"
        target.write_bytes(compressor.compress(b"".join((*self._documents(), bson.encode({"kpis": figures})))))
        self.database.client.drop_database(self.database.name)
        print(target.name, target.stat().st_size, "bytes", flush=True)

    def _documents(self) -> Iterator[bytes]:
        raw: Any = CodecOptions(document_class=RawBSONDocument)
        for found in sorted(self.database.list_collections(), key=lambda one: one["name"]):
            collection = self.database.get_collection(found["name"], codec_options=raw)
            indexes = [index for index in self.database[found["name"]].list_indexes() if index["name"] != "_id_"]
            yield bson.encode({"collection": found["name"], "options": found["options"], "indexes": indexes})
            for document in collection.find().sort("_id", 1):
                if found["name"] == "archive_runs":
                    plain: dict[str, Any] = bson.decode(document.raw)
                    yield bson.encode({"document": plain | {"archive_uri": ARCHIVE_URI}})
                else:
                    yield bson.encode({"document": document})
        for path in sorted(self.directory.rglob("*")):
            if path.is_file() and not path.name.endswith(".crc"):
                name = path.relative_to(self.directory).as_posix()
                yield bson.encode({"file": name, "data": path.read_bytes()})


def at_moment(moment: str, action: Callable[[], object]) -> Callable[[], None]:
    """Do something once when the archiver reaches a moment; what undoes that."""
    done: list[str] = []

    def reached(name: str) -> None:
        if name == moment and not done:
            done.append(name)
            action()

    modules: tuple[Any, ...] = (steps, purge, compact)
    before = [module.reached for module in modules]
    for module in modules:
        module.reached = reached

    def undo() -> None:
        for module, function in zip(modules, before, strict=True):
            module.reached = function

    return undo


def whole(shop: Shop) -> None:
    """A shop that was in use for a while."""
    shop.catalog()
    shop.bring("first", *(an_order(number) for number in range(1, 241)))
    finished = [row["_id"] for row in shop.database["orders"].find({"delivery.status": "Delivered"}).limit(3)]
    undo = at_moment("purge:before", lambda: [shop.touch(order_id, "voucher") for order_id in finished])
    archiver.CHUNK_ORDERS = 20  # type: ignore[misc]
    (run,) = archive_orders(shop.settings)
    undo()
    assert run.superseded == len(finished)
    late = [an_order(number, day=number % 2, status="Delivered") for number in range(301, 306)]
    shop.bring("late", *late, *(an_order(number, day=number % DAYS) for number in range(306, 330)))
    # Of another shop's habit: whatever is old goes, so that aliases and open orders are in the archive, too.
    archive_orders(shop.settings, Selection(include_open=True))
    (merged,) = compact_archive(shop.settings, at_least=2)
    assert merged.kind == "compact"
    shop.bring("very_late", *(an_order(number, day=1, status="Delivered") for number in range(401, 404)))
    archive_orders(shop.settings)
    shop.bring("hot", *(an_order(number) for number in range(501, 541)))
    shop.bring("hotter", an_order(601, day=2, status="canceled"), an_order(602, day=2, status="completed"))


class PowerCut(BaseException):
    """Nothing in the archiver catches it."""


def cut(moment: str, work: Callable[[], object]) -> None:
    """Begin some work and end it at a moment as a power cut does, but for the lease."""

    def power_cut() -> None:
        raise PowerCut

    undo = at_moment(moment, power_cut)
    try:
        work()
    except PowerCut:
        return
    finally:
        undo()
    raise AssertionError(f"{moment} was not reached")


def unfinished(shop: Shop, moment: str) -> None:
    """A shop whose archiver was killed at a moment."""
    archiver.CHUNK_ORDERS = 4  # type: ignore[misc]
    shop.bring("first", *(an_order(number, day=0, status="Delivered") for number in range(1, 13)), an_order(13))
    cut(moment, lambda: archive_orders(shop.settings))


def unfinished_compaction(shop: Shop, moment: str) -> None:
    """A shop whose compaction was killed at a moment."""
    for part in range(2):
        numbers = range(100 * part + 1, 100 * part + 7)
        shop.bring(f"part{part}", *(an_order(number, day=0, status="Delivered") for number in numbers))
        archive_orders(shop.settings)
    cut(moment, lambda: compact_archive(shop.settings, at_least=2))


UNFINISHED = {
    "planned": "export:before",
    "exported": "export:recorded",
    "verified": "verify:recorded",
    "published": "publish:recorded",
    "half_purged": "purge:after-chunk",
    "purged": "purge:recorded",
}
UNFINISHED_COMPACTIONS = {
    "compaction_planned": "compact-export:before",
    "compaction_exported": "export:recorded",
    "compaction_verified": "verify:recorded",
    "compaction_published": "publish:recorded",
    "compaction_purged": "compact-purge:recorded",
}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        server = start_mongod(directory / "services", PORT)
        uri = f"mongodb://127.0.0.1:{PORT}/?replicaSet=ecommerce"
        purge.THREADS = 1  # type: ignore[misc]
        try:
            with spark_session(Settings(home=directory / "spark")):
                shop = Shop(uri, "whole", directory)
                whole(shop)
                shop.restored()
                shop.freeze()
                for kind, make in ((UNFINISHED, unfinished), (UNFINISHED_COMPACTIONS, unfinished_compaction)):
                    for state, moment in kind.items():
                        shop = Shop(uri, state, directory)
                        make(shop, moment)
                        shop.freeze()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
