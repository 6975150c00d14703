"""Generated orders and catalogs in MongoDB: windows stored once, stock taken once, open orders brought forward."""
