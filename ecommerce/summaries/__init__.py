"""Summaries: cells, the sums that every figure is made of, kept up to date from what changes in `orders`."""
