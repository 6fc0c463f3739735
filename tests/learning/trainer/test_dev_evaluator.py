from dataclasses import replace

import pytest
import torch

from abreast.learning.trainer.dev_evaluator import DevEvaluator, DevMetrics, DevScore
from tests.learning.methods.tiny_training import make_run, shake


def evaluator_of(run, new: int = 1) -> DevEvaluator:
    return DevEvaluator(run.backbone, run.examples[:new], run.examples[new:])


def test_an_empty_development_set_scores_zero(tiny_base):
    run = make_run(tiny_base)
    empty = DevEvaluator(run.backbone, [], [])
    empty.record_parent()
    assert not empty
    assert empty.evaluate() == DevMetrics(DevScore(0.0, 0.0), None, None, None)


def test_the_score_of_all_is_the_mean_of_new_and_old(tiny_base):
    run = make_run(tiny_base)
    dev = evaluator_of(run)
    dev.record_parent()
    assert dev.parent_exact == dev.evaluate().old
    shake(run)
    metrics = dev.evaluate()
    assert metrics.both.exact == pytest.approx((metrics.new + 3 * metrics.old) / 4)


def test_each_text_counts_equally_and_is_exact_only_if_all_its_tokens_are(tiny_base):
    run = make_run(tiny_base)
    shake(run)
    metrics = DevEvaluator(run.backbone, run.examples, []).evaluate()
    losses, exact = [], []
    for text in run.examples:
        logits, targets, _ = run.backbone.logits([text])
        losses.append(torch.nn.functional.cross_entropy(logits, targets).item())
        exact.append((logits.argmax(-1) == targets).all().item())
    assert metrics.both.loss == pytest.approx(sum(losses) / len(losses), rel=1e-4)
    assert metrics.both.exact == metrics.new == sum(exact) / len(exact)


def test_kl_is_the_divergence_from_the_parent_at_old_questions(tiny_base):
    run = make_run(tiny_base)
    dev = evaluator_of(run)
    dev.record_parent()
    assert dev.evaluate().kl == pytest.approx(0.0, abs=1e-6)
    before = [run.backbone.logits([text])[0].detach() for text in run.examples[1:]]
    shake(run)
    kls = []
    for text, teacher in zip(run.examples[1:], before, strict=True):
        top = teacher.topk(min(64, teacher.shape[-1]))
        wanted = top.values.log_softmax(-1)
        predicted = run.backbone.logits([text])[0].gather(1, top.indices).log_softmax(-1)
        kls.append(torch.nn.functional.kl_div(predicted, wanted, log_target=True, reduction="batchmean").item())
    assert dev.evaluate().kl == pytest.approx(sum(kls) / len(kls), rel=1e-3)
    assert dev.evaluate().kl > 1e-3


def test_the_parents_share_is_counted_as_in_every_evaluation(tiny_base):
    run = make_run(tiny_base)
    text = run.examples[1]
    predicted = run.backbone.logits([text])[0].argmax(-1).tolist()
    known = replace(text, ids=(*text.ids[: text.prompt_length], predicted[0], *text.ids[text.prompt_length + 1 :]))
    one = replace(known, ids=known.ids[: known.prompt_length + 1])
    dev = DevEvaluator(run.backbone, run.examples[:1], [one, *run.examples[2:]])
    dev.record_parent()
    assert dev.parent_exact == dev.evaluate().old >= 1 / 3


def test_without_old_questions_there_is_no_divergence_from_the_parent(tiny_base):
    run = make_run(tiny_base)
    dev = evaluator_of(run, new=len(run.examples))
    dev.record_parent()
    assert dev.parent_exact is None
    assert (dev.evaluate().old, dev.evaluate().kl) == (None, None)
