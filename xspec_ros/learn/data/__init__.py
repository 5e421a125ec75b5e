"""From samples to batches: sources, augmentation, sampling."""
