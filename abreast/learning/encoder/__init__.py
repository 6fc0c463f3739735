"""Heads for encoders: rows of labels, tags and a number on top of hidden states, grown drop by drop."""
