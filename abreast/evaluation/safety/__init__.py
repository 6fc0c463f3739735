"""Safety: personal data in answers, and words that trigger an answer."""
