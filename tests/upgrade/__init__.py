"""Tests that start from what an older version left."""
