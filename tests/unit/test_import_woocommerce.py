"""WooCommerce: what came back, pieces that refunds left, prices with many decimals, statuses of other languages."""

from pathlib import Path
from typing import Any

import pytest

from ecommerce.documents.statuses import canonical
from ecommerce.importing.check_file import FileCheck, check_file
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.order_lines.draft import draft_mapping
from ecommerce.importing.order_lines.mapping import Mapping
from ecommerce.importing.order_lines.mappings import load_mapping, shipped_mappings, text_of_shipped

HEADER = (
    "Order Number,Order Status,Order Date,First Name (Billing),Last Name (Billing),City (Billing),Email (Billing),"
    "City (Shipping),Payment Method Title,Cart Discount Amount,Order Subtotal Amount,Shipping Method Title,"
    "Order Shipping Amount,Order Refund Amount,Order Total Amount,Order Total Tax Amount,SKU,Item #,Item Name,"
    "Quantity (- Refund),Item Cost,Quantity"
)
ORDER: dict[str, Any] = {
    "Order Number": 1, "Order Status": "Completed", "Order Date": "2024-01-05 10:22",
    "Email (Billing)": "ada@example.com",
    "City (Billing)": "Lima", "City (Shipping)": "Lima", "Payment Method Title": "Card", "Cart Discount Amount": 0,
    "Order Subtotal Amount": "30.00", "Order Refund Amount": "0.00", "Order Total Amount": "40.70", "Item #": 1,
    "Order Shipping Amount": "5.00", "Order Total Tax Amount": "5.70", "SKU": "TEA", "Item Name": "Tea", "Quantity": 3,
    "Quantity (- Refund)": 3, "Item Cost": "10.00",
}  # fmt: skip


def checked(folder: Path, *lines: dict[str, Any], without: str = "", also: str = "") -> FileCheck:
    columns = [name for name in HEADER.split(",") if name != without] + ([also] if also else [])
    rows = [",".join(str((ORDER | line).get(name, "")) for name in columns) for line in lines]
    (folder / "woo.csv").write_text("\n".join([",".join(columns), *rows]) + "\n")
    found = check_file(folder / "woo.csv", ImportOptions())
    assert (found.error, found.shape and found.shape.mapping) == (None, "woocommerce")
    return found


def test_a_part_that_was_paid_back_is_a_refund_with_its_pieces(tmp_path: Path) -> None:
    found = checked(tmp_path, {"Quantity (- Refund)": 2, "Order Refund Amount": "11.90"})
    (order,) = found.first_orders
    (refund,) = order["refunds"]
    assert (str(refund["amount"]), refund["refund_time"]) == ("11.9000", order["order"]["order_time"])
    assert refund["items"] == [{"order_item_id": order["order_items"][0]["order_item_id"], "quantity": 1}]
    assert order["order_items"][0]["quantity"] == 3
    assert "1 order has refunds" in found.notes


def test_its_tax_and_shipping_and_the_latest_of_the_order_s_days_are_taken_where_they_are_exported(
    tmp_path: Path,
) -> None:
    back = {"Order Refund Amount": "11.90", "Order Total Tax Amount Refunded": "1.90"}
    (order,) = checked(tmp_path, back, also="Order Total Tax Amount Refunded").first_orders
    assert str(order["refunds"][0]["tax_amount"]) == "1.9000"
    back = {"Order Refund Amount": "11.90", "Completed Date": "2024-01-09 08:00:00"}
    (order,) = checked(tmp_path, back, also="Completed Date").first_orders
    assert f"{order['refunds'][0]['refund_time']:%Y-%m-%d %H:%M}" == "2024-01-09 08:00"


def test_where_all_went_back_so_did_the_tax_though_no_item_was_named(tmp_path: Path) -> None:
    back = {"Order Status": "Refunded", "Order Refund Amount": "40.70", "Order Total Tax Amount Refunded": "0"}
    (order,) = checked(tmp_path, back, also="Order Total Tax Amount Refunded").first_orders
    (refund,) = order["refunds"]
    assert (str(refund["tax_amount"]), str(refund["shipping_amount"])) == ("5.7000", "5.0000")
    assert "items" not in refund


def test_without_the_pieces_that_were_ordered_an_order_is_taken_only_where_they_are_certain(tmp_path: Path) -> None:
    found = checked(
        tmp_path,
        {"Order Number": 1},
        {"Order Number": 2, "Quantity (- Refund)": 2, "Order Refund Amount": "11.90"},
        {"Order Number": 3, "Order Refund Amount": "5.00"},  # paid back without a piece
        {"Order Number": 4, "Cart Discount Amount": "3.00", "Item Cost": "9.00", "Order Refund Amount": "5.00",
         "Order Total Amount": "37.13", "Order Total Tax Amount": "5.13"},
        {"Order Number": 5, "Quantity (- Refund)": 0, "Order Refund Amount": "40.70", "Order Status": "Refunded"},
        without="Quantity",
    )  # fmt: skip
    assert [order["order"]["external_id"] for order in found.first_orders] == ["1", "3", "4"]
    assert (found.rows, dict(found.reasons), found.report.doubts) == (5, {"no_mapping_value": 2}, {})
    assert "export 'Quantity', too" in found.first_rejections[0].reason


@pytest.mark.parametrize(("left", "taken"), [(3, 1), (2, 0)])
def test_without_the_amount_that_was_paid_back_nothing_may_have_come_back(
    tmp_path: Path, left: int, taken: int
) -> None:
    found = checked(tmp_path, {"Quantity (- Refund)": left}, without="Order Refund Amount")
    assert len(found.first_orders) == taken
    assert taken or "export it, too" in found.first_rejections[0].reason


def test_either_column_of_pieces_is_enough(tmp_path: Path) -> None:
    assert len(checked(tmp_path, {}, without="Quantity (- Refund)").first_orders) == 1
    assert len(checked(tmp_path, {}, without="Quantity").first_orders) == 1


def test_prices_with_many_decimals_are_rounded_to_four(tmp_path: Path) -> None:
    line = {"Item Cost": "12.605042", "Order Subtotal Amount": "37.82", "Order Shipping Amount": "4.201681",
            "Order Total Amount": "50.00", "Order Total Tax Amount": "7.98"}  # fmt: skip
    found = checked(tmp_path, line)
    (order,) = found.first_orders
    assert str(order["order_items"][0]["price"]) == "12.6050"
    assert (str(order["order"]["total_amount"]), found.report.doubts) == ("50.0000", {})
    (order,) = checked(
        tmp_path, line | {"Item Cost Before Discount": "14.00"}, also="Item Cost Before Discount"
    ).first_orders
    assert str(order["order_items"][0]["price"]) == "14.0000"


@pytest.mark.parametrize(
    ("labels", "status"),
    [
        ("Zahlung ausstehend,In Wartestellung,In Bearbeitung,Wird verarbeitet,En attente,Procesando,In lavorazione,"
         "In de wacht,Aguardando", "Pending"),
        ("Completed,Abgeschlossen,Fertiggestellt,Terminée,Completado,Completato,Afgerond,Concluído", "Delivered"),
        ("Cancelled,Failed,Storniert,FEHLGESCHLAGEN,Annulée,Échouée,Cancelado,Fallido,Annullato,Fallito,Geannuleerd,"
         "Mislukt,Malsucedido", "Cancelled"),
        ("Refunded,Rückerstattet,Remboursée,Reembolsado,Rimborsato,Terugbetaald", "Returned"),
    ],
)  # fmt: skip
def test_statuses_are_known_in_the_shop_s_language(tmp_path: Path, labels: str, status: str) -> None:
    lines = [{"Order Number": at, "Order Status": label} for at, label in enumerate(labels.split(","))]
    found = checked(tmp_path, *lines)
    assert not found.report.unknown_statuses
    assert {canonical(text) for text in found.statuses} == {status}


def test_an_unknown_status_is_named_with_the_command_that_says_what_it_means(tmp_path: Path) -> None:
    found = checked(tmp_path, {"Order Status": "Abgeholt"})
    assert "'Abgeholt' (1)" in found.report.statuses_not_known
    assert "`ecommerce mapping show woocommerce > woocommerce.yaml`" in found.report.statuses_not_known
    copy = tmp_path / "woocommerce.yaml"
    copy.write_text(text_of_shipped("woocommerce").replace("{\n", "{ Abgeholt: Delivered,\n", 1))
    again = check_file(tmp_path / "woo.csv", ImportOptions(mapping=str(copy)))
    assert (again.report.statuses_not_known, list(again.statuses)) == ("", ["Delivered"])
    assert again.first_orders[0]["_id"] == found.first_orders[0]["_id"]


def test_the_decimal_comma_is_said_once_of_the_columns_that_have_one(tmp_path: Path) -> None:
    line = ORDER | {
        "Item Cost": "1.000,50",
        "Order Subtotal Amount": "3.001,50",
        "Order Refund Amount": "0",
        "Order Total Amount": "3.001,50",
        "Order Shipping Amount": "0",
        "Order Total Tax Amount": "0",
    }
    columns = HEADER.split(",")
    (tmp_path / "woo.csv").write_text(f"{';'.join(columns)}\n{';'.join(str(line.get(c, '')) for c in columns)}\n")
    found = check_file(tmp_path / "woo.csv", ImportOptions())
    sentence = "amounts have a decimal comma, as the file shows: Order Subtotal Amount, Order Total Amount, Item Cost"
    assert [note for note in found.notes if "decimal" in note] == [sentence]
    assert str(found.first_orders[0]["order"]["total_amount"]) == "3001.5000"


def test_a_draft_finds_what_the_plugin_calls_customer_payment_price_and_totals(tmp_path: Path) -> None:
    checked(tmp_path, {"Item Cost": "12.605042", "Order Subtotal Amount": "37.82"})
    (tmp_path / "draft.yaml").write_text(draft_mapping(tmp_path / "woo.csv"))
    draft = load_mapping(str(tmp_path / "draft.yaml"))
    used = {name: next(value.used()) for name, value in {**draft.order, **draft.item, **draft.delivery}.items()
            if value.constant is None}  # fmt: skip
    assert used == {
        "order_id": "Order Number", "user_id": "Email (Billing)", "order_time": "Order Date",
        "payment_type": "Payment Method Title", "total_amount": "Order Total Amount",
        "tax_amount": "Order Total Tax Amount", "shipping_amount": "Order Shipping Amount", "product_id": "SKU",
        "quantity": "Quantity", "price": "Item Cost", "status": "Order Status", "expected_time": "Order Date",
        "courier_id": "Shipping Method Title", "location": "City (Shipping)",
    }  # fmt: skip
    assert draft.refund["amount"].column == "Order Refund Amount"
    found = check_file(tmp_path / "woo.csv", ImportOptions(mapping=str(tmp_path / "draft.yaml")))
    assert str(found.first_orders[0]["order_items"][0]["price"]) == "12.6050"


@pytest.mark.parametrize("mapping", shipped_mappings(), ids=lambda mapping: mapping.name)
def test_a_copy_of_a_shipped_mapping_makes_the_same_orders(tmp_path: Path, mapping: Mapping) -> None:
    (tmp_path / "copy.yaml").write_text(text_of_shipped(mapping.name))
    copy = load_mapping(str(tmp_path / "copy.yaml"))
    assert copy == mapping.model_copy(update={"name": "copy", "namespace": mapping.namespace or mapping.name})
