"""The retention matrix: the score of each version of a model on each drop, and the figures derived from it."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from pydantic import BaseModel, ConfigDict, model_validator

from abreast.core.errors import AbreastError

ScoreRow = tuple[float | None, ...]


class RetentionMatrix(BaseModel):
    """R[i, j], the score of version i on the held-out questions of drop j, higher being better (Lopez-Paz and Ranzato
    2017, "Gradient Episodic Memory for Continual Learning", arXiv:1706.08840, section 2).

    Scores are in any one unit (shares from 0 to 1 everywhere in Abreast), and so are all figures that follow; an error
    or a perplexity is entered with its sign changed. A score is None where it was not measured: a drop that came
    later, or one without anything still valid. Every figure is a mean over the drops for which all its scores are
    there, and None where there is no such drop. GEM has one version for each drop; here a version may have learned
    several, and `learned` says which version learned each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    versions: tuple[str, ...]
    """The rows, oldest first."""
    drops: tuple[str, ...]
    """The columns."""
    learned: tuple[int, ...]
    """For each drop, the row of the first version that learned it."""
    scores: tuple[ScoreRow, ...]
    """Shape (versions, drops)."""
    base: ScoreRow
    """The scores of the untrained base on each drop."""

    @model_validator(mode="after")
    def _fits(self) -> "RetentionMatrix":
        widths = {len(self.learned), len(self.base), *map(len, self.scores)}
        if widths != {len(self.drops)} or len(self.scores) != len(self.versions):
            raise AbreastError(
                f"retention matrix: {len(self.versions)} versions by {len(self.drops)} drops need as many scores"
            )
        for names in (self.versions, self.drops):
            if len(set(names)) < len(names):
                raise AbreastError(f"retention matrix: a name is there twice among {', '.join(names)}")
        if any(not 0 <= row < len(self.versions) for row in self.learned):
            raise AbreastError("retention matrix: a drop was learned by a version that is not there")
        return self

    def with_version(
        self,
        version: str,
        scores: Mapping[str, float | None],
        new: Iterable[str] = (),
        base: Mapping[str, float | None] | None = None,
    ) -> "RetentionMatrix":
        """The matrix with one more row, and a column for each drop that the version was the first to learn.

        Args:
            scores: by drop; those that are left out were not measured.
            new: the drops that it learned.
            base: what the untrained base scores on the new drops.

        Raises:
            AbreastError: a name is there twice, or a score is of a drop that is not there.
        """
        new, base = tuple(new), base or {}
        drops = self.drops + new
        if strange := sorted(set(scores) - set(drops) | set(base) - set(new)):
            raise AbreastError(f"retention matrix: {version} has scores of drops that are not there: {strange}")
        gap = (None,) * len(new)
        return RetentionMatrix(
            versions=(*self.versions, version),
            drops=drops,
            learned=self.learned + (len(self.versions),) * len(new),
            scores=(*(row + gap for row in self.scores), tuple(scores.get(drop) for drop in drops)),
            base=self.base + tuple(base.get(drop) for drop in new),
        )

    def until(self, version: str) -> "RetentionMatrix":
        """The matrix as it was after `version`: its figures are those of that time. Raises AbreastError if unknown."""
        if version not in self.versions:
            raise AbreastError(f"retention matrix: no version {version}; there are {', '.join(self.versions)}")
        rows = self.versions.index(version) + 1
        kept = [number for number, row in enumerate(self.learned) if row < rows]
        return RetentionMatrix(
            versions=self.versions[:rows],
            drops=tuple(self.drops[number] for number in kept),
            learned=tuple(self.learned[number] for number in kept),
            scores=tuple(tuple(row[number] for number in kept) for row in self.scores[:rows]),
            base=tuple(self.base[number] for number in kept),
        )


EMPTY = RetentionMatrix(versions=(), drops=(), learned=(), scores=(), base=())
"""No version and no drop: what `with_version` starts from."""


def matrix_of_updates(updates: Iterable[tuple[str, Mapping[str, Mapping[str, float | None]]]]) -> RetentionMatrix:
    """The matrix of versions, each built upon the one before.

    Args:
        updates: of each version its name, and by drop what `candidate` (itself), `champion` (the version before it) and
            `base` score. A drop was learned by the version that is the first to have it.
    """
    found = EMPTY
    for version, by_drop in updates:
        new = tuple(drop for drop in by_drop if drop not in found.drops)
        scores = {drop: row["candidate"] for drop, row in by_drop.items()}
        found = found.with_version(version, scores, new, {drop: by_drop[drop]["base"] for drop in new})
        if len(found.versions) > 1 and new:
            before = (*found.scores[-2][: -len(new)], *(by_drop[drop]["champion"] for drop in new))
            found = found.model_copy(update={"scores": (*found.scores[:-2], before, found.scores[-1])})
    return found


def average_accuracy(matrix: RetentionMatrix) -> float | None:
    """ACC, the mean over drops of R[last, j] (Lopez-Paz and Ranzato 2017, equation 2)."""
    return _mean(matrix.scores[-1] if matrix.scores else ())


def backward_transfer(matrix: RetentionMatrix) -> float | None:
    """BWT, the mean over the drops learned before the last version of R[last, j] - R[learned[j], j]; below zero where
    something was forgotten (Lopez-Paz and Ranzato 2017, equation 3)."""
    return _mean(
        _minus(matrix.scores[-1][drop], matrix.scores[row][drop]) for drop, row in _learned_before_last(matrix)
    )


def forward_transfer(matrix: RetentionMatrix) -> float | None:
    """FWT, the mean over the drops learned after the first version of R[learned[j] - 1, j] - base[j]: what earlier
    drops taught about one not yet seen (Lopez-Paz and Ranzato 2017, equation 4)."""
    return _mean(
        _minus(matrix.scores[row - 1][drop], matrix.base[drop]) for drop, row in enumerate(matrix.learned) if row > 0
    )


def forgetting(matrix: RetentionMatrix) -> float | None:
    """F, the mean over the drops learned before the last version of max over earlier versions of R[i, j] - R[last, j]:
    the loss against the best there ever was; below zero where the last version is the best (Chaudhry et al. 2018,
    "Riemannian Walk for Incremental Learning", arXiv:1801.10112, equation 3)."""
    losses = []
    for drop, _ in _learned_before_last(matrix):
        earlier = [row[drop] for row in matrix.scores[:-1] if row[drop] is not None]
        losses.append(_minus(max(earlier), matrix.scores[-1][drop]) if earlier else None)
    return _mean(losses)


def _learned_before_last(matrix: RetentionMatrix) -> list[tuple[int, int]]:
    return [(drop, row) for drop, row in enumerate(matrix.learned) if row < len(matrix.versions) - 1]


def _minus(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left - right


def _mean(values: Iterable[float | None]) -> float | None:
    known: Sequence[float] = [value for value in values if value is not None]
    return fmean(known) if known else None
