"""Plain supervised training."""
