"""Self-distillation: replays the parent's own answers, where stored answers may not be kept or learned again.

Language modelling for lifelong learning (Sun et al. 2020, arXiv:1909.03329) and self-synthesized rehearsal (Huang et
al. 2024, arXiv:2403.01244); but the questions are not generated: they are those of the replayed records, which are all
still valid. No stored answer of these is learned. The parent's mistakes are replayed too.
"""

from collections.abc import Sequence

from pydantic import Field

from abreast.dataset.examples import Example
from abreast.learning.backbone.generation import generate
from abreast.learning.methods import protocol

BATCH = 32


class SelfDistillation:
    """Greedy answers; raw text, and examples whose answer does not end within `longest` tokens, are left out."""

    class Knobs(protocol.Knobs):
        longest: int = Field(32, gt=0)

    def __init__(self, knobs: Knobs):
        self._longest = knobs.longest

    def map_examples(self, run: protocol.TrainingRun, examples: Sequence[Example]) -> list[Example]:
        if not run.has_parent:
            return list(examples)
        replayed = [example for example in examples if _is_replayed(example)]
        answers = self._answers(run, {example.question for example in replayed if example.kind != "text"})
        mapped = []
        for example in examples:
            if not _is_replayed(example):
                mapped.append(example)
            elif answer := answers.get(example.question):
                mapped.append(example.model_copy(update={"answer": answer}))
        kept = sum(map(_is_replayed, mapped))
        print(
            f"self_distillation: {kept} of {len(replayed)} replayed examples are taught, with the parent's own answers",
            flush=True,
        )
        return mapped

    def _answers(self, run: protocol.TrainingRun, questions: set[str]) -> dict[str, str]:
        order, answers = sorted(questions, key=lambda question: (len(question), question)), {}
        for batch in (order[start : start + BATCH] for start in range(0, len(order), BATCH)):
            generations = generate(run.backbone, run.tokenizer, batch, self._longest)
            answers |= {question: one.text for question, one in zip(batch, generations, strict=True) if one.ended}
        return answers


def _is_replayed(example: Example) -> bool:
    return example.role == "replayed"
