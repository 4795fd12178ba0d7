"""Measurements: ``python -m benchmarks`` writes docs/benchmarks.md; others run by their names."""
