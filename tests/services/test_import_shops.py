"""The shipped mappings, each on a small made-up export of its shop: what becomes an order, and what its money is."""

from decimal import Decimal
from pathlib import Path

import pytest

from ecommerce.documents.order import OrderDocument
from ecommerce.documents.statuses import canonical
from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading.report import FileReport
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import REJECTED_ROWS, MongoDatabase
from ecommerce.shop import Shop, write_shop
from ecommerce.summaries.rebuild import rebuild
from tests.import_samples import stored_orders

SHOPS = Path(__file__).parents[1] / "data" / "shops"


def taken(database: MongoDatabase, name: str) -> tuple[FileReport, dict[str, OrderDocument]]:
    (file,) = import_paths(database, [SHOPS / name]).files
    assert (file.error, file.balanced) == (None, True)
    return file, {order.order.external_id or str(order.order.order_id): order for order in stored_orders(database)}


EXPECTED = {
    # file: orders with (total, discount, status, pieces, day), rejected orders and lines
    "woocommerce.csv": (
        {
            "101": ("95.00", "0.1", "Delivered", [2, 1], "2024-01-05"),
            "102": ("20.00", "0", "Pending", [1], "2024-01-06"),
            "103": ("20.00", "0", "Returned", [1], "2024-01-07"),
            "104": ("30.00", "0", "Delivered", [2], "2024-01-08"),
        },
        {},
    ),
    "amazon.txt": (
        {
            "900-1": ("67.80", "0", "Shipped", [2, 1], "2024-01-05"),
            "900-2": ("0", "0", "Cancelled", [0], "2024-01-07"),
            "900-3": ("10.00", "0", "Pending", [1], "2024-01-08"),
        },
        {},
    ),
    "ebay.csv": (
        {
            "12-34567-89012": ("57.99", "0", "Shipped", [1], "2024-01-06"),
            "12-34567-89013": ("35.00", "0", "Pending", [2, 1], "2024-01-08"),
        },
        {"not_an_order_line": 2},
    ),
    "etsy.csv": (
        {
            "9001": ("63.00", "0.1127", "Shipped", [2, 1], "2024-01-05"),
            "9002": ("27.00", "0", "Pending", [3], "2024-01-31"),
        },
        {},
    ),
    "square.csv": (
        {
            "TX1": ("1210.00", "0.032", "Delivered", [2, 1], "2024-07-05"),
            "TX2": ("620.00", "0", "Delivered", [1], "2024-01-07"),
            "TX3": ("0", "0", "Delivered", [], "2024-01-07"),
        },
        {},
    ),
    "magento.csv": (
        {
            "000000001": ("39.64", "0", "Delivered", [1], "2024-01-05"),
            "000000002": ("1234.50", "0", "Returned", [1], "2024-01-06"),
            "000000003": ("10.00", "0", "Pending", [1], "2024-01-07"),
        },
        {},
    ),
    "superstore_us.csv": (
        {
            "CA-1": ("993.90", "0", "Delivered", [2, 3], "2016-11-08"),
            "CA-2": ("14.62", "0.2", "Delivered", [2], "2016-06-12"),
        },
        {},
    ),
    "online_retail.csv": (
        {
            "536365": ("35.64", "0", "Delivered", [6, 6], "2010-12-01"),
            "536366": ("11.10", "0", "Delivered", [6], "2010-12-13"),
            "C536379": ("0", "0", "Delivered", [], "2010-12-14"),
        },
        {},
    ),
    "dataco.csv": (
        {
            "77202": ("314.64", "0.04", "Delivered", [1], "2018-01-31"),
            "75939": ("79.98", "0", "Pending", [2], "2018-01-13"),
            "75938": ("39.99", "0", "Cancelled", [1], "2018-01-13"),
        },
        {},
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_of_a_shop_becomes_its_orders(database: MongoDatabase, name: str) -> None:
    expected, rejected = EXPECTED[name]
    file, orders = taken(database, name)
    assert {
        key: (
            order.order.total_amount,
            order.order.discount,
            canonical(order.delivery.status),
            [item.quantity for item in order.order_items],
            f"{order.order.order_time:%Y-%m-%d}",
        )
        for key, order in orders.items()
    } == {key: (Decimal(total), Decimal(discount), *rest) for key, (total, discount, *rest) in expected.items()}
    assert dict(file.reasons) == rejected
    assert database[REJECTED_ROWS].count_documents({}) == sum(rejected.values())
    assert import_paths(database, [SHOPS / name]).unchanged == len(expected)


def test_what_a_later_export_says_was_paid_back_lowers_sales(database: MongoDatabase, tmp_path: Path) -> None:
    text = (SHOPS / "woocommerce.csv").read_text()
    before = text.replace(",5.00,30.00,4.79,", ",0.00,30.00,4.79,")
    assert before != text
    sales = []
    for export in (before, text):
        (tmp_path / "woocommerce.csv").write_text(export)
        report = import_paths(database, [tmp_path / "woocommerce.csv"])
        rebuild(database)
        found = compute_kpis(database).sales
        assert found
        sales.append(found)
    assert (report.changed, report.unchanged) == (1, 3)
    assert sales[0].returns + 5 == sales[1].returns
    assert sales[0].total_sales - 5 == sales[1].total_sales


def test_the_shop_s_own_words_are_in_the_catalog(database: MongoDatabase) -> None:
    for name in ("amazon.txt", "online_retail.csv", "dataco.csv", "woocommerce.csv"):
        taken(database, name)
    assert {'24" monitor stand', '"Hello" mug', "LANTERN £5", "Smart watch", 'Cup 12"'} <= set(
        database["products"].distinct("name")
    )
    assert {"José Díaz", "Ada Lovelace", "17850.0"} <= set(database["users"].distinct("name"))


def test_a_credit_is_of_what_was_paid_back_after_discounts(database: MongoDatabase, tmp_path: Path) -> None:
    (tmp_path / "square.csv").write_text(
        (SHOPS / "square.csv").read_text().replace("-$620.00,$0.00,-$620.00", "-$620.00,$20.00,-$600.00")
    )
    import_paths(database, [tmp_path / "square.csv"])
    order = next(order for order in stored_orders(database) if order.order.external_id == "TX3")
    (refund,) = order.refunds
    assert (refund.amount, refund.refund_time) == (Decimal(600), order.order.order_time)


def test_lines_that_give_back_beside_others_are_no_refund_by_chance(database: MongoDatabase, tmp_path: Path) -> None:
    (tmp_path / "square.csv").write_text((SHOPS / "square.csv").read_text().replace("TX3", "TX2"))
    (file,) = import_paths(database, [tmp_path / "square.csv"]).files
    assert (file.accepted, file.rejected) == (1, 1)


def test_signs_of_another_currency_than_the_shop_s_are_told(database: MongoDatabase) -> None:
    write_shop(database, Shop("EUR", "UTC"))
    file, _ = taken(database, "square.csv")
    assert "the signs are none of EUR: the amounts count as EUR all the same" in " ".join(file.notes)
    write_shop(database, Shop("CAD", "UTC"))
    (again,) = import_paths(database, [SHOPS / "square.csv"]).files
    assert "all the same" not in " ".join(again.notes)


def test_a_time_in_three_columns_is_in_its_zone(database: MongoDatabase) -> None:
    _, orders = taken(database, "square.csv")
    assert orders["TX1"].order.order_time.isoformat() == "2024-07-05T14:15:00+00:00"
    assert orders["TX2"].order.order_time.isoformat() == "2024-01-07T07:40:00+00:00"


def test_of_several_times_in_an_invoice_the_first_counts(database: MongoDatabase) -> None:
    _, orders = taken(database, "online_retail.csv")
    assert orders["536365"].order.order_time.isoformat() == "2010-12-01T08:26:00+00:00"
    assert orders["536365"].order.user_id != orders["536366"].order.user_id


def test_a_shop_of_another_currency_is_named_where_no_order_is_in_its_own(database: MongoDatabase) -> None:
    write_shop(database, Shop("USD", "UTC"))
    relabel = "`ecommerce shop --currency EUR`"
    file, orders = taken(database, "shopify.csv")
    assert {order.order.currency for order in orders.values()} == {"EUR"}
    assert relabel in " ".join(file.notes)
    taken(database, "woocommerce.csv")  # names no currency
    again = " ".join(taken(database, "shopify.csv")[0].notes)
    assert "`ecommerce kpis --currency EUR`" in again
    assert relabel not in again
