"""Inference engines: one file a runtime, one small interface."""

from __future__ import annotations

from xspec_ros.engines.choice import available_engines, ENGINES, open_engine
from xspec_ros.engines.engine import Engine, GraphOutput

__all__ = ['ENGINES', 'Engine', 'GraphOutput', 'available_engines', 'open_engine']
