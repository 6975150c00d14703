"""An order whose parts lie in several tables, joined by a mapping."""

from decimal import Decimal
from pathlib import Path

from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading.replay import replay_rejected
from ecommerce.mongo import REJECTED_ROWS, MongoDatabase
from tests.import_samples import stored_orders

OLIST = {
    "olist_orders_dataset.csv": """\
"order_id","customer_id","order_status","order_purchase_timestamp","order_approved_at","order_delivered_carrier_date",\
"order_delivered_customer_date","order_estimated_delivery_date"
"o1","c1","delivered","2017-10-02 10:56:33","2017-10-02 11:07:15","2017-10-04 19:55:00","2017-10-10 21:25:13",\
"2017-10-18 00:00:00"
"o2","c2","canceled","2018-07-24 20:41:37",,,,"2018-08-13 00:00:00"
""",
    "olist_order_items_dataset.csv": """\
"order_id","order_item_id","product_id","seller_id","shipping_limit_date","price","freight_value"
"o1",1,"p1","s1","2017-10-06 11:07:15",29.99,8.72
"o1",2,"p1","s1","2017-10-06 11:07:15",29.99,8.72
""",
    "olist_order_payments_dataset.csv": """\
"order_id","payment_sequential","payment_type","payment_installments","payment_value"
"o1",2,"voucher",1,18.59
"o1",1,"credit_card",1,58.83
""",
    "olist_customers_dataset.csv": """\
"customer_id","customer_unique_id","customer_zip_code_prefix","customer_city","customer_state"
"c1","u1","03149","sao paulo","SP"
"c2","u1","03149","sao paulo","SP"
""",
    "olist_products_dataset.csv": '"product_id","product_category_name"\n"p1","utilidades_domesticas"\n',
    "olist_sellers_dataset.csv": '"seller_id","seller_city","seller_state"\n"s1","maua","SP"\n',
}


def test_tables_that_belong_together_give_orders(database: MongoDatabase, tmp_path: Path) -> None:
    for name, text in OLIST.items():
        (tmp_path / name).write_text(text)
    report = import_paths(database, [tmp_path])
    assert (report.accepted, report.rejected, [file.error for file in report.files]) == (2, 0, [None] * 6)
    orders = {order.order.external_id: order for order in stored_orders(database)}
    assert (orders["o1"].order.total_amount, orders["o1"].order.payment_type) == (Decimal("77.42"), "credit_card")
    assert (len(orders["o1"].order_items), orders["o2"].order_items) == (2, ())
    assert orders["o1"].order.user_id == orders["o2"].order.user_id
    assert [order.delivery.status for order in orders.values()] == ["Delivered", "Cancelled"]
    assert (database["warehouses"].find_one() or {})["location"] == "maua"


def test_a_missing_table_is_an_error_that_names_it(database: MongoDatabase, tmp_path: Path) -> None:
    for name, text in OLIST.items():
        if "payments" not in name:
            (tmp_path / name).write_text(text)
    (failed,) = import_paths(database, [tmp_path]).failed
    assert "needs beside it payments (columns order_id, payment_sequential, payment_type)" in (failed.error or "")


def test_an_order_of_joined_files_is_tried_again_after_a_fix(database: MongoDatabase, tmp_path: Path) -> None:
    for name, text in OLIST.items():
        (tmp_path / name).write_text(text.replace('29.99,8.72\n"o1",2', '?,8.72\n"o1",2'))
    report = import_paths(database, [tmp_path])
    assert (report.accepted, report.rejected) == (1, 1)
    assert replay_rejected(database).rejected == 1
    (row,) = database[REJECTED_ROWS].find()
    assert (row["code"], row["reason"]) == ("wrong_type", "order_items[].price is '?', not a number")
    corrected = row["raw"].replace('"items.price":"?"', '"items.price":"29.99"')
    database[REJECTED_ROWS].update_one({"_id": row["_id"]}, {"$set": {"raw": corrected}})
    assert replay_rejected(database).accepted == 1
    orders = {order.order.external_id: order for order in stored_orders(database)}
    assert (orders["o1"].order.total_amount, len(orders["o1"].order_items)) == (Decimal("77.42"), 2)
    # The files, corrected too, hold nothing new.
    (tmp_path / "olist_order_items_dataset.csv").write_text(OLIST["olist_order_items_dataset.csv"])
    assert import_paths(database, [tmp_path]).unchanged == 2
