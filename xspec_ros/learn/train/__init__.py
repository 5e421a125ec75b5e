"""The trainer: recipe in, checkpoint out."""
