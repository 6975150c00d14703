"""Which pieces of an order came back, where an export has those that its refunds left."""

from collections.abc import Sequence
from decimal import Decimal, DecimalException
from typing import Any

from ecommerce.documents.order import Order, OrderItem
from ecommerce.importing.order_lines.column_texts import Cells
from ecommerce.importing.order_lines.column_values import Make, field_makers
from ecommerce.importing.order_lines.mapping import Mapping, Value
from ecommerce.importing.reasons import Rejected, shown
from ecommerce.importing.rows.plausible import CENT
from ecommerce.importing.shape import Reading


class ReturnedPieces:
    """Of the orders of one file, whose mapping has `quantity_after_refunds`."""

    def __init__(self, mapping: Mapping, readings: Sequence[Reading]) -> None:
        self._after = mapping.quantity_after_refunds or ""
        self._ordered = mapping.quantity_columns
        self._amount = mapping.refund["amount"].column or "amount"
        ((_, self._left),) = field_makers(
            mapping, readings, OrderItem, {"quantity": Value(column=self._after)}, "order_items[]"
        )
        discount = mapping.order.get("discount")
        self._cost: list[Make] = [
            make
            for column in ((discount.whole, discount.part) if discount and discount.whole else ())
            for _, make in field_makers(mapping, readings, Order, {"total_amount": Value(column=column)}, "order")
        ]
        """What all items cost before the discount, and the discount."""

    def of(
        self, lines: Sequence[Cells], items: Sequence[dict[str, Any]], head: Cells, paid_back: str | None
    ) -> list[dict[str, int]]:
        """The items of the refund, as many pieces of each as came back.

        Raises Rejected where the file has not how many were ordered, or not how much was paid back for them.
        """
        try:
            ordered = [int(Decimal(item["quantity"])) for item in items]
            left = [self._left(cells, ()) for cells in lines]
            if all(any(cells[name] for name in self._ordered) for cells in lines):
                returned = [
                    {"order_item_id": item["order_item_id"], "quantity": pieces - int(Decimal(kept))}
                    for item, pieces, kept in zip(items, ordered, left, strict=True)
                    if kept is not None and Decimal(kept) < pieces
                ]
                if returned and paid_back is None:
                    raise Rejected(
                        "no_mapping_value",
                        f"pieces came back, by {shown(self._after)}, and {shown(self._amount)} is empty or not there:"
                        " export it, too",
                    )
                return returned
            if (paid_back is None or Decimal(paid_back)) and not self._is_cost_of_all(items, ordered, head):
                raise Rejected(
                    "no_mapping_value",
                    f"{shown(self._after)} has the pieces that the refunds left, and nothing says how many were"
                    f" ordered: export {shown(self._ordered[0] if self._ordered else 'that')}, too",
                )
        except (KeyError, DecimalException):
            pass  # what is wrong with the line is said where it is read as an item
        return []

    def _is_cost_of_all(self, items: Sequence[dict[str, Any]], ordered: Sequence[int], head: Cells) -> bool:
        """Whether the pieces are all that were ordered: they cost what the order did, before or after its discount."""
        amounts = [Decimal(make(head, ()) or 0) for make in self._cost]
        if not amounts:
            return False
        cost = sum((Decimal(item["price"]) * pieces for item, pieces in zip(items, ordered, strict=True)), Decimal(0))
        rounding = CENT * sum(ordered)
        whole, part = amounts
        return any(abs(cost - expected) <= rounding for expected in (whole, whole - part))
