"""Generated orders and catalogs as files, block by block, the same bytes each time."""
