"""KPIs: every figure, defined once, from the cells of the summaries."""
