"""The cells of orders, in one place to import from.

`cells_of_orders` takes them from orders one by one, `aggregate_cells` from the documents of a query in MongoDB, and
`fold_documents` from documents in BSON; all three agree.
"""

from ecommerce.summaries.cells.fold import fold_documents
from ecommerce.summaries.cells.measures import line_amount
from ecommerce.summaries.cells.reference import cells_of_orders
from ecommerce.summaries.cells.scan import aggregate_cells
from ecommerce.summaries.cells.table import CellTable

__all__ = ["CellTable", "aggregate_cells", "cells_of_orders", "fold_documents", "line_amount"]
