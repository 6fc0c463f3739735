"""The greedy answer: the most likely token, again and again, until the model ends."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from abreast.learning.backbone.cached_backbone import Trunk
from abreast.learning.backbone.prompt_tokenizer import Encoded, Encoder


class Spoken(NamedTuple):
    """An answer, whether the model ended it itself (else it was cut), and its tokens, with that which ends it.

    `log_probability` is the natural one of all these tokens.
    """

    text: str
    ended: bool
    ids: tuple[int, ...]
    log_probability: float


class _GreedyLogProbabilities:
    """A logits processor that changes nothing and records the log-probability of each chosen token."""

    def __init__(self) -> None:
        self._steps: list[torch.Tensor] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self._steps.append(scores.float().log_softmax(-1).max(-1).values)
        return scores

    def sums(self, lengths: Sequence[int]) -> list[float]:
        """Of each row the sum over its first tokens."""
        rows = torch.stack(self._steps, dim=1).tolist()
        return [sum(row[:length]) for row, length in zip(rows, lengths, strict=True)]


@torch.no_grad()
def greedy(trunk: Trunk, encoder: Encoder, questions: Sequence[str], limit: int) -> list[Spoken]:
    """The answer to each question, at most `limit` tokens long, all in one batch for each adapter that they are for."""
    prompts = [encoder.question(question) for question in questions]
    texts = [Encoded(prompt, len(prompt), encoder.asleep(len(prompt))) for prompt in prompts]
    said: dict[int, Spoken] = {}
    for numbers in trunk.together(texts):
        said |= zip(numbers, _spoken(trunk, encoder, [prompts[number] for number in numbers], limit), strict=True)
    return [said[number] for number in range(len(questions))]


def _spoken(trunk: Trunk, encoder: Encoder, prompts: Sequence[tuple[int, ...]], limit: int) -> list[Spoken]:
    longest, tokenizer, device = max(map(len, prompts)), encoder.tokenizer, trunk.model.device
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (longest - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=device)
    read = encoder.asleep(longest)
    from transformers import LogitsProcessorList

    recorder = _GreedyLogProbabilities()
    made = trunk.model.generate(
        input_ids=ids,
        attention_mask=mask,
        past_key_values=trunk.read(ids[:, :read], mask[:, :read]),
        max_new_tokens=limit,
        do_sample=False,
        pad_token_id=pad,
        eos_token_id=tokenizer.eos_token_id,
        logits_processor=LogitsProcessorList([recorder]),
    )[:, longest:]
    texts = tokenizer.batch_decode(made, skip_special_tokens=True)
    answers = [_until_end(ids, tokenizer.eos_token_id) for ids in made.tolist()]
    sums = recorder.sums(list(map(len, answers)))
    return [
        Spoken(text.strip(), tokenizer.eos_token_id in answer, answer, log_probability)
        for text, answer, log_probability in zip(texts, answers, sums, strict=True)
    ]


def _until_end(ids: list[int], end: int) -> tuple[int, ...]:
    return tuple(ids[: ids.index(end) + 1] if end in ids else ids)
