"""What never changes while an adapter learns is computed once: the frozen lower layers, and the prompt in all layers.

The adapter sits in the uppermost layers and, where it can, is awake only from the mark that ends a prompt (Activated
LoRA, Greenewald et al. 2025, arXiv:2504.12397). So below the adapter, and before the mark, the base alone speaks:
hidden states of the lower layers and keys and values of the upper ones are kept for each text, and a training step runs
the upper layers over the mark and the answer only; of an adapter that never sleeps, over the whole text. Whether a
model can be taken apart like this is checked on real texts; one that cannot is run whole.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from abreast.core.errors import AbreastError
from abreast.learning.backbone.architecture import is_encoder
from abreast.learning.backbone.lm_head import Vocabulary
from abreast.learning.backbone.prompt_tokenizer import Encoded
from abreast.learning.backbone.protocols import Head

CHUNK_TOKENS = 512
READ = 32
MOST_BYTES = 2 << 30
"""Texts whose kept states would need more memory than this are run through all layers each time."""


def body_of(model: Any) -> Any:
    """What of a model turns token ids into hidden states: without what stands on top of these."""
    return model.base_model if is_encoder(model.config) else model.get_decoder()


def layer_list(model: Any) -> tuple[Any, str, torch.nn.ModuleList]:
    """The module of a language model or an encoder that holds its list of layers, the name of the list, and the list.

    Raises:
        AbreastError: the model keeps its layers in another way.
    """
    body = body_of(model)
    for holder in body.modules():
        for name, module in holder.named_children():
            if isinstance(module, torch.nn.ModuleList) and len(module) == model.config.num_hidden_layers:
                return holder, name, module
    raise AbreastError(f"model.base: no list of {model.config.num_hidden_layers} layers in {type(body).__name__}")


@dataclass(frozen=True)
class Kept:
    """What the base makes of one text.

    Attributes:
        states: what the lower layers make of the awake part, [awake, width].
        past: keys and values of the upper layers before it, [layers, 2, heads, asleep, head width].
        prompt: the mean of its last hidden states before it, [width]; zero if there are none.
    """

    states: Tensor
    past: Tensor
    prompt: Tensor


def means_by_text(values: Tensor, owner: Tensor, texts: int) -> Tensor:
    """Means [texts] of values [N], of which `owner` [N] says whose they are, as `Trunk.completions` gives it."""
    return torch.zeros(texts, device=values.device).index_add_(0, owner, values) / owner.bincount(minlength=texts)


class Trunk:
    """Hidden states of the awake part of texts, under whatever adapter is active.

    Args:
        model: a causal language model, adapters injected; the layers below the `upper` uppermost ones stay frozen.
        upper: how many layers are run again each time.
        asleep: gives a context in which no adapter is active; needed only if `model` holds any.
        half: texts are run in bfloat16 where that is safe (autocast); weights and hidden states stay as they are.
        head: what is said after hidden states; by default the vocabulary of `model`.
    """

    def __init__(
        self,
        model: Any,
        upper: int,
        asleep: Callable[[], AbstractContextManager] = nullcontext,
        half: bool = False,
        head: Head | None = None,
    ):
        self.model, self._half = model, half
        self.head: Head = head or Vocabulary(model.get_output_embeddings())
        inside = [module for name, module in model.named_modules() if ".lora_dropout." in name]
        self._dropouts = [module for module in inside if isinstance(module, torch.nn.Dropout)]
        self._put_to_sleep, self._sleeping = asleep, False
        self._decoder = body_of(model)
        holder, name, self._layers = layer_list(model)
        self._upper = min(upper, len(self._layers))
        split = len(self._layers) - self._upper
        below = torch.nn.ModuleList([*self._layers[:split], _Stop()])
        self._only_lower = _Layers(holder, name, below)
        self._only_upper = _Layers(holder, name, self._layers[split:])
        self._chunk_of: dict[Encoded, tuple[Encoded, ...]] = {}
        self._kept: dict[Encoded, Kept] = {}
        self._works: bool | None = None

    def plan(self, texts: Sequence[Encoded]) -> None:
        """Announce texts that will be run more than once; what is kept of them is made when first needed.

        Which texts are run together depends on this list alone, so results do not depend on the order of use.
        """
        unique = sorted(set(texts), key=_shape)
        if not unique or self._bytes(unique) > MOST_BYTES:
            return
        if self._works is None:
            self._works = self._check([unique[0], unique[-1]])
        for (length, *_), group in groupby(unique, key=lambda text: _shape(text)[:2]):
            same, size = list(group), max(1, CHUNK_TOKENS // length)
            for start in range(0, len(same), size):
                chunk = tuple(same[start : start + size])
                self._chunk_of |= dict.fromkeys(chunk, chunk)

    def logits(self, texts: Sequence[Encoded]) -> tuple[Tensor, Tensor, Tensor]:
        """Score the completions of `texts`: (logits [N, vocabulary], targets [N], owner [N]: which text each is of)."""
        hidden, targets, owner = self.completions(texts)
        return self.model.get_output_embeddings()(hidden), targets, owner

    def shift(self, texts: Sequence[Encoded]) -> Tensor:
        """A zero [texts, longest awake part, width] for `completions`; its gradient is that of what is read there."""
        longest = max(len(text.ids) - text.wake for text in texts)
        shape = (len(texts), longest, self.model.config.hidden_size)
        return torch.zeros(shape, device=self.model.device, dtype=self.model.dtype, requires_grad=True)

    def completions(self, texts: Sequence[Encoded], shift: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """As `logits`, with the hidden states [N, width] that the logits are made from.

        Args:
            shift: added to what the trained layers read of the awake parts, padded on the left; it may be longer.
        """
        hidden = self._hidden(texts, shift)
        rows, columns, targets = [], [], []
        longest = hidden.shape[1]
        for row, text in enumerate(texts):
            rows += [row] * len(text.completion)
            columns += range(longest - len(text.completion) - 1, longest - 1)
            targets += text.completion
        owner = torch.tensor(rows, device=hidden.device)
        chosen = hidden[owner, torch.tensor(columns, device=hidden.device)]
        return chosen, torch.tensor(targets, device=hidden.device), owner

    @torch.no_grad()
    def prompts(self, texts: Sequence[Encoded]) -> Tensor:
        """What the base makes of the beginnings of texts, all of which sleep at first: means of its last hidden states.

        Returns:
            [texts, width], in float32. Of planned texts it costs nothing further.
        """
        with self._cast():
            if self.keeps(texts):
                return torch.stack([self._keep(text).prompt for text in texts]).float()
            found = [self._read_prompts(texts[start : start + READ]) for start in range(0, len(texts), READ)]
        return torch.cat(found).float()

    def _read_prompts(self, texts: Sequence[Encoded]) -> Tensor:
        ids = _padded([text.ids[: text.wake] for text in texts], self.model.device)
        mask = _mask([text.wake for text in texts], ids.device)
        with self.asleep():
            run = self._decoder(input_ids=ids, attention_mask=mask, position_ids=_positions(mask), use_cache=False)
        return (run.last_hidden_state * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)

    def together(self, texts: Sequence[Encoded]) -> Iterator[list[int]]:
        """The numbers of texts that are run by one and the same adapter, which is active meanwhile: here of all."""
        yield list(range(len(texts)))

    def keeps(self, texts: Sequence[Encoded]) -> bool:
        """Whether all of these texts were planned, and are kept."""
        return bool(self._works) and all(text in self._chunk_of for text in texts)

    def _cast(self) -> AbstractContextManager:
        return torch.autocast(self.model.device.type, torch.bfloat16, enabled=self._half, cache_enabled=False)

    @torch.no_grad()
    def read(self, ids: Tensor, mask: Tensor) -> Any:
        """What the base makes of the beginnings of texts [b, s], padded on the left: a cache of keys and values."""
        cache = self._past()
        if ids.shape[1]:
            with self.asleep():
                self._decoder(
                    input_ids=ids,
                    attention_mask=mask,
                    position_ids=_positions(mask),
                    past_key_values=cache,
                    use_cache=True,
                )
        return cache

    def _hidden(self, texts: Sequence[Encoded], shift: Tensor | None = None) -> Tensor:
        """The last hidden states [texts, longest awake part, width], padded on the left."""
        with self._cast():
            if shift is not None:
                shift = self._within(shift, max(len(text.ids) - text.wake for text in texts))
            if self.keeps(texts):
                hidden = self._run_upper(texts, [self._keep(text) for text in texts], shift)
            else:
                hidden = self._run_whole(texts, shift)
        return hidden.to(self.model.dtype)

    def _run_whole(self, texts: Sequence[Encoded], shift: Tensor | None = None) -> Tensor:
        """Without anything kept: the prompts by the base alone, then the awake parts."""
        before = _padded([text.ids[: text.wake] for text in texts], self.model.device)
        past = self.read(before, _mask([text.wake for text in texts], before.device))
        ids = _padded([text.ids[text.wake :] for text in texts], self.model.device)
        read = {"input_ids": ids}
        if shift is not None:
            read = {"inputs_embeds": self.model.get_input_embeddings()(ids) + shift}
        where = _where_awake(texts, ids.device)
        return self._decoder(**read, past_key_values=past, use_cache=True, **where).last_hidden_state

    def _run_upper(self, texts: Sequence[Encoded], kept: list[Kept], shift: Tensor | None = None) -> Tensor:
        longest = max(len(one.states) for one in kept)
        states = torch.stack([pad(one.states, (0, 0, longest - len(one.states), 0)) for one in kept])
        if shift is not None:
            states = states + shift
        before = max(one.past.shape[-2] for one in kept)
        past = torch.stack([pad(one.past, (0, 0, before - one.past.shape[-2], 0)) for one in kept])
        cache, where = self._past(), _where_awake(texts, states.device)
        with self._only_upper:
            for layer in range(self._upper):
                cache.update(past[:, layer, 0], past[:, layer, 1], layer)
            run = self._decoder(inputs_embeds=states, past_key_values=cache, use_cache=True, **where)
        return run.last_hidden_state

    def _within(self, rows: Tensor, length: int) -> Tensor:
        """The `length` columns of padded rows [b, longest, width] that hold something in a row of that length."""
        return rows[:, rows.shape[1] - length :]

    def _keep(self, text: Encoded) -> Kept:
        if text not in self._kept:
            chunk = self._chunk_of[text]
            self._kept |= zip(chunk, self._make(chunk), strict=True)
        return self._kept[text]

    @torch.no_grad()
    def _make(self, chunk: Sequence[Encoded]) -> list[Kept]:
        """What is kept of texts of one shape."""
        wake, cache = chunk[0].wake, self._past()
        with self.asleep():
            states = self._run_lower(chunk)
            # Of a text that is awake from its first token nothing is kept, but in the shape that the model gives it.
            before = states[:, : max(1, wake)]
            mask = _mask([before.shape[1]] * len(chunk), states.device)
            where = {"attention_mask": mask, "position_ids": _positions(mask)}
            with self._only_upper:
                run = self._decoder(inputs_embeds=before, past_key_values=cache, use_cache=True, **where)
        prompts = run.last_hidden_state[:, :wake].sum(1) / max(1, wake)
        pairs = [torch.stack([layer.keys, layer.values], dim=1) for layer in cache.layers[: self._upper]]
        past = torch.stack(pairs, dim=1)[..., :wake, :]
        return [Kept(s[wake:].clone(), p.clone(), m) for s, p, m in zip(states, past, prompts, strict=True)]

    def _run_lower(self, chunk: Sequence[Encoded]) -> Tensor:
        """What the frozen layers make of whole texts of one length: [texts, length, width]."""
        with self._only_lower:
            try:
                self._decoder(**self._lower_inputs(chunk))
            except _ReachedError as reached:
                return reached.states
        raise AbreastError("model.base: its decoder does not run its list of layers in order")

    def _lower_inputs(self, chunk: Sequence[Encoded]) -> dict[str, Any]:
        """What the decoder is given to run whole texts of one length."""
        ids = torch.tensor([text.ids for text in chunk], device=self.model.device)
        positions = torch.arange(ids.shape[1], device=ids.device).expand(len(chunk), -1)
        return {"input_ids": ids, "position_ids": positions, "use_cache": False}

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """No adapter is active inside; unlike PEFT's own context, this one may be entered again inside itself."""
        if self._sleeping:
            yield
            return
        self._sleeping = True
        try:
            with self._put_to_sleep():
                yield
        finally:
            self._sleeping = False

    @contextmanager
    def dropout(self, seed: int) -> Iterator[None]:
        """The adapter's dropout, if it has any, acts inside, drawn from `seed`; the base's own never does."""
        for module in self._dropouts:
            module.train()
        if self._dropouts:
            torch.manual_seed(seed)
        try:
            yield
        finally:
            for module in self._dropouts:
                module.eval()

    def _past(self) -> Any:
        from transformers.cache_utils import DynamicCache

        return DynamicCache()

    def _bytes(self, texts: Sequence[Encoded]) -> int:
        config = self.model.config
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        floats = sum(
            (len(text.ids) - text.wake) * config.hidden_size + text.wake * self._upper * 2 * heads * head
            for text in texts
        )
        return floats * self.model.dtype.itemsize

    @torch.no_grad()
    def _check(self, samples: list[Encoded]) -> bool:
        """Whether a model taken apart gives what the whole one gives, padding included."""
        try:
            with self.asleep():
                apart = self._run_upper(samples, [self._make([text])[0] for text in samples])
        except (AbreastError, TypeError, ValueError, RuntimeError, IndexError, AttributeError):
            return False
        with self.asleep():
            whole = self._run_whole(samples)
        shortest = min(len(text.ids) - text.wake for text in samples)
        whole, apart = self._within(whole, shortest), self._within(apart, shortest)
        tolerance = 1e-3 if self.model.dtype == torch.float32 else 5e-2
        return bool(torch.allclose(whole, apart, rtol=tolerance, atol=tolerance * whole.abs().max().item()))


class _ReachedError(Exception):
    """Carries the hidden states out of the forward pass at the first upper layer."""

    def __init__(self, states: Tensor):
        self.states = states


class _Stop(torch.nn.Module):
    def forward(self, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        raise _ReachedError(hidden_states)


class _Layers:
    """Lets a model run other layers for a while, numbered from 0 as a cache of their own needs it."""

    def __init__(self, holder: Any, name: str, layers: torch.nn.ModuleList):
        self._holder, self._name, self._layers = holder, name, layers
        self._numbered = [
            (module, number)
            for number, layer in enumerate(layers)
            for module in layer.modules()
            if hasattr(module, "layer_idx")
        ]

    def __enter__(self) -> None:
        self._whole = getattr(self._holder, self._name)
        self._numbers = [module.layer_idx for module, _ in self._numbered]
        for module, number in self._numbered:
            module.layer_idx = number
        setattr(self._holder, self._name, self._layers)

    def __exit__(self, *_: object) -> None:
        setattr(self._holder, self._name, self._whole)
        for (module, _), number in zip(self._numbered, self._numbers, strict=True):
            module.layer_idx = number


def _shape(text: Encoded) -> tuple[int, int, tuple[int, ...]]:
    return len(text.ids), text.wake, text.ids


def _padded(sequences: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    longest = max(map(len, sequences))
    return torch.tensor([[0] * (longest - len(s)) + list(s) for s in sequences], device=device, dtype=torch.long)


def _mask(lengths: Sequence[int], device: torch.device) -> Tensor:
    """1 where a row of that length, padded on the left, holds something: [rows, longest]."""
    longest = max(lengths)
    start = torch.tensor([longest - n for n in lengths], device=device).unsqueeze(1)
    return (torch.arange(longest, device=device).unsqueeze(0) >= start).long()


def _positions(mask: Tensor, first: Tensor | int = 0) -> Tensor:
    """Positions in rows padded on the left, counted from `first`."""
    return (mask.cumsum(1) - 1 + first).clamp(min=0)


def _where_awake(texts: Sequence[Encoded], device: torch.device) -> dict[str, Tensor]:
    """Mask and positions of the awake parts, with what lies before them as the past; both are padded on the left."""
    asleep = [text.wake for text in texts]
    awake = _mask([len(text.ids) - text.wake for text in texts], device)
    return {
        "attention_mask": torch.cat([_mask(asleep, device), awake], dim=1),
        "position_ids": _positions(awake, torch.tensor(asleep, device=device).unsqueeze(1)),
    }
