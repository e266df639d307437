"""A model trained and judged on what it has not seen: on the future where there is time, else on held-out customers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cxml.errors import TrainingError
from cxml.predictive.measures import Measure, RetentionCosts, effective_size, fold_measured, measured
from cxml.predictive.ordinal import OrdinalClassifier
from cxml.predictive.splits import FutureSplit, Rows, customer_folds, later_folds
from cxml.predictive.verdict import Verdict, verdict

if TYPE_CHECKING:
    import pandas as pd

FOLDS, REPEATS = 5, 2
_ARRAYS = ("moments", "known", "scores", "weight")


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows whose outcome is known, to learn from and to be judged on.

    ``X`` has shape (n_rows, n_features), everything else (n_rows,): the labels, the customer of each row, its ``as_of``
    and when its outcome became known, the answer behind the class (such as 0-10), and for how many customers the row
    speaks. What is None is not there: no time in a snapshot, weights of 1.
    """

    X: pd.DataFrame
    y: pd.Series[Any]
    customers: pd.Series[str]
    moments: NDArray[np.datetime64] | None = None
    known: NDArray[np.datetime64] | None = None
    scores: NDArray[np.float64] | None = None
    weight: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_effective(self) -> float | None:
        """Of how many rows of equal weight these know as much; None where all weigh the same."""
        if self.weight is None or (self.weight == self.weight[0]).all():
            return None
        return effective_size(self.weight)

    def taken(self, rows: Rows) -> Examples:
        """Return some of the rows."""
        arrays: dict[str, NDArray[Any]] = {
            name: values[rows] for name in _ARRAYS if (values := getattr(self, name)) is not None
        }
        return Examples(self.X.iloc[rows], self.y.iloc[rows], self.customers.iloc[rows], **arrays)

    def fit(self, model: OrdinalClassifier) -> None:
        """Fit a model; where the rows have times, its numbers of trees are found on later rows."""
        later: list[tuple[Rows, Rows]] = []
        if self.moments is not None and self.known is not None:
            later = later_folds(self.moments, self.known, model.class_codes(self.y), n_folds=model.n_folds)
        model.fit(
            self.X, self.y, groups=self.customers, sample_weight=self.weight, scores=self.scores, later=tuple(later)
        )

    def refit(self, model: OrdinalClassifier) -> None:
        """Fit a model's members again, keeping all that was found."""
        model.refit(self.X, self.y, sample_weight=self.weight, scores=self.scores)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What a model said of rows that it had not seen, and what came true, for pictures and measures of one's own.

    ``rows`` are positions in the examples; ``customers`` and ``classes`` (index of the class that came true) have shape
    (n_rows,), ``p`` (n_rows, n_classes), ``weight`` (n_rows,) or None for weights of 1. Where each row was predicted in
    several repeats, ``p`` is their mean, ``p_repeats`` (n_rows, n_classes, n_repeats) what each said, and ``folds``
    (n_rows, n_repeats) the fold that the row was held out in.
    """

    customers: NDArray[Any]
    classes: NDArray[np.intp]
    p: NDArray[np.float64]
    rows: Rows
    weight: NDArray[np.float64] | None = None
    p_repeats: NDArray[np.float64] | None = None
    folds: NDArray[np.intp] | None = None

    @property
    def p_each(self) -> NDArray[np.float64]:
        """What each repeat said, (n_rows, n_classes, n_repeats); of one repeat where there were none."""
        return self.p[:, :, None] if self.p_repeats is None else self.p_repeats


@dataclass(frozen=True)
class Evaluation:
    """How a model did on rows that it had not seen, and which rows those were.

    ``n_effective`` is of how many rows of equal weight the weighted rows to learn from know as much
    (`cxml.predictive.measures.effective_size`); None where all weigh the same.
    """

    how: str
    n_train: int
    n_test: int
    measures: tuple[Measure, ...]
    held_out: HeldOut | None = field(default=None, repr=False, compare=False)
    verdict: Verdict | None = None
    n_effective: float | None = None

    @property
    def by_name(self) -> dict[str, Measure]:
        """The measures by their name."""
        return {measure.name: measure for measure in self.measures}

    def to_json(self) -> dict[str, Any]:
        """Return the figures, without the rows, as JSON can hold them."""
        figures = [asdict(measure) for measure in self.measures]
        verdict = self.verdict.to_json() if self.verdict else None
        return {
            "how": self.how, "n_train": self.n_train, "n_test": self.n_test, "measures": figures, "verdict": verdict,
        }  # fmt: skip


def future_evaluation(
    model: OrdinalClassifier, examples: Examples, split: FutureSplit, *, costs: RetentionCosts | None = None
) -> Evaluation:
    """Fit a model on the past, judge it on the future, then refit it on every row.

    Parameters
    ----------
    model : fitted in place
    examples : Examples
    split : which rows are the past and which the future
    costs : what `empc` reckons with; that of its paper where it is not given

    Returns
    -------
    Evaluation
        Of the model that knew the past only.

    Raises
    ------
    TrainingError
        If the past or the future is of one class only.
    """
    parted(examples.y, split)
    past, future = examples.taken(split.train), examples.taken(split.test)
    past.fit(model)
    p = model.predict_proba(future.X)
    held_out = HeldOut(future.customers.to_numpy(), model.class_codes(future.y), p, split.test, future.weight)
    base = class_shares(model, past.y, past.weight)
    measures = measured(
        held_out.classes,
        p,
        held_out.customers,
        base=base,
        weight=future.weight,
        costs=costs,
        random_state=model.random_state,
    )
    examples.refit(model)
    return Evaluation(
        how_judged(split), len(past), len(future), measures, held_out, verdict(held_out, base), past.n_effective
    )


def parted(y: pd.Series[Any], split: FutureSplit) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Return the labels of the past and of the future, or raise `TrainingError` where the future is of one class."""
    past, future = y.iloc[split.train], y.iloc[split.test]
    if future.nunique() < 2:
        raise TrainingError(
            f"the {len(future):,} labelled rows from {str(split.cutoff)[:10]} on are all {future.tolist()[0]!r}: "
            f"they cannot tell a good model from a bad one. Bring a longer history, or raise `models.test_share`."
        )
    return past, future


def folds_evaluation(
    model: OrdinalClassifier, examples: Examples, *, repeats: int = REPEATS, costs: RetentionCosts | None = None
) -> Evaluation:
    """Judge a model on held-out customers in repeated stratified 5-fold cross-validation, then fit it on every row.

    For a snapshot, which has no future to be judged on. Parameters and result are those of `future_evaluation`; each
    measure is the mean over the ``repeats``, and those of `cxml.predictive.measures.fold_measured` stand beside them.
    """
    codes = model.class_codes(examples.y)
    classes = np.unique(codes) if model.ordered_classes is None else model.ordered_classes
    p = np.empty((len(examples), len(classes), repeats))
    folds = np.empty((len(examples), repeats), dtype=np.intp)
    for repeat in range(repeats):
        seed = model.random_state + repeat
        parts = customer_folds(codes, examples.customers, n_folds=FOLDS, random_state=seed)
        for fold, (train, test) in enumerate(parts):
            examples.taken(train).fit(model)
            p[test, :, repeat] = model.predict_proba(examples.X.iloc[test])
            folds[test, repeat] = fold
    base, seed = class_shares(model, examples.y, examples.weight), model.random_state
    who, weight = examples.customers.to_numpy(), examples.weight
    measures = (
        *measured(codes, p, who, base=base, weight=weight, costs=costs, random_state=seed),
        *fold_measured(codes, p, who, folds, weight=weight, costs=costs, random_state=seed),
    )
    examples.fit(model)
    n_train = len(examples) * (FOLDS - 1) // FOLDS
    held_out = HeldOut(who, codes, p.mean(axis=2), np.arange(len(examples)), weight, p, folds)
    found = verdict(held_out, base)
    return Evaluation(
        how_judged(None, repeats), n_train, len(examples), measures, held_out, found, examples.n_effective
    )


def how_judged(split: FutureSplit | None, repeats: int = REPEATS) -> str:
    """Return in words which rows a model is judged on."""
    if split is None:
        return f"held-out customers, {repeats} x stratified {FOLDS}-fold"
    return f"rows from {str(split.cutoff)[:10]} on, not seen in training"


def class_shares(
    model: OrdinalClassifier, y: pd.Series[Any], weight: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return the share of each class; what a model says that knows nothing of a customer."""
    codes = model.class_codes(y)
    counts = np.bincount(codes, weights=weight, minlength=len(model.classes_))
    return np.asarray(counts / counts.sum())
