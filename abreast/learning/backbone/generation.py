"""The greedy answer: the most likely token, again and again, until the model ends."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from abreast.learning.backbone.cached_backbone import Trunk
from abreast.learning.backbone.prompt_tokenizer import Encoded, Encoder


class Spoken(NamedTuple):
    """An answer, whether the model ended it itself (else it was cut), and its tokens, with that which ends it."""

    text: str
    ended: bool
    ids: tuple[int, ...]


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
    made = trunk.model.generate(
        input_ids=ids,
        attention_mask=mask,
        past_key_values=trunk.read(ids[:, :read], mask[:, :read]),
        max_new_tokens=limit,
        do_sample=False,
        pad_token_id=pad,
        eos_token_id=tokenizer.eos_token_id,
    )[:, longest:]
    texts = tokenizer.batch_decode(made, skip_special_tokens=True)
    return [_one(text, ids, tokenizer.eos_token_id) for text, ids in zip(texts, made.tolist(), strict=True)]


def _one(text: str, ids: list[int], end: int) -> Spoken:
    ended = end in ids
    return Spoken(text.strip(), ended, tuple(ids[: ids.index(end) + 1] if ended else ids))
