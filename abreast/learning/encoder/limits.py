"""What an encoder cannot learn, and cannot be trained with: each refused by name."""

from collections.abc import Sequence

from abreast.core.errors import AbreastError
from abreast.core.settings import Train
from abreast.learning.encoder.labels import Lesson

WRITTEN = ("fact", "instruction")
NO_WORDS = "this checkpoint has no head for masked words"


def check_lessons(base: str, lessons: Sequence[Lesson], masked: bool) -> None:
    """Refuse records that ask for an answer in free words, and raw text where there is no masked language model.

    Args:
        masked: whether the checkpoint of `base` has a head for masked words.

    Raises:
        AbreastError: such a record is there; the message names its kind and drop.
    """
    for lesson in lessons:
        if lesson.kind in WRITTEN:
            raise AbreastError(
                f"model.base: {base} is an encoder, which learns classification, tagging, regression and text, but "
                f"drop {lesson.drop[:12]} has records of kind {lesson.kind}: name a causal language model, or take "
                f"{lesson.kind} out of intake.kinds"
            )
        if lesson.kind == "text" and not masked:
            raise AbreastError(
                f"model.base: drop {lesson.drop[:12]} has records of kind text, which an encoder learns by foreseeing "
                f"masked words, but {NO_WORDS}: name a checkpoint for masked language modelling, "
                f"or take text out of intake.kinds"
            )


def check_training(train: Train) -> None:
    """Refuse what needs a model that writes, or a base that answers.

    Raises:
        AbreastError: such a knob is set; the message names it.
    """
    if train.experts:
        raise AbreastError(
            f"train.experts is {train.experts}, but model.base is an encoder, which has no prompt to route by: set null"
        )
    if (init := train.peft.get("init")) in ("eva", "corda"):
        raise AbreastError(
            f"train.peft.init is {init}, which reads answers, and model.base is an encoder; take default"
        )
    for number, entry in enumerate(train.regularizers):
        where = f"train.regularizers[{number}]"
        if entry.get("method") == "self_distillation":
            raise AbreastError(
                f"{where}: self_distillation needs a model that writes, and model.base is an encoder; take distil"
            )
        if entry.get("method") == "distil" and entry.get("teacher") == "base":
            raise AbreastError(f"{where}.teacher: the base of an encoder has no labels to teach; take parent")


def check_in_context(examples: int) -> None:
    """Refuse `evaluate.in_context_examples`.

    Raises:
        AbreastError: it is not 0.
    """
    if examples:
        raise AbreastError(
            f"evaluate.in_context_examples is {examples}, but model.base is an encoder, which is shown none: set 0"
        )
