"""Refuses records and knobs that an encoder does not support."""

from collections.abc import Sequence

from abreast.core.errors import AbreastError
from abreast.core.settings import Train
from abreast.learning.encoder.label_set import ExampleOrQuestion

FREE_TEXT_KINDS = ("fact", "instruction")
NO_MASKED_LM = "this checkpoint has no masked language model head"


def check_examples(base: str, examples: Sequence[ExampleOrQuestion], has_masked_lm: bool) -> None:
    """Refuse records with free-text answers, and raw text without a masked language model head.

    Args:
        has_masked_lm: whether the checkpoint of `base` has such a head.

    Raises:
        AbreastError: there is such a record; the message names its kind and drop.
    """
    for example in examples:
        if example.kind in FREE_TEXT_KINDS:
            raise AbreastError(
                f"model.base: {base} is an encoder, which learns classification, tagging, regression and text, but "
                f"drop {example.drop[:12]} has records of kind {example.kind}: set a causal language model, or remove "
                f"{example.kind} from intake.kinds"
            )
        if example.kind == "text" and not has_masked_lm:
            raise AbreastError(
                f"model.base: drop {example.drop[:12]} has records of kind text, which an encoder learns by predicting "
                f"masked tokens, but {NO_MASKED_LM}: set a checkpoint for masked language modelling, "
                f"or remove text from intake.kinds"
            )


def check_training(train: Train) -> None:
    """Refuse knobs that need a model that generates text, or a base that answers.

    Raises:
        AbreastError: such a knob is set; the message names it.
    """
    if train.experts:
        raise AbreastError(
            f"train.experts is {train.experts}, but model.base is an encoder, which has no prompt to route by: set null"
        )
    if (init := train.peft.get("init")) in ("eva", "corda"):
        raise AbreastError(f"train.peft.init is {init}, which reads answers, and model.base is an encoder; set default")
    for number, entry in enumerate(train.regularizers):
        where = f"train.regularizers[{number}]"
        if entry.get("method") == "self_distillation":
            needs = "needs a model that generates text"
            raise AbreastError(f"{where}: self_distillation {needs}, and model.base is an encoder; use distil")
        if entry.get("method") == "distil" and entry.get("teacher") == "base":
            raise AbreastError(f"{where}.teacher: the base of an encoder has no labels to teach; set parent")


def check_in_context(examples: int) -> None:
    """Refuse `evaluate.in_context_examples`.

    Raises:
        AbreastError: it is not 0.
    """
    if examples:
        raise AbreastError(
            f"evaluate.in_context_examples is {examples}, but model.base is an encoder, which reads no examples: set 0"
        )
