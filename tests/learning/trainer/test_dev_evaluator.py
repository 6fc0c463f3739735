from dataclasses import replace

import pytest
import torch

from abreast.learning.trainer.dev_evaluator import Check, Development, Score
from tests.learning.methods.line import make_run, shake


def develop(run, new: int = 1) -> Development:
    return Development(run.trunk, run.examples[:new], run.examples[new:])


def test_nothing_to_ask_scores_nothing(tiny_base):
    run = make_run(tiny_base)
    nothing = Development(run.trunk, [], [])
    nothing.begin()
    assert not nothing
    assert nothing.check() == Check(Score(0.0, 0.0), None, None, None)


def test_the_sides_make_up_the_whole(tiny_base):
    run = make_run(tiny_base)
    dev = develop(run)
    dev.begin()
    assert dev.parent == dev.check().old
    shake(run)
    check = dev.check()
    assert check.both.exact == pytest.approx((check.new + 3 * check.old) / 4)


def test_each_text_counts_alike_however_long_and_is_right_only_if_all_its_tokens_are(tiny_base):
    run = make_run(tiny_base)
    shake(run)
    check = Development(run.trunk, run.examples, []).check()
    losses, exact = [], []
    for text in run.examples:
        logits, targets, _ = run.trunk.logits([text])
        losses.append(torch.nn.functional.cross_entropy(logits, targets).item())
        exact.append((logits.argmax(-1) == targets).all().item())
    assert check.both.loss == pytest.approx(sum(losses) / len(losses), rel=1e-4)
    assert check.both.exact == check.new == sum(exact) / len(exact)


def test_the_way_from_the_parent_is_the_divergence_at_what_was_known(tiny_base):
    run = make_run(tiny_base)
    dev = develop(run)
    dev.begin()
    assert dev.check().kl == pytest.approx(0.0, abs=1e-6)
    before = [run.trunk.logits([text])[0].detach() for text in run.examples[1:]]
    shake(run)
    kls = []
    for text, teacher in zip(run.examples[1:], before, strict=True):
        top = teacher.topk(min(64, teacher.shape[-1]))
        wanted = top.values.log_softmax(-1)
        said = run.trunk.logits([text])[0].gather(1, top.indices).log_softmax(-1)
        kls.append(torch.nn.functional.kl_div(said, wanted, log_target=True, reduction="batchmean").item())
    assert dev.check().kl == pytest.approx(sum(kls) / len(kls), rel=1e-3)
    assert dev.check().kl > 1e-3


def test_what_the_parent_knows_is_counted_as_at_every_check(tiny_base):
    run = make_run(tiny_base)
    text = run.examples[1]
    said = run.trunk.logits([text])[0].argmax(-1).tolist()
    known = replace(text, ids=(*text.ids[: text.prompt], said[0], *text.ids[text.prompt + 1 :]))
    one = replace(known, ids=known.ids[: known.prompt + 1])
    dev = Development(run.trunk, run.examples[:1], [one, *run.examples[2:]])
    dev.begin()
    assert dev.parent == dev.check().old >= 1 / 3


def test_without_anything_known_before_there_is_no_way_from_the_parent(tiny_base):
    run = make_run(tiny_base)
    dev = develop(run, new=len(run.examples))
    dev.begin()
    assert dev.parent is None
    assert (dev.check().old, dev.check().kl) == (None, None)
