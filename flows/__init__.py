"""Prefect flows, one per file and thin: what they do lives in `ecommerce` and runs without Prefect."""

UNUSED_BY_RUNS = ("prefect.blocks.notifications", "prefect.blocks.webhook")
"""Modules that Prefect imports for every run: each makes pydantic models and HTTP clients, 0.1 s for nothing."""
