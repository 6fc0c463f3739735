"""What a benchmark measured, made up for tests."""

from typing import Any

from benchmarks.learn_stream import UpdateMeasurement


def measured(by_drop: dict[str, tuple[float | None, float | None]], number: int = 1, **more: Any) -> UpdateMeasurement:
    """One update that leaves these shares of right answers by drop, of the base and of the candidate."""
    rows = {drop: {"base": base, "champion": None, "candidate": score} for drop, (base, score) in by_drop.items()}
    kind = {"known": {"accuracy": 0.5, "macro_f1": 0.4}}
    metrics = {
        "candidate": {"stale_rate": 0.25, "general_perplexity": 33.0},
        "champion": None,
        "base": {"stale_rate": 0.0, "general_perplexity": 30.0},
        "by_kind": {"classification": {"candidate": kind, "base": {"known": {"accuracy": 0.0, "macro_f1": 0.0}}}},
    }
    stages = ("assemble", "validate", "split", "train", "evaluate")
    costs = {stage: 1.0 + place for place, stage in enumerate(stages)}
    values = {
        "name": f"drop {number}",
        "facts": 10,
        "verdict": "pass",
        "reasons": (),
        "metrics": metrics,
        "seconds": costs,
        "processor": costs,
        "peaks": {stage: 100.0 * cost for stage, cost in costs.items()},
        "tokens": 1000 * number,
        "by_drop": rows,
    }
    return UpdateMeasurement(**values | more)


def is_picture(path: Any) -> bool:
    """Whether a PNG shows something: many colours, and no single one nearly everywhere."""
    import numpy as np
    from matplotlib.image import imread

    pixels = (imread(path)[..., :3] * 255).astype(int).reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    return len(colours) > 50 and counts.max() / counts.sum() < 0.97
