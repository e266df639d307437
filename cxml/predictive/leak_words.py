"""What the words of a text column tell of a label, in whatever language they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxml.predictive.labelled_rows import FOLDS, LabelledRows
from cxml.predictive.leak_certainty import CertainPart, certain_cells, judged_part, strongest
from cxml.predictive.leak_columns import Grouped, grouped

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

MAX_CHARACTERS: Final = 2_000
_MIN_ROWS: Final = 5
_MAX_WORDS: Final = 5_000
_WORD: Final = re.compile(r"\w+")


def words_of(text: str) -> Iterator[str]:
    """Give the words of a text; of scripts without capitals, many of which put no spaces between words, pairs of signs.

    >>> list(words_of("Gone, gone!"))
    ['gone', 'gone']
    """
    for word in _WORD.findall(text[:MAX_CHARACTERS].casefold()):
        if len(word) > 2 and word.upper() == word and not word.isdigit():
            yield from (word[i : i + 2] for i in range(len(word) - 1))
        else:
            yield word


class Words:
    """Which of the frequent words are in the text of each row."""

    def __init__(self, texts: pd.Series[Any], rows: LabelledRows) -> None:
        from sklearn.feature_extraction.text import CountVectorizer

        self._rows = rows
        self._found: csr_matrix | None = None
        self.words: tuple[str, ...] = ()
        self.known = np.array([isinstance(text, str) and text.strip() != "" for text in texts], dtype=np.bool_)
        given = [text for text, known in zip(texts, self.known, strict=True) if known]
        reader = CountVectorizer(
            analyzer=lambda text: list(words_of(text)), binary=True, min_df=_MIN_ROWS, max_features=_MAX_WORDS
        )
        try:
            found = reader.fit_transform(given)
        except ValueError:  # no word is in five of the texts
            return
        self.words = tuple(reader.get_feature_names_out())
        place = np.zeros(len(texts), dtype=np.intp)
        place[self.known] = np.arange(len(given))
        self._found = found[place].multiply(self.known[:, None]).tocsr()

    def scores(self) -> Iterator[Grouped]:
        """Give for each class how much the words speak for it, by naive Bayes of the other folds, as ranges."""
        import pandas as pd

        rows = self._rows
        if self._found is None:
            yield grouped(pd.Series(np.where(self.known, 1.0, np.nan)))
            return
        counts = self._counts()
        of_class = np.bincount(rows.fold * rows.n_classes + rows.y, minlength=FOLDS * rows.n_classes)
        of_class = of_class.reshape(FOLDS, rows.n_classes)
        with_word, of_all = counts.sum(axis=0) - counts, of_class.sum(axis=0) - of_class
        for k in range(rows.n_classes) if rows.n_classes > 2 else (1,):
            hit = (with_word[:, :, k] + 0.5) / (of_all[:, None, k] + 1.0)
            rest = with_word.sum(axis=2) - with_word[:, :, k]
            miss = (rest + 0.5) / ((of_all.sum(axis=1) - of_all[:, k])[:, None] + 1.0)
            weight = np.log(hit / miss)
            score = np.full(len(rows.y), np.nan)
            for fold in range(FOLDS):
                of_fold = rows.fold == fold
                score[of_fold] = self._found[of_fold] @ weight[fold]
            score[~self.known] = np.nan
            yield grouped(pd.Series(score))

    def certain_part(self) -> CertainPart | None:
        """Return the rows whose words are those of one class alone, in the other folds; None where there are none."""
        if self._found is None:
            return None
        rows = self._rows
        counts = self._counts()
        sure = certain_cells(counts.sum(axis=0) - counts)
        parts = []
        for k in range(rows.n_classes):
            inside = np.zeros(len(rows.y), dtype=np.bool_)
            for fold in range(FOLDS):
                of_fold = rows.fold == fold
                inside[of_fold] = self._found[of_fold] @ sure[fold, :, k].astype(np.float64) > 0
            often = counts.sum(axis=0)[:, k] * sure[:, :, k].all(axis=0)
            best = np.argsort(-often, kind="stable")[:3]
            parts.append(judged_part(inside, k, rows, tuple(repr(self.words[j]) for j in best if often[j])))
        return strongest(parts)

    def _counts(self) -> Any:
        """Return the rows with each word, by fold and class; shape (n_folds, n_words, n_classes)."""
        rows, found = self._rows, self._found
        assert found is not None
        cells = [
            [np.asarray(found[(rows.fold == fold) & (rows.y == k)].sum(axis=0)).ravel() for k in range(rows.n_classes)]
            for fold in range(FOLDS)
        ]
        return np.array(cells, dtype=np.float64).transpose(0, 2, 1)
