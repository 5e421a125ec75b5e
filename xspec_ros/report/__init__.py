"""Replay evaluation: summary and HTML."""
