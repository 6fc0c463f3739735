"""A backbone that computes the frozen part of each text once.

The adapter sits in the top layers and, if it is an activated one, is active only from the invocation tokens at the end
of the prompt (Activated LoRA, Greenewald et al. 2025, arXiv:2504.12397). Below the adapter and before these tokens the
base alone computes: the hidden states of the lower layers and the keys and values of the top layers are cached for each
text, and a training step runs the top layers over the invocation tokens and the answer only; with any other adapter,
over the whole text. Whether a model can be split like this is checked on real texts; otherwise all layers run.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from abreast.core.errors import AbreastError
from abreast.learning.backbone.activation_cache import ActivationCache, CachedActivations, shape_of
from abreast.learning.backbone.layer_split import LayerSplit
from abreast.learning.backbone.lm_head import LMHead
from abreast.learning.backbone.padding import left_padded, left_padding_mask, positions
from abreast.learning.backbone.prompt_tokenizer import TokenizedExample
from abreast.learning.backbone.protocols import Head

PROMPT_BATCH = 32
MAX_CACHE_BYTES = 2 << 30
"""Texts whose activations need more memory than this are not cached."""


class CachedBackbone:
    """Hidden states from the activation index of each text on, under the adapter that is active.

    Args:
        model: a causal language model with adapters injected.
        top_layers: the number of layers that are run each time; the layers below stay frozen.
        disable_adapter: a context without adapter; needed only if `model` has one.
        bfloat16: run texts under autocast where that is safe; weights and hidden states keep their type.
        head: predicts targets from hidden states; by default the language model head of `model`.
    """

    def __init__(
        self,
        model: Any,
        top_layers: int,
        disable_adapter: Callable[[], AbstractContextManager] = nullcontext,
        bfloat16: bool = False,
        head: Head | None = None,
    ):
        self.model, self._bfloat16 = model, bfloat16
        self.head: Head = head or LMHead(model.get_output_embeddings())
        dropouts = [module for name, module in model.named_modules() if ".lora_dropout." in name]
        self._dropouts = [module for module in dropouts if isinstance(module, torch.nn.Dropout)]
        self._disable_adapter, self._is_disabled = disable_adapter, False
        self._split = LayerSplit(model, top_layers)
        self._cache = ActivationCache(self._compute)
        self._can_split: bool | None = None

    def precompute(self, texts: Sequence[TokenizedExample]) -> None:
        """Announce texts that will be run more than once; their activations are computed on first use."""
        unique = sorted(set(texts), key=shape_of)
        if not unique or self._bytes(unique) > MAX_CACHE_BYTES:
            return
        if self._can_split is None:
            self._can_split = self._check_split([unique[0], unique[-1]])
        self._cache.divide(unique)

    def is_precomputed(self, texts: Sequence[TokenizedExample]) -> bool:
        """Whether all of these texts were announced and can be cached."""
        return bool(self._can_split) and all(text in self._cache for text in texts)

    def completion_states(
        self, texts: Sequence[TokenizedExample], perturbation: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The hidden states from which each completion token is predicted.

        Args:
            perturbation: added to the input of the top layers [texts, at least the longest active part, width], padded
                on the left.

        Returns:
            Hidden states [n, width], target tokens [n], and the number of the text of each [n].
        """
        hidden = self._hidden(texts, perturbation)
        rows, columns, targets = [], [], []
        longest = hidden.shape[1]
        for row, text in enumerate(texts):
            rows += [row] * len(text.completion)
            columns += range(longest - len(text.completion) - 1, longest - 1)
            targets += text.completion
        owner = torch.tensor(rows, device=hidden.device)
        chosen = hidden[owner, torch.tensor(columns, device=hidden.device)]
        return chosen, torch.tensor(targets, device=hidden.device), owner

    def logits(self, texts: Sequence[TokenizedExample]) -> tuple[Tensor, Tensor, Tensor]:
        """As `completion_states`, with logits [n, vocabulary] in place of the hidden states."""
        hidden, targets, owner = self.completion_states(texts)
        return self.model.get_output_embeddings()(hidden), targets, owner

    def input_perturbation(self, texts: Sequence[TokenizedExample]) -> Tensor:
        """Zeros [texts, longest active part, width] for `completion_states`; their gradient is that of the input."""
        longest = max(len(text.ids) - text.activation_index for text in texts)
        shape = (len(texts), longest, self.model.config.hidden_size)
        return torch.zeros(shape, device=self.model.device, dtype=self.model.dtype, requires_grad=True)

    @torch.no_grad()
    def prompt_means(self, texts: Sequence[TokenizedExample]) -> Tensor:
        """The mean of the base's last hidden states before each activation index [texts, width], in float32.

        Every text must have tokens before its activation index. Costs nothing for precomputed texts.
        """
        with self._autocast():
            if self.is_precomputed(texts):
                return torch.stack([self._cache[text].prompt_mean for text in texts]).float()
            batches = [texts[start : start + PROMPT_BATCH] for start in range(0, len(texts), PROMPT_BATCH)]
            return torch.cat([self._mean_of_prompts(batch) for batch in batches]).float()

    @torch.no_grad()
    def prefill(self, ids: Tensor, mask: Tensor) -> Any:
        """Run the base over the beginnings of texts [b, s], padded on the left.

        Returns:
            The cache of keys and values.
        """
        cache = _empty_cache()
        if ids.shape[1]:
            with self.adapter_disabled():
                self._split.body(
                    input_ids=ids,
                    attention_mask=mask,
                    position_ids=positions(mask),
                    past_key_values=cache,
                    use_cache=True,
                )
        return cache

    def adapter_groups(self, texts: Sequence[TokenizedExample]) -> Iterator[list[int]]:
        """The numbers of the texts that share an adapter, which is active meanwhile: here all texts."""
        yield list(range(len(texts)))

    @contextmanager
    def adapter_disabled(self) -> Iterator[None]:
        """A context in which no adapter is active; unlike PEFT's own, it may be nested."""
        if self._is_disabled:
            yield
            return
        self._is_disabled = True
        try:
            with self._disable_adapter():
                yield
        finally:
            self._is_disabled = False

    @contextmanager
    def dropout(self, seed: int) -> Iterator[None]:
        """A context in which the adapter's dropout is on, drawn from `seed`; that of the base stays off."""
        for module in self._dropouts:
            module.train()
        if self._dropouts:
            torch.manual_seed(seed)
        try:
            yield
        finally:
            for module in self._dropouts:
                module.eval()

    def _autocast(self) -> AbstractContextManager:
        return torch.autocast(self.model.device.type, torch.bfloat16, enabled=self._bfloat16, cache_enabled=False)

    def _hidden(self, texts: Sequence[TokenizedExample], perturbation: Tensor | None = None) -> Tensor:
        """The last hidden states [texts, longest active part, width], padded on the left."""
        with self._autocast():
            if perturbation is not None:
                longest = max(len(text.ids) - text.activation_index for text in texts)
                perturbation = self._without_padding(perturbation, longest)
            if self.is_precomputed(texts):
                hidden = self._run_top_layers(texts, [self._cache[text] for text in texts], perturbation)
            else:
                hidden = self._run_all_layers(texts, perturbation)
        return hidden.to(self.model.dtype)

    def _run_all_layers(self, texts: Sequence[TokenizedExample], perturbation: Tensor | None = None) -> Tensor:
        """Without the cache: the base alone up to each activation index, then the active parts."""
        before = left_padded([text.ids[: text.activation_index] for text in texts], self.model.device)
        past = self.prefill(before, left_padding_mask([text.activation_index for text in texts], before.device))
        ids = left_padded([text.ids[text.activation_index :] for text in texts], self.model.device)
        inputs = {"input_ids": ids}
        if perturbation is not None:
            inputs = {"inputs_embeds": self.model.get_input_embeddings()(ids) + perturbation}
        where = _active_part(texts, ids.device)
        return self._split.body(**inputs, past_key_values=past, use_cache=True, **where).last_hidden_state

    def _run_top_layers(
        self, texts: Sequence[TokenizedExample], cached: list[CachedActivations], perturbation: Tensor | None = None
    ) -> Tensor:
        longest = max(len(one.states) for one in cached)
        states = torch.stack([pad(one.states, (0, 0, longest - len(one.states), 0)) for one in cached])
        if perturbation is not None:
            states = states + perturbation
        before = max(one.past.shape[-2] for one in cached)
        past = torch.stack([pad(one.past, (0, 0, before - one.past.shape[-2], 0)) for one in cached])
        cache, where = _empty_cache(), _active_part(texts, states.device)
        with self._split.only_top_layers:
            for layer in range(self._split.top_count):
                cache.update(past[:, layer, 0], past[:, layer, 1], layer)
            run = self._split.body(inputs_embeds=states, past_key_values=cache, use_cache=True, **where)
        return run.last_hidden_state

    def _without_padding(self, rows: Tensor, length: int) -> Tensor:
        """The `length` columns of padded rows [b, longest, width] that hold a row of that length."""
        return rows[:, rows.shape[1] - length :]

    @torch.no_grad()
    def _compute(self, chunk: Sequence[TokenizedExample]) -> list[CachedActivations]:
        """The activations of texts of one shape."""
        index, cache = chunk[0].activation_index, _empty_cache()
        with self.adapter_disabled():
            states = self._split.run_lower_layers(**self._lower_inputs(chunk))
            # One token at least, even if nothing of it is kept: this gives `past` the model's own shape.
            before = states[:, : max(1, index)]
            mask = left_padding_mask([before.shape[1]] * len(chunk), states.device)
            where = {"attention_mask": mask, "position_ids": positions(mask)}
            with self._split.only_top_layers:
                run = self._split.body(inputs_embeds=before, past_key_values=cache, use_cache=True, **where)
        prompt_means = run.last_hidden_state[:, :index].sum(1) / max(1, index)
        pairs = [torch.stack([layer.keys, layer.values], dim=1) for layer in cache.layers[: self._split.top_count]]
        past = torch.stack(pairs, dim=1)[..., :index, :]
        each = zip(states, past, prompt_means, strict=True)
        return [CachedActivations(s[index:].clone(), p.clone(), mean) for s, p, mean in each]

    def _lower_inputs(self, chunk: Sequence[TokenizedExample]) -> dict[str, Any]:
        """Arguments of the model's body for whole texts of one length."""
        ids = torch.tensor([text.ids for text in chunk], device=self.model.device)
        places = torch.arange(ids.shape[1], device=ids.device).expand(len(chunk), -1)
        return {"input_ids": ids, "position_ids": places, "use_cache": False}

    def _mean_of_prompts(self, texts: Sequence[TokenizedExample]) -> Tensor:
        ids = left_padded([text.ids[: text.activation_index] for text in texts], self.model.device)
        mask = left_padding_mask([text.activation_index for text in texts], ids.device)
        with self.adapter_disabled():
            run = self._split.body(input_ids=ids, attention_mask=mask, position_ids=positions(mask), use_cache=False)
        return (run.last_hidden_state * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)

    def _bytes(self, texts: Sequence[TokenizedExample]) -> int:
        """The memory that the activations of these texts need."""
        config = self.model.config
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        head_width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        past_width = self._split.top_count * 2 * heads * head_width
        active = sum(len(text.ids) - text.activation_index for text in texts)
        inactive = sum(text.activation_index for text in texts)
        return (active * config.hidden_size + inactive * past_width) * self.model.dtype.itemsize

    @torch.no_grad()
    def _check_split(self, samples: list[TokenizedExample]) -> bool:
        """Whether the split model computes what the whole model does, padding included."""
        try:
            with self.adapter_disabled():
                split = self._run_top_layers(samples, [self._compute([text])[0] for text in samples])
        except (AbreastError, TypeError, ValueError, RuntimeError, IndexError, AttributeError):
            return False
        with self.adapter_disabled():
            whole = self._run_all_layers(samples)
        shortest = min(len(text.ids) - text.activation_index for text in samples)
        whole, split = self._without_padding(whole, shortest), self._without_padding(split, shortest)
        tolerance = 1e-3 if self.model.dtype == torch.float32 else 5e-2
        return bool(torch.allclose(whole, split, rtol=tolerance, atol=tolerance * whole.abs().max().item()))


def _empty_cache() -> Any:
    from transformers.cache_utils import DynamicCache

    return DynamicCache()


def _active_part(texts: Sequence[TokenizedExample], device: torch.device) -> dict[str, Tensor]:
    """Mask and positions of the active parts, with the tokens before them as the past; both are padded on the left."""
    before = [text.activation_index for text in texts]
    active = left_padding_mask([len(text.ids) - text.activation_index for text in texts], device)
    return {
        "attention_mask": torch.cat([left_padding_mask(before, device), active], dim=1),
        "position_ids": positions(active, torch.tensor(before, device=device).unsqueeze(1)),
    }
