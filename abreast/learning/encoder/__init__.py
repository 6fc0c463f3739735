"""Heads for encoders: labels, tags and numbers on top of hidden states; they grow drop by drop."""
