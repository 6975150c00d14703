"""What of the shop's figures needs a person, and since when."""
