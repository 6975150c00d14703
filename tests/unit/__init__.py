"""Tests that need no service: `make test-fast`."""
