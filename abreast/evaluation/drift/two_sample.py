"""Two samples of texts: do they come from one distribution, and how well can a classifier separate them?

Texts become TF-IDF weights of character n-grams of two to four letters. That needs no model and no vocabulary, and it
works for languages without spaces. The weights are fitted to both samples together, without their labels, so that under
the null hypothesis the texts are exchangeable and the level of the permutation test is exact.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

PERMUTATIONS = 499
_FEATURES = 20_000
_CHARS = 1_000
_FOLDS = 5


def tfidf_rows(texts: Sequence[str]) -> Any:
    """Sparse rows of length one, shape (texts, features)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, max_features=_FEATURES)
    return vectorizer.fit_transform([f"{text[:_CHARS]} ." for text in texts])


def mmd_test(rows: Any, first: int, seed: int) -> tuple[float, float]:
    """The squared maximum mean discrepancy between the first rows and the others, and its p-value.

    Gretton et al. 2012 (JMLR 13:723), the biased estimate with a Gaussian kernel whose width is the median distance;
    the p-value by permutation, with the observed one counted in (Phipson and Smyth 2010).

    Args:
        rows: of length one, shape (n, features); the first `first` of them are one sample.
    """
    squares = np.clip(2.0 - 2.0 * (rows @ rows.T).toarray(), 0.0, None)
    away = squares[np.triu_indices_from(squares, 1)]
    width = float(np.median(away[away > 1e-9])) if (away > 1e-9).any() else 1.0
    kernel = np.exp(-squares / width)
    count, random = rows.shape[0], np.random.default_rng(seed)
    signs = np.full(count, -1.0 / (count - first))
    signs[:first] = 1.0 / first
    weights = np.stack([signs, *(random.permutation(signs) for _ in range(PERMUTATIONS))])
    found = np.einsum("pn,pn->p", weights @ kernel, weights)
    return float(found[0]), float(np.mean(found >= found[0] - 1e-12))


def classifier_auc(rows: Any, first: int, seed: int) -> float:
    """How well a classifier separates unseen texts of the two samples: the area under the ROC curve.

    A classifier two-sample test (Lopez-Paz and Oquab 2017, arXiv:1610.06545) with logistic regression, cross-validated
    in five folds; 0.5 is chance, 1 is certain. Here it is the size of a drift, and `mmd_test` its significance.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    sides = np.arange(rows.shape[0]) >= first
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    model = LogisticRegression(C=10.0, class_weight="balanced", max_iter=300)
    return float(roc_auc_score(sides, cross_val_predict(model, rows, sides, cv=folds, method="decision_function")))
