"""What an order costs beside its items, and what of it goes back: shipping, tax and refunds, scaled by 10^4.

All of it is in whole hundredths. A refund happens when the order ends: an order that is advanced by its life gets the
one that it would be generated with, as both are worked out here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecommerce.generate.model.draws import Flags, Ints, at_quantile, uniform
from ecommerce.generate.model.life import DELIVERED, RETURNED
from ecommerce.generate.presets.shape import Preset

HUNDREDTH = 100
"""Of the currency, scaled."""
RETURN_REASON = "returned"
"""Of a refund of the whole order."""
REFUND_ID = 1
"""An order has one refund."""


@dataclass(frozen=True, slots=True)
class RefundColumns:
    """What each order gets back; an amount of 0 is no refund."""

    amount: Ints
    tax: Ints
    shipping: Ints
    item_id: Ints
    """The line of which one unit came back; 0: the whole order."""


@dataclass(frozen=True, slots=True)
class Paid:
    """What refunds are worked out from; all columns are parallel to the orders."""

    total: Ints
    tax: Ints
    shipping: Ints
    tenths: Ints
    """Discount."""
    first_item: Ints
    """Id of the first line."""
    first_price: Ints


def shipping_of(preset: Preset, order_id: Ints, item_id: Ints, first_of_order: Ints, goods: Ints) -> Ints:
    """What each order pays for shipping. `goods` is what its items come to after discount."""
    charges = preset.charges
    if not charges.shipping:
        return np.zeros(len(order_id), np.int64)
    if charges.shipping_by_order:
        paid = _hundredths(at_quantile(uniform(order_id, "shipping"), charges.shipping) * 10_000)
    else:
        of_line = _hundredths(at_quantile(uniform(item_id, "shipping"), charges.shipping) * 10_000)
        paid = np.add.reduceat(of_line, first_of_order) if len(of_line) else of_line
    if charges.free_shipping_from is None:
        return paid
    return np.where(goods >= charges.free_shipping_from * 10_000, 0, paid)


def tax_of(preset: Preset, goods: Ints) -> Ints:
    """The tax of goods at their price after discount, whether it is in it or comes on top."""
    percent = preset.charges.tax_percent
    if preset.charges.tax_included:
        return _hundredths(goods * (percent / (100 + percent)))
    return _hundredths(goods * (percent / 100))


def is_refunded(preset: Preset, order_id: Ints, status: Ints) -> Flags:
    """Which orders get money back, as they are."""
    partly = (status == DELIVERED) & (uniform(order_id, "refund") < preset.refunds.partly)
    refunded: Flags = (status == RETURNED) | partly
    return refunded


def refunds_of(preset: Preset, order_id: Ints, status: Ints, paid: Paid) -> RefundColumns:
    """What orders get back, as they are."""
    refunded, whole = is_refunded(preset, order_id, status), status == RETURNED
    unit = paid.first_price // 10 * (10 - paid.tenths)
    tax = tax_of(preset, unit)
    partly = unit if preset.charges.tax_included else unit + tax
    return RefundColumns(
        amount=np.where(refunded, np.where(whole, paid.total, partly), 0),
        tax=np.where(refunded, np.where(whole, paid.tax, tax), 0),
        shipping=np.where(refunded & whole, paid.shipping, 0),
        item_id=np.where(refunded & ~whole, paid.first_item, 0),
    )


def _hundredths(scaled: npt.NDArray[np.floating[Any]]) -> Ints:
    rounded: Ints = np.rint(scaled / HUNDREDTH).astype(np.int64) * HUNDREDTH
    return rounded
