"""A person is forgotten: what identifies them leaves every collection, the archive and our files; no figure moves."""
