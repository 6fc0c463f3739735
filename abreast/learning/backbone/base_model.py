"""The base model: turns `model.base` of params.yaml into weights, a tokenizer and a digest of both."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abreast.core.errors import AbreastError
from abreast.core.settings import Model
from abreast.learning.backbone.architecture import is_encoder
from abreast.learning.backbone.packaged_models import converted_folder, file_sha256, find_packaged

if TYPE_CHECKING:
    import torch

PACKAGED = "packaged:"
_CONTENT = (".safetensors", ".json", ".model", ".txt")


@dataclass(frozen=True)
class BaseLocation:
    """Where the base is: `source` is a folder or a hub id, `revision` a hub commit; `digest` identifies the content."""

    source: str
    digest: str
    revision: str | None = None


def find_base(spec: str) -> BaseLocation:
    """Resolve `model.base`: `packaged:<name>`, a local folder, or a hub id (`owner/name`, also `owner/name@revision`).

    Raises:
        AbreastError: there is no such package, folder or hub model.
    """
    if spec.startswith(PACKAGED):
        found = find_packaged(spec.removeprefix(PACKAGED))
        if found.is_file():
            digest = file_sha256(found)
            return BaseLocation(str(converted_folder(found, digest)), digest)
        return BaseLocation(str(found), _folder_digest(found))
    folder = Path(spec).expanduser()
    if folder.is_dir():
        return BaseLocation(str(folder), _folder_digest(folder))
    if spec.startswith((".", "/", "~")):
        raise AbreastError(f"model.base: no such folder: {spec}")
    return _on_hub(spec)


def load_base(model: Model, base: BaseLocation | None = None) -> tuple[Any, Any, str]:
    """The model in evaluation mode on its device, the tokenizer, and the digest of the base.

    Only safetensors are read, and no code from the model's own repository is run.

    Raises:
        AbreastError: the base is missing or cannot be loaded, or the device does not exist.
    """
    base = base or find_base(model.base)
    device = _device(model.device)
    from transformers.models.auto.tokenization_auto import AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    shared = {"revision": base.revision, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(base.source, **shared)
        weights = _load_weights(base.source, shared | {"use_safetensors": True, "dtype": model.dtype})
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise AbreastError(f"model.base: cannot load {model.base!r}: {_first_line(error)}") from None
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return weights.to(device).eval().requires_grad_(False), tokenizer, base.digest


def _load_weights(source: str, options: dict[str, Any]) -> Any:
    """A causal language model, or an encoder, with its masked language model head if the checkpoint has one."""
    from transformers.models.auto.configuration_auto import AutoConfig
    from transformers.models.auto.modeling_auto import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM

    shared = {name: options[name] for name in ("revision", "trust_remote_code")}
    if not is_encoder(AutoConfig.from_pretrained(source, **shared)):
        return AutoModelForCausalLM.from_pretrained(source, **options)
    weights, found = AutoModelForMaskedLM.from_pretrained(source, output_loading_info=True, **options)
    body = f"{weights.base_model_prefix}."
    has_head = all(name.startswith(body) for name in found["missing_keys"])
    return weights if has_head else AutoModel.from_pretrained(source, **options)


def _device(name: str) -> "torch.device":
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise AbreastError(f"model.device: {name!r} is not a device; use auto, cpu, cuda or cuda:N") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise AbreastError(f"model.device: {name!r}, but there is no GPU here; use auto or cpu")
    return device


def _on_hub(spec: str) -> BaseLocation:
    """Pin a hub model to its present commit, so that one digest means the same weights for ever."""
    from transformers.utils.hub import cached_file, extract_commit_hash

    name, _, revision = spec.partition("@")
    try:
        config = cached_file(name, "config.json", revision=revision or None)
    except (OSError, ValueError) as error:
        raise AbreastError(
            f"model.base: {spec!r} is neither a packaged model, a folder, nor a hub model that can be had from here "
            f"({_first_line(error)})"
        ) from None
    commit = extract_commit_hash(config, None)
    return BaseLocation(name, sha256(f"{name}@{commit}".encode()).hexdigest(), commit)


def _folder_digest(folder: Path) -> str:
    """sha256 over names and contents of the weights, configuration and tokenizer in `folder`."""
    files = sorted(path for path in folder.iterdir() if path.suffix in _CONTENT and path.is_file())
    if not any(path.suffix == ".safetensors" for path in files):
        raise AbreastError(f"model.base: {folder} holds no .safetensors file")
    digest = sha256()
    for path in files:
        digest.update(f"{path.name}\0{file_sha256(path)}\0".encode())
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
