"""What the comparison costs, measured beside what a user would run instead: `make bench`."""
