"""What a pydantic model found wrong, in words for people."""

from pydantic import ValidationError


def first_validation_error(error: ValidationError, whole: str) -> str:
    """The first fault as `field: what would be right`, such as `drops.0.path: Field required`.

    Args:
        whole: what to call the place where the fault is not in one field.
    """
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or whole
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"
