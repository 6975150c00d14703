"""How bytes become rows: what format a file has, and where one row ends and the next begins."""
