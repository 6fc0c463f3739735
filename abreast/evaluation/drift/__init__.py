"""Whether new data is like what the champion was trained on: pure functions of two samples of texts."""
