"""Validation: one row to one canonical order or catalog record, or to the reason why not."""
