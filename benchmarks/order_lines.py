"""A file of generated orders in the shape of the public Superstore table: a row per item, textual ids, US dates."""

import csv
from datetime import timedelta
from pathlib import Path

from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.generate.model.orders import BLOCK_ORDERS, make_orders
from ecommerce.generate.model.people import catalog_names
from ecommerce.generate.model.rhythm import from_ms
from ecommerce.generate.model.windows import Window

COLUMNS = (
    "Row ID", "Order ID", "Order Date", "Ship Date", "Ship Mode", "Customer ID", "Customer Name", "Segment", "Country",
    "City", "State", "Postal Code", "Region", "Product ID", "Category", "Sub-Category", "Product Name", "Sales",
    "Quantity", "Discount", "Profit",
)  # fmt: skip
_MODES = ("Same Day", "First Class", "Second Class", "Standard Class")
_SEGMENTS = ("Consumer", "Corporate", "Home Office")
_REGIONS = ("South", "West", "East", "Central")


def write_order_lines(path: Path, spec: CatalogSpec, window: Window) -> Path:
    """The window's orders as lines. Returns the path."""
    names = catalog_names(spec)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        row_id = 0
        for first in range(0, window.orders, BLOCK_ORDERS):
            block = make_orders(spec, window, first, min(BLOCK_ORDERS, window.orders - first), window.end_ms)
            for row, at in enumerate(block.item_order.tolist()):
                row_id += 1
                time, user, product = from_ms(int(block.order_time[at])), block.user_id[at], block.product_id[row]
                price, quantity = int(block.price[row]), int(block.quantity[row])
                rows.writerow((
                    row_id, f"US-{block.order_id[at]}", f"{time:%m/%d/%Y}", f"{time + timedelta(days=4):%m/%d/%Y}",
                    _MODES[at % 4], f"C-{user}", f"{names.first[user % 100]} {names.last[user % 97]}",
                    _SEGMENTS[user % 3], "United States", names.cities[block.city[at]], "Texas", f"{10_000 + user}",
                    _REGIONS[product % 4], f"P-{product}", "Furniture", "Chairs", f"Chair {product}, oak",
                    f"{price * quantity / 10_000:.2f}", quantity, 0, "1.5",
                ))  # fmt: skip
    return path
