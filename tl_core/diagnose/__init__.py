"""Reading a run: curves and per-picture losses in, findings in plain words out. No torch."""
