"""The orders behind a figure: pages of them in any order, one order with its life, and where an archived one lies."""
