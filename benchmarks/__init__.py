"""Benchmarks: one command each, a table at the end; results are kept with their date in docs/log.md."""
