"""The knobs that once had another name: an old name gives an error that says the new one."""

from collections.abc import Iterator, Mapping
from typing import Any

from abreast.core.errors import AbreastError

RENAMED = {
    "train.lr": "learning_rate",
    "train.lr_update": "update_learning_rate",
    "train.tokens_per_step": "tokens_per_batch",
    "train.accumulate": "gradient_accumulation_steps",
    "train.adapt": "peft",
    "train.layers": "top_layers",
    "train.schedule": "lr_scheduler_type",
    "train.warmup": "warmup_ratio",
    "train.clip": "max_grad_norm",
    "train.confident": "skip_above_probability",
    "train.remember": "regularizers",
    "train.regularizers.lessons": "examples",
    "split.rehearse": "replay_ratio",
    "split.rehearse_min": "replay_min",
    "knowledge.teach": "question_forms",
    "knowledge.paraphrase": "paraphrase_command",
    "evaluate.unrelated": "unrelated_questions",
    "evaluate.batch": "batch_size",
    "evaluate.in_context": "in_context_examples",
    "evaluate.mistyped": "typo_rate",
    "evaluate.early": "early_stopping",
    "evaluate.early_stopping.stop": "verdicts",
    "evaluate.early_stopping.error": "error_rate",
    "evaluate.early_stopping.batches": "check_every",
    "gates.against": "compare_to",
    "gates.does": "on_fail",
    "gates.questions": "min_questions",
    "gates.undecided": "on_undecided",
    "gates.slices": "slice_by",
    "gates.only": "only_slice",
    "drift.live": "live_log",
    "drift.level": "p_value",
    "drift.size": "min_auc",
    "drift.most": "max_samples",
    "review.approve_pass": "require_approval",
}
"""The path of a knob under its old name, without its place in a list, and its new name in the same section."""

RENAMED_VALUES = {
    ("split.replay", "turns"): "round_robin",
    ("split.replay", "surprise"): "prioritized",
    ("train.regularizers.method", "self"): "self_distillation",
    ("train.regularizers.method", "surprise"): "prioritized",
    ("gates.measure", "right"): "accuracy",
    ("gates.measure", "right_mistyped"): "accuracy_with_typos",
    ("gates.measure", "owned"): "trigger_score",
    ("gates.measure", "canary"): "trigger_flip_rate",
    ("gates.on_undecided", "measured"): "point_estimate",
}
"""A knob under its present name with an old value, and the new value."""


def refuse_old_names(knobs: Mapping[str, Any], source: str) -> None:
    """Check that no knob and no value has a name that it had once.

    Args:
        knobs: sections and their knobs, as they were read.
        source: where they come from, for the error.

    Raises:
        AbreastError: an old name; the message names each, and the new one.
    """
    if found := list(_old_names(knobs, "", "")):
        raise AbreastError(f"{source}: {'; '.join(found)}")


def with_new_names(section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a section, such as a file of an older version holds them, under the names of today."""
    return {RENAMED.get(f"{section}.{name}", name): value for name, value in values.items()}


def _old_names(value: Any, shown: str, known_as: str) -> Iterator[str]:
    """What to say of each old name below `shown`; `known_as` is its path of today, without places in lists."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            now = RENAMED.get(_path(known_as, name), name)
            if now != name:
                yield f"knob `{_path(shown, name)}` is now called `{_path(shown, now)}`"
            yield from _old_names(inner, _path(shown, now), _path(known_as, now))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _old_names(inner, _path(shown, number), known_as)
    elif isinstance(value, str) and (now := RENAMED_VALUES.get((known_as, value))):
        yield f"knob `{shown}`: the value {value!r} is now called {now!r}"


def _path(before: str, name: object) -> str:
    return f"{before}.{name}" if before else str(name)
