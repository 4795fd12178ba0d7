"""The report for colleagues: one HTML file of what a run learned from, how, and how good it is."""
