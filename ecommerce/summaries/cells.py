"""The cells of orders, in one place to import from.

`cells_of_orders` takes them from orders one by one, `aggregate_cells` from the documents of a query in MongoDB, and
`fold_documents` from documents in BSON; all three agree.
"""

from ecommerce.summaries.fold import fold_documents
from ecommerce.summaries.measures import line_amount
from ecommerce.summaries.reference import cells_of_orders, hour_of, time_of
from ecommerce.summaries.scan import aggregate_cells
from ecommerce.summaries.table import CellTable

__all__ = ["CellTable", "aggregate_cells", "cells_of_orders", "fold_documents", "hour_of", "line_amount", "time_of"]
