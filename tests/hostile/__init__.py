"""A corpus of hostile files: built from a seed, taken in beside good pictures, and counted."""
