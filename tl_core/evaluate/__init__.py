"""Judging a trained classifier on pictures it has not trained on."""
