"""Measures, one definition each, with source and unit; a measure that is undefined is None, never zero."""
