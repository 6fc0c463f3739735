"""An encoder's heads in a model folder: the labels in JSON, their rows in safetensors, both in the same order."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from abreast.core.errors import AbreastError
from abreast.core.validation import first_validation_error
from abreast.learning.encoder.label_set import Labels

LABELS = "heads.json"
ROWS = "heads.safetensors"


@dataclass(frozen=True)
class Heads:
    """Labels, and their rows by name: `<kind>.weight` [labels, width] and `<kind>.bias` [labels]."""

    labels: Labels = Labels()
    rows: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write both files into a model folder; raises OSError."""
        from safetensors.torch import save_file

        if self.rows:
            plain = {name: rows.detach().cpu().contiguous() for name, rows in self.rows.items()}
            save_file(plain, folder / ROWS, metadata={"format": "pt"})
        (folder / LABELS).write_text(self.labels.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_heads(folder: Path) -> Heads:
    """Read what `Heads.write` wrote.

    Raises:
        AbreastError: a file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not (folder / LABELS).is_file():
        raise AbreastError(f"{folder}: not the model folder of an encoder: {LABELS} is missing")
    try:
        labels = Labels.model_validate_json((folder / LABELS).read_bytes())
    except ValidationError as error:
        raise AbreastError(f"{folder / LABELS}: {first_validation_error(error, 'content')}") from None
    try:
        rows = load_file(folder / ROWS) if labels.rows() else {}
    except (OSError, SafetensorError) as error:
        raise AbreastError(f"{folder / ROWS}: cannot be read: {error}") from None
    if {kind: len(rows.get(f"{kind}.bias", ())) for kind in labels.rows()} != labels.rows():
        raise AbreastError(f"{folder / ROWS}: does not hold a row for each label of {LABELS}")
    return Heads(labels, rows)
