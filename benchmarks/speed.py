"""Our trainer beside transformers' own Trainer: the same facts, the same machine, one after the other.

python -m benchmarks.speed --epochs 2

The plain Trainer puts LoRA of the same rank into the same kinds of layers, in all of them, pads each batch to its
longest text and computes all logits; labels are at completions only. Ours then trains until its loss on the development
set is as low. Useful tokens are those of the texts, without padding.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from abreast.config import Params, load_params
from benchmarks.stream import STAGES, lay_out, run_stage
from benchmarks.table import as_markdown

BATCH = 5
"""Texts in a batch: about the 120 tokens of `train.tokens_per_step`."""


def prepare(folder: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Questions and answers of the first sample drop: those taught, and those of the development set."""
    lay_out(folder, "abreast", "samples", "params.yaml", "snapshot.json")
    for stage in ("assemble", "split"):
        run_stage(folder, STAGES[stage])
    read = [(folder / f"data/{name}.jsonl").read_text().splitlines() for name in ("train", "dev")]
    taught, asked = [[(row["question"], row["answer"]) for row in map(json.loads, lines)] for lines in read]
    return taught, asked


def encoded(params: Params, tokenizer: Any, pairs: list[tuple[str, str]]) -> list[Any]:
    from abreast.learning.prompt import Encoder

    encoder = Encoder(tokenizer, params.model.prompt)
    return [encoder.pair(question, answer) for question, answer in pairs]


def adapted(params: Params, layers: int) -> tuple[Any, Any]:
    """The base with a fresh adapter in its uppermost `layers`, and the tokenizer."""
    import torch

    from abreast.learning.adaptation import make_adaptation
    from abreast.learning.adapter import add_adapter
    from abreast.learning.base import load_base

    model, tokenizer, _ = load_base(params.model)
    torch.manual_seed(params.train.seed)
    settings = make_adaptation(params.train.adapt).settings(model, layers)
    return add_adapter(model, settings, "speed", trainable=True), tokenizer


def collate(texts: list[Any]) -> dict[str, Any]:
    """Padded on the right to the longest, labels at completions only."""
    import torch

    longest = max(len(text.ids) for text in texts)
    ids = torch.tensor([[*text.ids, *[0] * (longest - len(text.ids))] for text in texts])
    mask = torch.tensor([[1] * len(text.ids) + [0] * (longest - len(text.ids)) for text in texts])
    labels = ids.masked_fill(mask == 0, -100)
    for row, text in enumerate(texts):
        labels[row, : text.prompt] = -100
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def dev_loss(model: Any, texts: list[Any]) -> float:
    """The mean over texts of the mean loss of a completion token, with the adapter on in the whole text."""
    import torch

    with torch.no_grad():
        return sum(model(**collate([text])).loss.item() for text in texts) / len(texts)


def plain(params: Params, pairs: Any, dev: Any, epochs: int, folder: Path) -> dict[str, float]:
    """transformers' Trainer, everything else by default."""
    from transformers import Trainer, TrainingArguments

    model, tokenizer = adapted(params, 10_000)
    texts, asked = encoded(params, tokenizer, pairs), encoded(params, tokenizer, dev)
    arguments = TrainingArguments(
        output_dir=str(folder / "plain"),
        per_device_train_batch_size=BATCH,
        num_train_epochs=epochs,
        learning_rate=params.train.lr,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        use_cpu=params.model.device == "cpu",
        remove_unused_columns=False,
        seed=params.train.seed,
    )
    trainer = Trainer(model=model, args=arguments, train_dataset=texts, data_collator=collate)
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    tokens = epochs * sum(len(text.ids) for text in texts)
    model.eval()
    return {"seconds": seconds, "tokens": tokens, "dev_loss": dev_loss(model, asked)}


def ours(params: Params, pairs: Any, dev: Any, target: float, folder: Path) -> dict[str, float]:
    """Our trainer with the default knobs; its clock stops at the first check whose loss is at most `target`."""
    from abreast.learning.adapter import trained_parameters
    from abreast.learning.checkpoint import Checkpoints
    from abreast.learning.development import Development
    from abreast.learning.lower import Trunk
    from abreast.learning.prompt import Encoder
    from abreast.learning.strategies import make_strategies
    from abreast.learning.strategies.protocol import Run
    from abreast.learning.trainer import Trainer

    model, tokenizer = adapted(params, params.train.layers)
    texts, asked = encoded(params, tokenizer, pairs), encoded(params, tokenizer, dev)
    trunk = Trunk(model.get_base_model(), params.train.layers, model.disable_adapter)
    run = Run(trunk, Encoder(tokenizer, params.model.prompt), trained_parameters(model), parent=False, examples=texts)
    checks: list[float] = []
    started = time.perf_counter()
    trainer = Trainer(
        run,
        make_strategies(params.train.remember),
        [0] * len(texts),
        Development(trunk, asked, []),
        params.train,
        params.train.lr,
        Checkpoints(folder / "ours"),
        lambda share, note: checks.append(time.perf_counter() - started) if note.startswith("checked") else None,
    )
    curve = trainer.run().curve
    reached = next((n for n, row in enumerate(curve) if row["dev_loss"] <= target), len(curve) - 1)
    return {"seconds": checks[reached], "tokens": curve[reached]["tokens"], "dev_loss": curve[reached]["dev_loss"]}


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=2, help="epochs of the plain Trainer")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="abreast-speed-") as name:
        folder = Path(name)
        taught, dev = prepare(folder)
        params = load_params(folder)
        rows = {"transformers Trainer, LoRA in all layers": plain(params, taught, dev, asked.epochs, folder)}
        first = next(iter(rows.values()))
        rows["ours"] = ours(params, taught, dev, first["dev_loss"], folder)
    speed = first["tokens"] / first["seconds"]
    lines = []
    for who, row in rows.items():
        rate = row["tokens"] / row["seconds"]
        cells = (f"{row['tokens']:.0f}", f"{row['seconds']:.1f}", f"{rate:.0f}", f"{rate / speed:.1f}")
        lines.append((who, *cells, f"{row['dev_loss']:.3f}"))
    print(as_markdown(("trainer", "useful tokens", "seconds", "tokens/s", "times", "dev loss"), lines))


if __name__ == "__main__":
    main()
