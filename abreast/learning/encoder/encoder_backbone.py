"""An encoder as the training loop sees it: hidden states at the marked places, below the adapter computed once.

As `cached_backbone`, with these differences: texts are padded on the right, an adapter is awake in all of a text, and
what is added to or put in place of what the trained layers read is handed to the lowest of them by a hook, since an
encoder's embeddings do not take hidden states.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from abreast.learning.backbone.cached_backbone import Kept, Trunk
from abreast.learning.encoder.head import LabelHead
from abreast.learning.encoder.label_tokenizer import Marked


class EncoderTrunk(Trunk):
    """Hidden states of an encoder with adapters injected; arguments as of `Trunk`."""

    def __init__(
        self,
        model: Any,
        upper: int,
        head: LabelHead,
        asleep: Callable[[], AbstractContextManager] = nullcontext,
        half: bool = False,
    ):
        super().__init__(model, upper, asleep, half, head)
        self._first = self._layers[len(self._layers) - self._upper]
        self._pad = getattr(model.config, "pad_token_id", None) or 0

    def completions(self, texts: Sequence[Marked], shift: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden states [n, width] at the places of all texts, targets [n, 2] as of `LabelHead`, and owners [n]."""
        hidden = self._hidden(texts, shift)
        chosen = [_at(states[: len(text.ids)], text.places) for states, text in zip(hidden, texts, strict=True)]
        targets = [(text.kind, wanted) for text in texts for wanted in text.wanted]
        owner = [row for row, text in enumerate(texts) for _ in text.wanted]
        place = {"device": hidden.device}
        return torch.cat(chosen), torch.tensor(targets, dtype=torch.float32, **place), torch.tensor(owner, **place)

    def _run_whole(self, texts: Sequence[Marked], shift: Tensor | None = None) -> Tensor:
        with self._reading(lambda states: states if shift is None else states + shift):
            return self._decoder(**self._rows(texts)).last_hidden_state

    def _run_upper(self, texts: Sequence[Marked], kept: list[Kept], shift: Tensor | None = None) -> Tensor:
        longest = max(len(one.states) for one in kept)
        states = torch.stack([pad(one.states, (0, 0, 0, longest - len(one.states))) for one in kept])
        if shift is not None:
            states = states + shift
        with self._only_upper, self._reading(lambda _: states):
            return self._decoder(**self._rows(texts)).last_hidden_state

    @torch.no_grad()
    def _make(self, chunk: Sequence[Marked]) -> list[Kept]:
        with self.asleep():
            states = self._run_lower(chunk)
        return [Kept(one.clone(), one.new_empty(0), one.new_empty(0)) for one in states]

    def _lower_inputs(self, chunk: Sequence[Marked]) -> dict[str, Any]:
        return self._rows(chunk)

    def _within(self, rows: Tensor, length: int) -> Tensor:
        return rows[:, :length]

    def _rows(self, texts: Sequence[Marked]) -> dict[str, Tensor]:
        """Ids and mask [texts, longest], padded on the right."""
        longest, device = max(len(text.ids) for text in texts), self.model.device
        ids = [[*text.ids, *[self._pad] * (longest - len(text.ids))] for text in texts]
        mask = [[1] * len(text.ids) + [0] * (longest - len(text.ids)) for text in texts]
        return {"input_ids": torch.tensor(ids, device=device), "attention_mask": torch.tensor(mask, device=device)}

    @contextmanager
    def _reading(self, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
        """Inside, the lowest trained layer reads what `change` makes of its hidden states [texts, longest, width]."""

        def hand_over(_: Any, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
            if args:
                return (change(args[0]), *args[1:]), kwargs
            return args, kwargs | {"hidden_states": change(kwargs["hidden_states"])}

        hook = self._first.register_forward_pre_hook(hand_over, with_kwargs=True)
        try:
            yield
        finally:
            hook.remove()


def _at(states: Tensor, places: tuple[int, ...] | None) -> Tensor:
    """The states [length, width] at some places; the mean of all where none is named (Reimers and Gurevych 2019,
    arXiv:1908.10084: for sentences better than the first token).
    """
    return states.mean(0, keepdim=True) if places is None else states[list(places)]


def masked_words(model: Any) -> Callable[[Tensor], Tensor] | None:
    """The masked language model's head of `model` as a function of hidden states [n, width]; None if it has none.

    The body is set aside meanwhile, so that whatever the family's head is made of, it is its own code that runs.
    """
    if model.base_model is model:
        return None

    def say(hidden: Tensor) -> Tensor:
        name, body = model.base_model_prefix, model.base_model
        setattr(model, name, _Said(hidden[None]))
        try:
            return model(input_ids=torch.zeros(1, len(hidden), dtype=torch.long, device=hidden.device)).logits[0]
        finally:
            setattr(model, name, body)

    return say


class _Said(torch.nn.Module):
    """A body that has already read: whatever it is given, it says the same hidden states [1, n, width]."""

    def __init__(self, states: Tensor):
        super().__init__()
        self.states = states

    def forward(self, *_: Any, **__: Any) -> Any:
        from transformers.modeling_outputs import BaseModelOutput

        return BaseModelOutput(last_hidden_state=self.states)
