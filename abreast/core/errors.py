"""The one exception that people see."""


class AbreastError(Exception):
    """A refusal in one line: what is wrong, where (file, row, key or knob), and what would be right."""


class Unavailable(AbreastError):
    """A refusal for now: a server, the disk or the process failed, and the same call may succeed later."""
