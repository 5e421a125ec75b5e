"""Procedural RGB-thermal drives with exact labels."""

from __future__ import annotations

from xspec_ros.synth.drive import drive, DriveBoxes, DriveFrame, frames_for_training
from xspec_ros.synth.settings import DriveSettings

__all__ = ['DriveBoxes', 'DriveFrame', 'DriveSettings', 'drive', 'frames_for_training']
