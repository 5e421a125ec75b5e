"""Measurements behind docs/benchmarks.md; each module is run with ``python -m``."""
