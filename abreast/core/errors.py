"""The exceptions that users see."""


class AbreastError(Exception):
    """A refusal in one line: what is wrong, where (file, row, key or knob), and what would be right."""


class Unavailable(AbreastError):
    """A refusal for now: a server, the disk or the process failed, and the same call may succeed later."""


def one_line(text: object) -> str:
    """The text of an exception, or of anything else, on one line."""
    return " ".join(str(text).split())
