"""Greedy generation: the most likely token, again and again, until the model ends its answer."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer, TokenizedExample


class Generation(NamedTuple):
    """An answer, whether the model ended it itself (else it was cut), and its tokens, including the end token.

    `log_probability` is the natural log-probability of all these tokens.
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
        """For each row the sum over its first tokens."""
        rows = torch.stack(self._steps, dim=1).tolist()
        return [sum(row[:length]) for row, length in zip(rows, lengths, strict=True)]


@torch.no_grad()
def generate(
    backbone: CachedBackbone, prompt_tokenizer: PromptTokenizer, questions: Sequence[str], max_new_tokens: int
) -> list[Generation]:
    """The answer to each question, in one batch for each adapter."""
    prompts = [prompt_tokenizer.tokenize_prompt(question) for question in questions]
    answers: dict[int, Generation] = {}
    for numbers in backbone.adapter_groups(prompts):
        batch = _generate_batch(backbone, prompt_tokenizer, [prompts[number] for number in numbers], max_new_tokens)
        answers |= zip(numbers, batch, strict=True)
    return [answers[number] for number in range(len(questions))]


def _generate_batch(
    backbone: CachedBackbone,
    prompt_tokenizer: PromptTokenizer,
    prompts: Sequence[TokenizedExample],
    max_new_tokens: int,
) -> list[Generation]:
    from transformers import LogitsProcessorList

    tokenizer, device, recorder = prompt_tokenizer.tokenizer, backbone.model.device, _GreedyLogProbabilities()
    longest, pad, end = max(len(prompt.ids) for prompt in prompts), tokenizer.pad_token_id, tokenizer.eos_token_id
    padding = [longest - len(prompt.ids) for prompt in prompts]
    pairs = list(zip(padding, prompts, strict=True))
    ids = torch.tensor([[pad] * count + list(prompt.ids) for count, prompt in pairs], device=device)
    mask = torch.tensor([[0] * count + [1] * len(prompt.ids) for count, prompt in pairs], device=device)
    inactive = prompt_tokenizer.activation_index(longest)
    generated = backbone.model.generate(
        input_ids=ids,
        attention_mask=mask,
        past_key_values=backbone.prefill(ids[:, :inactive], mask[:, :inactive]),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        pad_token_id=pad,
        eos_token_id=end,
        logits_processor=LogitsProcessorList([recorder]),
    )[:, longest:]
    texts = tokenizer.batch_decode(generated, skip_special_tokens=True)
    answers = [_until_end(row, end) for row in generated.tolist()]
    found = zip(texts, answers, recorder.sums(list(map(len, answers))), strict=True)
    return [Generation(text.strip(), end in answer, answer, total) for text, answer, total in found]


def _until_end(ids: list[int], end: int) -> tuple[int, ...]:
    return tuple(ids[: ids.index(end) + 1] if end in ids else ids)
