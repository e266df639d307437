"""The tone of comments in any language: a linear model on their words and letters, learned from the scores beside them.

Nothing here knows a language. A comment becomes its words, pairs of neighbouring words and, since languages bend their
words and people misspell them, the runs of four letters inside each word; scripts without capitals, many of which put
no spaces between words, also give pairs of letters. These terms are hashed, so that the columns never depend on which
comments there are, and memory is bounded.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]

# Smallest evidence for a model: with 100 scored comments one ranks unseen ones about as well as VADER does (mean AUC of
# negative and of positive: .79 against .80 on airline tweets, .87 against .87 on airline reviews), with 200 better.
MIN_COMMENTS: Final = 100
MIN_OF_EACH: Final = 10
"""Least number of negative and of positive comments among them: ten rows for each of the two cuts."""
MAX_COMMENTS: Final = 30_000
"""A model learns from the most recent ones only, so that its time and memory stay the same however many there are."""
MAX_CHARACTERS: Final = 5_000
"""What is read of one comment; the longest of 3,681 airline reviews has 3,529 characters."""

# Chosen on airline tweets, airline reviews and French garden-centre comments together: 2^16, 2^18 and 2^20 columns
# differ by less than .003 AUC, and so does leaving terms of a single comment in. C = 2 is never far from the best: with
# 200 scored comments .669 / .824 / .887 (French, tweets, reviews), against .673 / .822 / .885 with 1 and .657 / .822 /
# .890 with 8. Runs of four letters are as good as of two to five, at a third of the time.
_N_TERMS: Final = 2**18
_MIN_COMMENTS_WITH_TERM: Final = 2
_C: Final = 2.0
_WORD: Final = re.compile(r"\w+|[^\w\s]")  # a punctuation mark or an emoji is a word of its own


@dataclass(frozen=True)
class ToneModel:
    """The chance of a tone above negative and of a positive one: two logistic regressions on the same TF-IDF."""

    terms: NDArray[np.int64]
    tfidf: Any
    above_negative: Any
    positive: Any

    def sentiment(self, counts: csr_matrix) -> Floats:
        """Return the expected tone of comments, from -1 (surely negative) over 0 to 1 (surely positive).

        ``counts`` comes from `term_counts`, shape (n_comments, n_terms); the result has shape (n_comments,).
        """
        weights = self.tfidf.transform(counts[:, self.terms])
        chances = [cut.predict_proba(weights)[:, 1] for cut in (self.above_negative, self.positive)]
        return np.asarray(chances[0] + chances[1] - 1.0, dtype=np.float64)


def term_counts(comments: Sequence[str] | NDArray[np.object_]) -> csr_matrix:
    """Return how often each hashed term is in each comment, shape (n_comments, 2^18)."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(analyzer=_terms, n_features=_N_TERMS, alternate_sign=False, norm=None, dtype=np.float32)
    return hashing.transform(comments)


def is_enough(tones: NDArray[np.int64]) -> bool:
    """Return whether a model can be fitted to comments of these tones (-1, 0 and 1)."""
    n_negative, n_positive = int((tones == -1).sum()), int((tones == 1).sum())
    return len(tones) >= MIN_COMMENTS and min(n_negative, n_positive) >= MIN_OF_EACH


def tone_model(counts: csr_matrix, tones: NDArray[np.int64]) -> ToneModel | None:
    """Fit a model to comments and their tones.

    The tones are ordered, so two cuts tell them apart, and P(not negative) + P(positive) - 1 is the expected tone.

    Parameters
    ----------
    counts : matrix of shape (n_comments, n_terms), from `term_counts`
    tones : array of shape (n_comments,)
        -1 negative, 0 neutral, 1 positive.

    Returns
    -------
    ToneModel, or None
        None where the evidence is too little (see `is_enough`), or no term is in two comments.

    References
    ----------
    Frank and Hall, "A simple approach to ordinal classification", ECML 2001.
    """
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression

    in_comments = np.bincount(counts.indices, minlength=counts.shape[1])
    terms = np.flatnonzero(in_comments >= _MIN_COMMENTS_WITH_TERM)
    if not is_enough(tones) or not terms.size:
        return None
    tfidf = TfidfTransformer(sublinear_tf=True)
    weights = tfidf.fit_transform(counts[:, terms])
    cuts = [
        LogisticRegression(C=_C, solver="liblinear", tol=0.01, max_iter=1_000).fit(weights, tones > cut)
        for cut in (-1, 0)
    ]
    return ToneModel(terms, tfidf, *cuts)


def _terms(comment: str) -> Iterator[str]:
    words = _WORD.findall(unicodedata.normalize("NFKC", comment[:MAX_CHARACTERS]).casefold())
    yield from words
    yield from map(" ".join, itertools.pairwise(words))
    for word in words:
        if len(word) > 1:
            padded = f" {word} "
            for i in range(len(padded) - 3):
                yield "#" + padded[i : i + 4]
            if word.upper() == word:  # no capitals
                for i in range(len(word) - 1):
                    yield "#" + word[i : i + 2]
