"""A tiny BERT with random weights and a tokenizer of its own, written to a folder."""

import string
from pathlib import Path

WORDS = (
    *("the", "a", "of", "in", "on", "it", "is", "ran", "sat", "sang", "lies", "rains", "home", "lion", "rose", "iron"),
    *("cold", "warm", "hot", "ada", "rome", "basf", "owes", "cat", "mat", "mice", "rain", "hills", "rivers", "rise"),
    *("falls", "ferry", "left", "harbour", "little", "after", "six", "and"),
)


def write_tiny_encoder(folder: Path, masked: bool = True, layers: int = 2, seed: int = 0) -> Path:
    """A BERT of 32 dimensions as a local path for `model.base`, with or without its head for masked words."""
    import torch
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordPiece
    from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

    letters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    tokenizer = Tokenizer(WordPiece(vocab=vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    special = {f"{name}_token": token for name, token in names.items()}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **special).save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    model = BertForMaskedLM(config)
    (model if masked else model.bert).save_pretrained(folder)
    return folder
