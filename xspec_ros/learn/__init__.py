"""The trainer: data set to bundle."""
