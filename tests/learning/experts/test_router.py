import numpy as np
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from abreast.learning.experts.router import SHRINKAGE, Router

WIDTH = 6


def cloud(centre: float, count: int, seed: int) -> torch.Tensor:
    """Points around a centre, spread quite differently along each direction."""
    generator = torch.Generator().manual_seed(seed)
    return centre + torch.randn(count, WIDTH, generator=generator) * torch.tensor([5.0, 0.1, 1.0, 2.0, 0.5, 3.0])


def test_it_equals_the_linear_discriminant_analysis_of_scikit_learn():
    taught = {number: cloud(0.4 * number, 40, number) for number in range(3)}
    asked = torch.cat([cloud(0.4 * number, 100, 10 + number) for number in range(3)])
    router = Router.empty(WIDTH).updated(3, taught)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE)
    theirs.fit(torch.cat(list(taught.values())).numpy(), np.repeat(range(3), 40))
    routed = router.nearest(asked)
    assert routed == theirs.predict(asked.numpy()).tolist()
    assert len(set(routed)) == 3
    plain = torch.cdist(asked, router.means).argmin(1).tolist()
    right = [number for number in range(3) for _ in range(100)]
    hits = [sum(a == b for a, b in zip(found, right, strict=True)) for found in (routed, plain)]
    assert hits[0] > hits[1], "the spread within experts matters"


def test_prompts_in_several_updates_give_the_same_and_leave_other_experts_alone():
    first, second, other = cloud(0.0, 30, 1), cloud(1.0, 5, 2), cloud(3.0, 20, 3)
    once = Router.empty(WIDTH).updated(2, {0: torch.cat([first, second]), 1: other})
    before = Router.empty(WIDTH).updated(1, {0: first})
    between = before.updated(2, {1: other})
    assert torch.equal(between.means[0], before.means[0])
    after = between.updated(2, {0: second})
    for part in ("counts", "means", "scatter"):
        torch.testing.assert_close(getattr(after, part), getattr(once, part), rtol=1e-4, atol=1e-4)
    assert len(before.counts) == 1, "what was learned before stays as it was"


def test_an_expert_without_prompts_is_never_chosen():
    router = Router.empty(WIDTH).updated(3, {1: cloud(5.0, 1, 1)})
    assert router.nearest(torch.zeros(4, WIDTH)) == [1] * 4
    assert Router.empty(WIDTH).updated(2, {}).nearest(torch.ones(1, WIDTH)) == [0]
