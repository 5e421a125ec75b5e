"""Frames to results: the one pipeline behind every door."""
