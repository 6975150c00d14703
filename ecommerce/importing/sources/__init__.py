"""Files as plain bytes: which there are, in which order, decompressed."""
