"""What is wrong with this set-up, and how to mend it: small checks that look, one by one, and change nothing."""
