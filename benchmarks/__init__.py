"""Benchmarks: one command each, a table at the end; results, with their date, are in docs/benchmarks.md."""
