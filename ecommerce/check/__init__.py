"""`check`: proves that every figure equals a full recomputation, or says where it does not."""

from ecommerce.check.archive import has_archive
from ecommerce.check.check import check_orders
from ecommerce.check.report import CheckReport, Difference

__all__ = ["CheckReport", "Difference", "check_orders", "has_archive"]
