"""Makes the benchmarks importable: they are no part of the installed package."""

from __future__ import annotations

from pathlib import Path
import sys

ROOT = str(Path(__file__).parents[2])
if ROOT not in sys.path:
    sys.path.append(ROOT)
