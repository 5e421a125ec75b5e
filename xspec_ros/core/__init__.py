"""Values and rules shared by every door: frames, pairing, tone mapping, results, metrics."""
