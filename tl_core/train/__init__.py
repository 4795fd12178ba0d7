"""Training: one generator of events, and the pieces it is made of."""
