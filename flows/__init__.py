"""Prefect flows, one per file and thin: what they do lives in `ecommerce` and runs without Prefect."""
