"""Data set folders as they lie on disk, read into numpy samples."""
