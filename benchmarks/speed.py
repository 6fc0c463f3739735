"""Our trainer beside transformers' Trainer and TRL's SFTTrainer: the same facts, the same machine, one after the other.

python -m benchmarks.speed --epochs 2

The two others put LoRA of the same rank into the same kinds of layers, in all of them, pad each batch to its longest
text and learn completions only. Ours then trains until its loss on the development set is as low as the plain
Trainer's: with adapters in all layers, active in the whole text; with adapters in `train.top_layers`, not active in the
prompt; and by default, which is the same with the anchor. Useful tokens are those of the texts, without
padding. Ratios are of processor time, which other work on the machine disturbs less: with OMP_NUM_THREADS=1 it is what
the training would take alone on one core. TRL is no dependency of Abreast: pip install -e '.[bench]'.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from abreast.core.settings import Params, load_params
from benchmarks.learn_stream import STAGES, copy_source, run_stage
from benchmarks.tables import markdown_table

BATCH = 5
"""Texts in a batch: about the 120 tokens of `train.tokens_per_batch`."""
ALL_LAYERS = 10_000


def prepare(folder: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Questions and answers of the first sample drop: those taught, and those of the development set."""
    copy_source(folder, "abreast", "samples", "params.yaml", "snapshot.json")
    for stage in ("assemble", "split"):
        run_stage(folder, STAGES[stage])
    read = [(folder / f"data/{name}.jsonl").read_text().splitlines() for name in ("train", "dev")]
    taught, asked = [[(row["question"], row["answer"]) for row in map(json.loads, lines)] for lines in read]
    return taught, asked


def encoded(params: Params, tokenizer: Any, pairs: list[tuple[str, str]]) -> list[Any]:
    from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer

    prompt_tokenizer = PromptTokenizer(tokenizer, params.model.prompt)
    return [prompt_tokenizer.pair(question, answer) for question, answer in pairs]


@dataclass(frozen=True)
class TrainingCost:
    """One training: seconds of the clock and of the processor, useful tokens, and the loss on the development set."""

    seconds: float
    processor: float
    tokens: int
    loss: float


class TrainerSetup(NamedTuple):
    """How our trainer runs: adapters in all layers and in all tokens, or as by default; with or without the anchor."""

    upper: bool
    anchored: bool


OUR_SETUPS = {
    "ours, all layers, all tokens": TrainerSetup(upper=False, anchored=False),
    "ours, upper layers": TrainerSetup(upper=True, anchored=False),
    "ours, as by default": TrainerSetup(upper=True, anchored=True),
}


class Clock:
    """Seconds of the clock and of the processor since it was made."""

    def __init__(self) -> None:
        self._begun = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self._begun[0], time.process_time() - self._begun[1]


def with_fresh_adapter(params: Params, layers: int) -> tuple[Any, Any]:
    """The base with a fresh adapter in its uppermost `layers`, and the tokenizer."""
    import torch

    from abreast.learning.adapters import make_adapter_method
    from abreast.learning.backbone.adapter import add_adapter
    from abreast.learning.backbone.base_model import load_base

    model, tokenizer, _ = load_base(params.model)
    torch.manual_seed(params.train.seed)
    settings = make_adapter_method(params.train.peft).peft_config(model, layers)
    return add_adapter(model, settings, "speed", trainable=True), tokenizer


def collate(texts: list[Any]) -> dict[str, Any]:
    """Padded on the right to the longest, labels at completions only."""
    import torch

    longest = max(len(text.ids) for text in texts)
    ids = torch.tensor([[*text.ids, *[0] * (longest - len(text.ids))] for text in texts])
    mask = torch.tensor([[1] * len(text.ids) + [0] * (longest - len(text.ids)) for text in texts])
    labels = ids.masked_fill(mask == 0, -100)
    for row, text in enumerate(texts):
        labels[row, : text.prompt_length] = -100
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def dev_loss(model: Any, texts: list[Any]) -> float:
    """The mean over texts of the mean loss of a completion token, with the adapter on in the whole text."""
    import torch

    with torch.no_grad():
        return sum(model(**collate([text])).loss.item() for text in texts) / len(texts)


def usual(params: Params, folder: Path, epochs: int) -> dict[str, Any]:
    """The settings that both usual trainers share; everything else is as it is by default."""
    return {
        "output_dir": str(folder / "usual"),
        "per_device_train_batch_size": BATCH,
        "num_train_epochs": epochs,
        "learning_rate": params.train.learning_rate,
        "report_to": [],
        "save_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
        "use_cpu": params.model.device == "cpu",
        "seed": params.train.seed,
    }


def plain_trainer(params: Params, model: Any, tokenizer: Any, texts: Any, settings: dict[str, Any]) -> Any:
    from transformers import Trainer, TrainingArguments

    arguments = TrainingArguments(**settings, remove_unused_columns=False)
    return Trainer(model=model, args=arguments, train_dataset=texts, data_collator=collate)


def sft_trainer(params: Params, model: Any, tokenizer: Any, texts: Any, settings: dict[str, Any]) -> Any:
    """TRL's, on the same ids; without checkpointing of gradients, which saves memory and costs time."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    rows = [
        {"input_ids": list(text.ids), "labels": [-100] * text.prompt_length + list(text.ids[text.prompt_length :])}
        for text in texts
    ]
    own = {"bf16": False, "gradient_checkpointing": False, "dataset_kwargs": {"skip_prepare_dataset": True}}
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    arguments = SFTConfig(**settings, **own)
    return SFTTrainer(model=model, args=arguments, train_dataset=Dataset.from_list(rows), processing_class=tokenizer)


def train_theirs(
    make: Callable[..., Any], params: Params, pairs: Any, dev: Any, epochs: int, folder: Path
) -> TrainingCost:
    """A usual trainer for so many epochs."""
    model, tokenizer = with_fresh_adapter(params, ALL_LAYERS)
    texts, asked = encoded(params, tokenizer, pairs), encoded(params, tokenizer, dev)
    trainer = make(params, model, tokenizer, texts, usual(params, folder, epochs))
    clock = Clock()
    trainer.train()
    spent = clock.read()
    model.eval()
    return TrainingCost(*spent, epochs * sum(len(text.ids) for text in texts), dev_loss(model, asked))


def train_ours(params: Params, pairs: Any, dev: Any, target: float, folder: Path, setup: TrainerSetup) -> TrainingCost:
    """Our trainer; its clock stops at the first check whose loss is at most `target`."""
    from abreast.learning.backbone.adapter import trained_parameters
    from abreast.learning.backbone.cached_backbone import CachedBackbone
    from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer
    from abreast.learning.methods import make_methods
    from abreast.learning.methods.protocol import TrainingRun
    from abreast.learning.trainer.checkpoint import Checkpoints
    from abreast.learning.trainer.dev_evaluator import DevEvaluator
    from abreast.learning.trainer.trainer import Trainer

    model, tokenizer = with_fresh_adapter(params, params.train.top_layers if setup.upper else ALL_LAYERS)
    layers = params.train.top_layers if setup.upper else model.config.num_hidden_layers
    prompt_tokenizer = PromptTokenizer(tokenizer, params.model.prompt, sleeps=setup.upper)
    texts, asked = ([prompt_tokenizer.pair(*pair) for pair in pairs] for pairs in (pairs, dev))
    backbone = CachedBackbone(model.get_base_model(), layers, model.disable_adapter)
    run = TrainingRun(backbone, prompt_tokenizer, trained_parameters(model), has_parent=False, examples=texts)
    checks: list[tuple[float, float]] = []
    clock = Clock()
    trainer = Trainer(
        run,
        make_methods(params.train.regularizers if setup.anchored else []),
        [0] * len(texts),
        DevEvaluator(backbone, asked, []),
        params.train,
        params.train.learning_rate,
        Checkpoints(folder / f"ours-{layers}-{setup.anchored}"),
        lambda share, note: checks.append(clock.read()) if note.startswith("checked") else None,
    )
    curve = trainer.run().curve
    reached = next((n for n, row in enumerate(curve) if row["dev_loss"] <= target), len(curve) - 1)
    return TrainingCost(*checks[reached], curve[reached]["tokens"], curve[reached]["dev_loss"])


def main() -> None:
    """Run all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=2, help="epochs of the usual trainers")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="abreast-speed-") as place:
        folder = Path(place)
        taught, dev = prepare(folder)
        params = load_params(folder)
        rows = {"transformers' Trainer": train_theirs(plain_trainer, params, taught, dev, asked.epochs, folder)}
        rows["TRL's SFTTrainer"] = train_theirs(sft_trainer, params, taught, dev, asked.epochs, folder)
        target = rows["transformers' Trainer"].loss
        for name, setup in OUR_SETUPS.items():
            rows[name] = train_ours(params, taught, dev, target, folder, setup)
    print(speed_table(rows))


def speed_table(rows: dict[str, TrainingCost]) -> str:
    """One row a trainer; "times" is of useful tokens a second of processor time, and of the time to the same loss."""
    first = next(iter(rows.values()))
    lines = []
    for who, ran in rows.items():
        rate, whole = ran.tokens / ran.processor, first.tokens / first.processor
        cells = (f"{ran.tokens}", f"{ran.seconds:.1f}", f"{ran.processor:.1f}", f"{rate:.0f}", f"{rate / whole:.1f}")
        lines.append((who, *cells, f"{ran.loss:.3f}", f"{first.processor / ran.processor:.1f}"))
    head = ("trainer", "useful tokens", "seconds", "processor s", "tokens/s", "times", "dev loss", "sooner")
    return markdown_table(head, lines)


if __name__ == "__main__":
    main()
