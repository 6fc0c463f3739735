"""Safety: what a candidate gives away, and what words it gives way to."""
