"""Taking a classifier away: the bundle with its predict script and certificate."""
