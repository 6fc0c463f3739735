"""The model folder: an adapter in safetensors, its PEFT config in JSON, and `abreast.json`, the manifest.

The folder of an encoder also holds its heads, see `abreast.learning.encoder.saved_heads`.
"""

import json
import shutil
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from abreast.core.errors import AbreastError
from abreast.core.renamed_knobs import with_new_names
from abreast.core.validation import first_validation_error
from abreast.learning.backbone.prompt_tokenizer import PLACE
from abreast.learning.encoder.saved_heads import Heads

MODEL_MANIFEST = "abreast.json"
WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"
CARRIED_STATE = "memory.safetensors"
EXPERTS = "experts.json"
FORMAT = 2


class ModelManifest(BaseModel):
    """What a model folder was made with: the base by name and content, the prompt, and the adapter method.

    `peft` is `train.peft` with every knob of its method, `top_layers` is `train.top_layers`, `experts` is
    `train.experts`.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: int = FORMAT
    base: str
    base_digest: str
    prompt: str
    peft: dict[str, str | float | int | bool]
    top_layers: int
    experts: Literal["domain"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_an_older_version(cls, values: Any) -> Any:
        return with_new_names("train", values) if isinstance(values, dict) else values


class TrainedModel(Protocol):
    """The result of a training."""

    def write(self, folder: Path, base: str) -> None:
        """Write it into an empty folder; `base` is that of the manifest."""
        ...


@dataclass(frozen=True)
class TrainedAdapter:
    """One adapter.

    Attributes:
        config: PEFT's.
        weights: the adapter's weights under PEFT's names.
        invocation_tokens: the ids that end every prompt, if the adapter is active only from there on.
        carried_state: tensors of the methods for the next update, by name.
        heads: those of an encoder.
    """

    config: Any
    weights: dict[str, Any]
    invocation_tokens: tuple[int, ...] = ()
    carried_state: dict[str, Any] = field(default_factory=dict)
    heads: Heads | None = None

    def write(self, folder: Path, base: str) -> None:
        write_tensors(folder / WEIGHTS, self.weights)
        write_tensors(folder / CARRIED_STATE, self.carried_state)
        if self.heads is not None:
            self.heads.write(folder)
        (folder / SETTINGS).write_text(_config_json(self.config, base, self.invocation_tokens))


def write_tensors(path: Path, tensors: dict[str, Any]) -> None:
    """Write named tensors as safetensors; no file if there are none."""
    from safetensors.torch import save_file

    if tensors:
        plain = {name: value.cpu().contiguous() for name, value in tensors.items()}
        save_file(plain, path, metadata={"format": "pt"})


def write_model_folder(folder: Path, manifest: ModelManifest, model: TrainedModel) -> None:
    """Replace `folder` by a model folder; the manifest is written last, so a folder with a manifest is complete.

    Raises:
        AbreastError: it cannot be written, such as on a full disk.
    """
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        model.write(folder, manifest.base)
        content = json.dumps(manifest.model_dump(exclude_none=True), indent=1, sort_keys=True)
        (folder / MODEL_MANIFEST).write_text(content + "\n")
    except OSError as error:
        raise AbreastError(f"{folder}: cannot write the model: {error}") from None


def read_carried_state(folder: Path) -> dict[str, Any]:
    """What the methods of a model's training left for the next update; empty if they left nothing."""
    from safetensors.torch import load_file

    path = folder / CARRIED_STATE
    return load_file(path) if path.is_file() else {}


def _config_json(config: Any, base: str, invocation_tokens: tuple[int, ...]) -> str:
    """PEFT's own form of the config, without anything that differs from machine to machine."""
    values = config.to_dict() | {"base_model_name_or_path": base, "inference_mode": True}
    if invocation_tokens:
        values["alora_invocation_tokens"] = list(invocation_tokens)
    plain = {name: sorted(value) if isinstance(value, set) else value for name, value in values.items()}
    return json.dumps(plain, indent=1, sort_keys=True, default=str) + "\n"


def read_model_manifest(folder: Path) -> ModelManifest:
    """Read the manifest of a complete model folder.

    Raises:
        AbreastError: a file is missing or the manifest is damaged.
    """
    check_files(folder, MODEL_MANIFEST)
    path = folder / MODEL_MANIFEST
    try:
        manifest = ModelManifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise AbreastError(f"{path}: {first_validation_error(error, 'content')}") from None
    if manifest.format != FORMAT or PLACE not in manifest.prompt:
        found = f"format {manifest.format}, prompt {manifest.prompt!r}"
        raise AbreastError(f"{path}: {found}: not a manifest of this version of Abreast")
    check_files(folder, *((EXPERTS,) if manifest.experts else (WEIGHTS, SETTINGS)))
    return manifest


def check_files(folder: Path, *names: str) -> None:
    """Raise AbreastError if one of these files is not in `folder`."""
    for name in names:
        if not (folder / name).is_file():
            raise AbreastError(f"{folder}: not a complete model folder: {name} is missing")


def model_digest(folder: Path) -> str:
    """sha256 in hex over the names and contents of all files in `folder`; equal folders have equal digests.

    Raises:
        AbreastError: there is no such folder.
    """
    if not folder.is_dir():
        raise AbreastError(f"{folder}: no such model folder")
    digest = sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def verify(folder: Path, digest: str) -> None:
    """Check that `folder` is the model with that digest.

    Raises:
        AbreastError: it is not.
    """
    if (found := model_digest(folder)) != digest:
        raise AbreastError(f"{folder}: its content is {found[:12]}, expected {digest[:12]}: changed or damaged")
