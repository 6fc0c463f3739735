"""How people name versions."""

from abreast.errors import AbreastError


def version_number(name: str) -> int:
    """The number in `v3` or `3`.

    Raises:
        AbreastError: it is neither.
    """
    digits = name.removeprefix("v")
    if not digits.isdecimal():
        raise AbreastError(f"{name!r} names no version; one is named such as v3 (`abreast history` lists them)")
    return int(digits)
