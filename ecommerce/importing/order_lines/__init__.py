"""Files with a row for each order line, of any shop's own columns, made orders as a mapping says."""
