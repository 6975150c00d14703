"""The cells of orders, in one place to import from.

`cells_of_orders` takes them from orders one by one, `fold_documents` from documents in BSON; both agree.
"""

from ecommerce.summaries.cells.fold import fold_documents
from ecommerce.summaries.cells.reference import cells_of_orders
from ecommerce.summaries.cells.table import CellTable

__all__ = ["CellTable", "cells_of_orders", "fold_documents"]
