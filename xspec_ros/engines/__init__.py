"""Inference engines: one file a runtime, one small interface."""
