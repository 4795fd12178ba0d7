"""The data check: what is wrong with a set of pictures, found before anything is trained on it."""
