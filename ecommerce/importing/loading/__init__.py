"""Into the database: decode in processes, write in transactions, account for every row."""
