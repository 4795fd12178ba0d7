"""Which network to start from, measured on the user's own pictures."""
