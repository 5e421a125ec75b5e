"""Export: a trained network becomes a verified bundle."""

from __future__ import annotations

from xspec_ros.learn.export.export import export_untrained

__all__ = ['export_untrained']
