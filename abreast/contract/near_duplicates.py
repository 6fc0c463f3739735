"""Near duplicates of free text, found by MinHash and locality-sensitive hashing, confirmed by the exact similarity."""

import re
from typing import Generic, TypeVar

_UNSPACED = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+(?:[.:/-][^\W{_UNSPACED}]+)*")
_SHINGLE = 3
_PERMUTATIONS = 128

Row = TypeVar("Row")


class NearDuplicates(Generic[Row]):
    """The texts seen so far.

    Similarity is Jaccard's over shingles of three words, case ignored; in Chinese and Japanese, which put no spaces
    between words, of three characters. Texts that differ in a number, a version or a date are never near duplicates:
    that difference is their content.

    Source: Broder 1997, "On the resemblance and containment of documents".
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._lsh = None
        self._seen: list[tuple[tuple, frozenset[str], Row]] = []

    def find_or_add(self, group: str, text: str, row: Row) -> Row | None:
        """The row of an earlier, nearly equal text of the same group; if there is none, remember this one."""
        from datasketch import MinHash, MinHashLSH

        if self._lsh is None:
            low = min(max(self._threshold - 0.1, 0.05), 0.95)
            self._lsh = MinHashLSH(threshold=low, num_perm=_PERMUTATIONS)
        words = _WORD.findall(text.lower())
        exact = (group, tuple(sorted(word for word in words if any(c.isnumeric() for c in word))))
        shingles = frozenset(" ".join(words[i : i + _SHINGLE]) for i in range(max(1, len(words) - _SHINGLE + 1)))
        sketch = MinHash(num_perm=_PERMUTATIONS, seed=1)
        sketch.update_batch([shingle.encode() for shingle in shingles])
        for number in sorted(self._lsh.query(sketch)):
            other_exact, other, twin = self._seen[number]
            if other_exact == exact and len(shingles & other) >= self._threshold * len(shingles | other):
                return twin
        self._lsh.insert(len(self._seen), sketch)
        self._seen.append((exact, shingles, row))
        return None
