"""The one exception that people see."""


class AbreastError(Exception):
    """A refusal in one line: what is wrong, where (file, row, key or knob), and what would be right."""
