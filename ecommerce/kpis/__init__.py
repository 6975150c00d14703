"""KPIs: every figure, defined once, from the cells of the summaries."""

from ecommerce.kpis.compute import Step
from ecommerce.kpis.figures import ItemGroup, Kpis, OrderGroup, ProductSales, TimelinePoint
from ecommerce.kpis.question import Filters, Span
from ecommerce.kpis.store import KpiStore, Refresh, compute_kpis

__all__ = [
    "Filters",
    "ItemGroup",
    "KpiStore",
    "Kpis",
    "OrderGroup",
    "ProductSales",
    "Refresh",
    "Span",
    "Step",
    "TimelinePoint",
    "compute_kpis",
]
