"""Loads predictors from model folders: one base for all of them."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from abreast.core.errors import AbreastError
from abreast.core.settings import Evaluate, Model
from abreast.inference.label_predictor import LabelPredictor, load_label_predictors
from abreast.inference.predictor import Predictor
from abreast.inference.routed_predictor import RoutedPredictor, expert_adapters
from abreast.learning.backbone.adapter import add_adapter, load_adapter_config
from abreast.learning.backbone.architecture import is_encoder
from abreast.learning.backbone.base_model import find_base, load_base
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer
from abreast.learning.model_folder import ModelManifest, read_model_manifest


def load_predictors(
    folders: dict[str, Path | None], model: Model, limits: Evaluate | None = None
) -> dict[str, Predictor] | dict[str, LabelPredictor]:
    """Load the base once and the adapter of each model folder; None stands for the base alone.

    Raises:
        AbreastError: a folder is not a complete model folder, belongs to another base, or has another adapter method
            than the others.
    """
    base, limits = find_base(model.base), limits or Evaluate()
    manifests = {name: read_model_manifest(folder) for name, folder in folders.items() if folder is not None}
    _check_manifests(manifests, folders, model, base.digest)
    base_model, tokenizer, _ = load_base(model, base)
    peft_model, activated = _add_adapters(base_model, folders, manifests)
    top_layers = max((one.top_layers for one in manifests.values()), default=base_model.config.num_hidden_layers)
    if is_encoder(base_model.config):
        return load_label_predictors(peft_model, base_model, tokenizer, folders, top_layers, limits, base.digest)
    backbone = CachedBackbone(base_model, top_layers, peft_model.disable_adapter if manifests else nullcontext)
    longest = getattr(base_model.config, "max_position_embeddings", None)
    predictors = {}
    for name, folder in folders.items():
        manifest = manifests.get(name)
        prompt = manifest.prompt if manifest else model.prompt
        prompt_tokenizer = PromptTokenizer(tokenizer, prompt, longest, activated.get(name, True))
        shared = (backbone, limits, base.digest)
        if manifest and manifest.experts:
            predictors[name] = RoutedPredictor(peft_model, tokenizer, prompt_tokenizer, folder, name, *shared)
        else:
            adapter = name if manifest else None
            predictors[name] = Predictor(peft_model, tokenizer, prompt_tokenizer, adapter, *shared)
    return predictors


def load_predictor(folder: Path | None, model: Model, limits: Evaluate | None = None) -> Predictor | LabelPredictor:
    """The model in `folder`, or the untrained base; raises as `load_predictors` does."""
    return load_predictors({"model": folder}, model, limits)["model"]


def _add_adapters(
    base_model: Any, folders: dict[str, Path | None], manifests: dict[str, ModelManifest]
) -> tuple[Any, dict[str, bool]]:
    """The base with all adapters, and for each model whether its adapter is an activated one."""
    model, activated = base_model, {}
    for name, manifest in manifests.items():
        adapters = expert_adapters(folders[name], name) if manifest.experts else {name: folders[name]}
        for adapter, folder in adapters.items():
            config, activated[name] = load_adapter_config(folder)
            model = add_adapter(model, config, adapter, folder)
    return model, activated


def _check_manifests(
    manifests: dict[str, ModelManifest], folders: dict[str, Path | None], model: Model, base_digest: str
) -> None:
    """Refuse models of another base, and, as PEFT does, models of several adapter methods in one base."""
    for name, manifest in manifests.items():
        if manifest.base_digest != base_digest:
            raise AbreastError(f"model.base: {model.base!r} is not the base {manifest.base!r} of {folders[name]}")
    methods = {name: manifest.peft.get("method") for name, manifest in manifests.items()}
    if len(set(methods.values())) > 1:
        each = ", ".join(f"{folders[name]} by {method}" for name, method in methods.items())
        raise AbreastError(f"train.peft: models of several adapter methods cannot be loaded together: {each}")
