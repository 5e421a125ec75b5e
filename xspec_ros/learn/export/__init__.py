"""Export: a trained network becomes a verified bundle."""

from __future__ import annotations

from xspec_ros.learn.export.export import (
    at_size,
    export_checkpoint,
    export_untrained,
    ExportReport,
)
from xspec_ros.learn.export.frames import calibration_frames, verification_frames

__all__ = [
    'ExportReport',
    'at_size',
    'calibration_frames',
    'export_checkpoint',
    'export_untrained',
    'verification_frames',
]
