"""Linear heads solved instead of trained: the exact head, and the deep probe on every block."""
