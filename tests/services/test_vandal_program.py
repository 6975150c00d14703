"""Somebody with a shell writes anything into `orders` while imports, ticks and archive selections go on.

No process stops, every good order is counted once, every other document is named; mending each brings the figures back.
"""

import random
from pathlib import Path

import bson
import pytest
from bson import json_util

from ecommerce.archive.selection import Selection, plan_archive
from ecommerce.check import check_orders
from ecommerce.documents.order import OrderDocument
from ecommerce.documents.stored import NotAnOrder, identity_element, identity_text, stored_order
from ecommerce.importing.import_files import import_paths
from ecommerce.kpis import Filters, KpiStore, Span
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.summaries.aside import all_aside
from ecommerce.summaries.rebuild import rebuild
from tests.summaries_data import accept, document_of, random_order, random_orders
from tests.summaries_recount import recount
from tests.vandalism import IDENTITIES, Vandal

pytestmark = pytest.mark.slow

STEPS = 25


def assert_right(store: KpiStore, vandal: Vandal) -> None:
    """Figures are those of the documents that are orders, and all others are named."""
    good: list[OrderDocument] = []
    bad: set[str] = set()
    documents = {identity_element(bson.encode(one)): one for one in vandal.orders.find()}
    for document in documents.values():
        try:
            good.append(stored_order(bson.encode(document)))
        except NotAnOrder:
            bad.add(identity_text(document["_id"]))
    refresh = store.refresh()
    figures = store.kpis(Span(), Filters()).to_json_dict()
    expected = recount(good, step="day")
    assert {name: figures[name] for name in expected} == expected
    count, named = all_aside(store._database, limit=1_000)  # noqa: SLF001
    assert {one.identity for one in named} == bad
    assert count == refresh.aside == figures["aside"] == len(documents) - len(good)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_vandal_stops_nothing(database: MongoDatabase, settings: Settings, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    vandal, store = Vandal(database, rng), KpiStore(database)
    orders = {order.order.order_id: order for order in random_orders(40, seed)}
    accept(database, orders.values())
    for step in range(STEPS):
        chosen = rng.sample(list(orders), rng.randint(1, 6))
        match rng.randrange(6):
            case 0 | 1:
                for order_id in chosen:
                    vandal.spoil(document_of(orders[order_id]))
            case 2:
                vandal.add_nonsense(rng.choice(IDENTITIES))
            case 3:
                new = [random_order(rng, 1_000 + step * 10 + number) for number in range(rng.randint(1, 5))]
                orders |= {order.order.order_id: order for order in new}
                file = tmp_path / f"{step}.jsonl"
                rows = [document_of(orders[order_id]) for order_id in chosen] + [document_of(order) for order in new]
                file.write_text("".join(json_util.dumps(row) + "\n" for row in rows))
                assert import_paths(database, [file]).rejected == 0
            case 4:
                vandal.orders.delete_one({"_id": rng.choice(IDENTITIES)})
                plan = plan_archive(database, Selection(older_than_days=0, include_open=True))
                assert plan.orders <= len(orders)
            case _:
                rng.choice((advance, rebuild))(database)
        assert_right(store, vandal)
    report = check_orders(database, settings)
    assert report.differences == ()
    for identity in IDENTITIES:
        vandal.orders.delete_one({"_id": identity})
    for order in orders.values():
        vandal.put(document_of(order))
    assert_right(store, vandal)
    assert all_aside(database) == (0, [])
    assert check_orders(database, settings).is_good
