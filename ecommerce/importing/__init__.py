"""Orders and catalog tables from files: any format, every row accounted for, the same end whatever dies on the way."""
