import pytest

from abreast.core.settings import Train
from abreast.learning.trainer.checkpoint import Progress
from abreast.learning.trainer.dev_evaluator import DevMetrics, DevScore
from abreast.learning.trainer.early_stopping import reason_to_stop, update_progress

TRAIN = Train(epochs=100, patience=2, max_forgetting=0.1, max_tokens=1000)


def progress() -> Progress:
    return Progress(0, [], 0, 0, 0, [], [], None, 0, 0, [], [])


def metrics(exact: float, loss: float = 1.0, old: float | None = None, kl: float | None = None) -> DevMetrics:
    return DevMetrics(DevScore(exact, loss), exact, old, kl)


def reasons(evaluations: list[DevMetrics], parent: float | None = None, train: Train = TRAIN) -> list[str | None]:
    """The reason to stop after each evaluation, up to the first one."""
    p, found = progress(), []
    for one in evaluations:
        update_progress(p, one, parent, train)
        found.append(reason_to_stop(p, one, train))
        p.curve.append({"dev_loss": one.both.loss, "dev_old_exact": one.old})
        if found[-1]:
            break
    return found


def test_continues_while_it_gains_and_stops_when_patience_is_spent():
    gains = [metrics(0.1), metrics(0.2), metrics(0.2, loss=0.9)]
    assert reasons([*gains, metrics(0.2), metrics(0.1)]) == [None] * 4 + ["no gain on the development set in 2 checks"]


def test_a_lower_loss_is_a_gain_too():
    surer = [metrics(0.5, 1.0), metrics(0.4, 0.9), metrics(0.4, 0.8), metrics(0.4, 0.7)]
    assert reasons(surer) == [None] * 4
    assert reasons([*surer, metrics(0.4, 0.7), metrics(0.4, 0.7)])[-1] == "no gain on the development set in 2 checks"


def test_the_best_check_is_the_one_with_most_answers_then_the_least_loss():
    p = progress()
    better = [
        update_progress(p, one, None, TRAIN)
        for one in (metrics(0.5), metrics(0.4, 0.1), metrics(0.5, 0.9), metrics(0.5, 0.95))
    ]
    assert better == [True, False, True, False]
    assert p.best == [0.5, -0.9]


def test_stops_when_everything_is_known_with_confidence():
    assert (
        reasons([metrics(1.0, 0.1), metrics(1.0, 0.001)])[-1]
        == "every development question is answered with confidence"
    )


def test_stops_when_old_knowledge_does_not_come_back():
    falling = [metrics(0.1, old=0.9), metrics(0.2, old=0.5), metrics(0.3, old=0.5), metrics(0.4, old=0.5)]
    found = reasons(falling, parent=1.0)
    assert found[:2] == [None, None]
    assert found[2].startswith("old knowledge is lost: 50% of it is answered, and in 2 checks it did not come back")


@pytest.mark.parametrize(
    "old", [(0.5, 0.6, 0.7, 0.8), (0.95, 0.9, 0.95, 0.9), (0.5, 0.4, 0.6, 0.5), (0.4, 0.5, 0.5, 0.6)]
)
def test_continues_while_old_knowledge_comes_back_or_is_near(old):
    assert reasons([metrics(n / 10, old=share) for n, share in enumerate(old)], parent=1.0) == [None] * 4


def test_a_first_model_has_nothing_to_lose():
    assert reasons([metrics(0.1), metrics(0.2), metrics(0.3), metrics(0.4)], parent=None) == [None] * 4


def test_stops_too_far_from_the_parent():
    far = Train(epochs=100, max_kl=0.5)
    assert reasons([metrics(0.1, kl=0.4), metrics(0.2, kl=0.6)], 1.0, far)[-1] == (
        "0.6 nats a token away from the parent's answers (train.max_kl 0.5)"
    )
    assert reasons([metrics(0.1, kl=9.0), metrics(0.2, kl=9.0)], 1.0) == [None, None]


def test_the_limits_of_tokens_and_epochs():
    p = progress()
    p.tokens = 1000
    update_progress(p, metrics(0.1), None, TRAIN)
    assert reason_to_stop(p, metrics(0.1), TRAIN) == "train.max_tokens reached (1000)"
    p.tokens, p.epoch = 10, 99
    assert reason_to_stop(p, metrics(0.1), TRAIN) == "train.epochs reached (100)"


def test_without_a_development_set_only_the_limits_stop():
    p, nothing = progress(), DevMetrics(DevScore(0.0, 0.0), None, None, None)
    for _ in range(5):
        update_progress(p, nothing, None, TRAIN)
        assert reason_to_stop(p, nothing, TRAIN) is None
