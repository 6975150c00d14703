"""KPIs: every figure, defined once, from the cells of the summaries."""

from ecommerce.kpis.figures import ItemGroup, Kpis, OrderGroup
from ecommerce.kpis.question import Filters, Span
from ecommerce.kpis.store import KpiStore, compute_kpis

__all__ = ["Filters", "ItemGroup", "KpiStore", "Kpis", "OrderGroup", "Span", "compute_kpis"]
