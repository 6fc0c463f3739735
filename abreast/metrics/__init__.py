"""Measures: one definition each, with its source, its units, and what is undefined, which is None and never zero."""
