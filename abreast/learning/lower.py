"""The frozen lower layers are run once for each text; only the layers above them are run again and again.

An adapter in the uppermost layers leaves everything below as it was, so what the lower layers make of a text never
changes: it is kept, and fed to the upper layers in place of embeddings. This holds for decoders whose upper layers
need nothing but the hidden states below; whether a model is one of them is checked on real texts before it is used.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from abreast.errors import AbreastError
from abreast.learning.prompt import Encoded

Ids = tuple[int, ...]
CHUNK_TOKENS = 512
MOST_BYTES = 1 << 30
"""Texts whose activations would need more memory than this are run through all layers each time."""


def layer_list(model: Any) -> tuple[Any, str, torch.nn.ModuleList]:
    """The decoder of a causal language model, the name of its list of layers, and the list.

    Raises:
        AbreastError: the model keeps its layers in another way.
    """
    decoder = model.get_decoder()
    for name, module in decoder.named_children():
        if isinstance(module, torch.nn.ModuleList) and len(module) == model.config.num_hidden_layers:
            return decoder, name, module
    raise AbreastError(f"model.base: no list of {model.config.num_hidden_layers} layers in {type(decoder).__name__}")


class _ReachedError(Exception):
    """Carries the hidden states out of the forward pass at the first upper layer."""

    def __init__(self, states: Tensor):
        self.states = states


class _Stop(torch.nn.Module):
    def forward(self, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        raise _ReachedError(hidden_states)


class Trunk:
    """Hidden states of token sequences, under whatever adapter is active in the upper layers.

    Args:
        model: a causal language model, adapters injected; the layers below the `upper` uppermost ones stay frozen.
        upper: how many layers are run again each time.
    """

    def __init__(self, model: Any, upper: int):
        self.model = model
        self._decoder, self._name, self._layers = layer_list(model)
        self._upper = min(upper, len(self._layers))
        self._chunk_of: dict[Ids, tuple[Ids, ...]] = {}
        self._states: dict[Ids, Tensor] = {}
        self._works: bool | None = None

    def plan(self, texts: Sequence[Encoded]) -> None:
        """Announce texts that will be run more than once; their lower activations are made when first needed.

        Which texts are run together depends on this list alone, so results do not depend on the order of use.
        """
        width = self.model.config.hidden_size * self.model.dtype.itemsize
        unique = sorted({text.ids for text in texts}, key=lambda ids: (len(ids), ids))
        if self._upper == len(self._layers) or sum(map(len, unique)) * width > MOST_BYTES or not unique:
            return
        if self._works is None:
            self._works = self._check([unique[0], unique[-1]])
        for length, group in groupby(unique, key=len):
            same, size = list(group), max(1, CHUNK_TOKENS // length)
            for start in range(0, len(same), size):
                chunk = tuple(same[start : start + size])
                self._chunk_of |= dict.fromkeys(chunk, chunk)

    def logits(self, texts: Sequence[Encoded]) -> tuple[Tensor, Tensor, Tensor]:
        """Score the completions of `texts`: (logits [N, vocabulary], targets [N], owner [N]: which text each is of)."""
        hidden, targets, owner = self.completions(texts)
        return self.model.get_output_embeddings()(hidden), targets, owner

    def completions(self, texts: Sequence[Encoded]) -> tuple[Tensor, Tensor, Tensor]:
        """As `logits`, with the hidden states [N, width] that the logits are made from."""
        hidden = self.hidden([text.ids for text in texts])
        rows, columns, targets = [], [], []
        longest = hidden.shape[1]
        for row, text in enumerate(texts):
            rows += [row] * len(text.completion)
            columns += range(longest - len(text.completion) - 1, longest - 1)
            targets += text.completion
        owner = torch.tensor(rows, device=hidden.device)
        chosen = hidden[owner, torch.tensor(columns, device=hidden.device)]
        return chosen, torch.tensor(targets, device=hidden.device), owner

    def hidden(self, sequences: Sequence[Ids]) -> Tensor:
        """The last hidden states [texts, longest, width] of sequences, padded on the left."""
        if self._works and all(ids in self._chunk_of for ids in sequences):
            return self._run_upper([self._lower(ids) for ids in sequences])
        return self._run_all(sequences)

    def _run_all(self, sequences: Sequence[Ids]) -> Tensor:
        longest = max(map(len, sequences))
        device = self.model.device
        ids = torch.tensor([[0] * (longest - len(s)) + list(s) for s in sequences], device=device)
        return self._decoder(input_ids=ids, **_where([len(s) for s in sequences], device)).last_hidden_state

    def _run_upper(self, states: list[Tensor]) -> Tensor:
        lengths = [len(s) for s in states]
        longest = max(lengths)
        padded = torch.stack([torch.nn.functional.pad(s, (0, 0, longest - len(s), 0)) for s in states])
        with _Layers(self._decoder, self._name, self._layers[-self._upper :]):
            return self._decoder(inputs_embeds=padded, **_where(lengths, padded.device)).last_hidden_state

    def _lower(self, ids: Ids) -> Tensor:
        """What the frozen layers make of `ids`: [length, width]."""
        if ids not in self._states:
            chunk = self._chunk_of[ids]
            self._states |= zip(chunk, self._run_lower(chunk), strict=True)
        return self._states[ids]

    @torch.no_grad()
    def _run_lower(self, chunk: Sequence[Ids]) -> Tensor:
        ids = torch.tensor(chunk, device=self.model.device)
        layers = torch.nn.ModuleList([*self._layers[: -self._upper], _Stop()])
        with _Layers(self._decoder, self._name, layers):
            try:
                self._decoder(input_ids=ids, **_where([ids.shape[1]] * len(chunk), ids.device))
            except _ReachedError as reached:
                return reached.states
        raise AbreastError("model.base: its decoder does not run its list of layers in order")

    @torch.no_grad()
    def _check(self, samples: list[Ids]) -> bool:
        """Whether lower and upper layers run apart give what the whole model gives on a padded batch."""
        try:
            apart = self._run_upper([self._run_lower([ids])[0] for ids in samples])
        except (AbreastError, TypeError, ValueError, RuntimeError, IndexError):
            return False
        shortest = min(map(len, samples))
        together, apart = self._run_all(samples)[:, -shortest:], apart[:, -shortest:]
        tolerance = 1e-3 if self.model.dtype == torch.float32 else 5e-2
        return bool(torch.allclose(together, apart, rtol=tolerance, atol=tolerance * together.abs().max().item()))


class _Layers:
    """Lets the decoder run other layers for a while."""

    def __init__(self, decoder: Any, name: str, layers: torch.nn.ModuleList):
        self._decoder, self._name, self._layers = decoder, name, layers

    def __enter__(self) -> None:
        self._whole = getattr(self._decoder, self._name)
        setattr(self._decoder, self._name, self._layers)

    def __exit__(self, *_: object) -> None:
        setattr(self._decoder, self._name, self._whole)


def _where(lengths: list[int], device: torch.device) -> dict[str, Any]:
    """Positions from 0 for each text, and a mask over the padding on the left, if there is any."""
    longest = max(lengths)
    start = torch.tensor([longest - n for n in lengths], device=device).unsqueeze(1)
    positions = (torch.arange(longest, device=device).unsqueeze(0) - start).clamp(min=0)
    if longest == min(lengths):
        return {"position_ids": positions, "use_cache": False}
    mask = (torch.arange(longest, device=device).unsqueeze(0) >= start).long()
    return {"position_ids": positions, "attention_mask": mask, "use_cache": False}
