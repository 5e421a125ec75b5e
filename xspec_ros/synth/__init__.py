"""Procedural RGB-thermal drives with exact labels."""
