"""Whether a model knows anything: whether it beats the shares of the classes on rows that it has not seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike

from cxml.predictive.measures import row_losses

if TYPE_CHECKING:
    from cxml.predictive.evaluation import HeldOut

CONFIDENCE: Final = 0.99
"""One-sided: of a hundred labels without a signal, one at most is taken for one by chance."""
# A bound from fewer customers than this, or fewer of any class that came true, rests on their few values.
_MIN_CUSTOMERS: Final = 20


@dataclass(frozen=True)
class Verdict:
    """Whether a model beats the base rate by more than chance, and in words why or why not.

    ``gain`` is the mean log loss of the base rate less that of the model, on ``n_rows`` unseen rows of ``n_customers``;
    ``low`` its lower bound (one-sided 99%, customers independent); ``has_signal`` is ``low > 0``.
    """

    has_signal: bool
    log_loss: float
    base_log_loss: float
    gain: float
    low: float
    n_rows: int
    n_customers: int

    def __str__(self) -> str:
        figures = (
            f"log loss {self.log_loss:.4f}, base rate {self.base_log_loss:.4f}: {self.gain:+.4f} better, at least "
            f"{self.low:+.4f} with {CONFIDENCE:.0%} confidence ({self.n_rows:,} rows of {self.n_customers:,} customers)"
        )
        if self.has_signal:
            return f"signal: {figures}"
        return (
            f"no signal: {figures}. The model knows no more than the shares of the classes: do not act on it. "
            f"Bring more labelled rows, or features that were known before the outcome."
        )

    def to_json(self) -> dict[str, Any]:
        """Return the figures and the words as JSON can hold them."""
        return {**asdict(self), "words": str(self)}


def verdict(held_out: HeldOut, base: ArrayLike) -> Verdict:
    """Return whether predictions of unseen rows beat the base rate by more than chance.

    The losses are compared row by row; the differences of a customer's rows are added up before their spread is taken,
    and the bound is Student's with as many degrees of freedom as there are customers, less one.

    Parameters
    ----------
    held_out : customers, classes that came true, probabilities and weights of rows that the model has not seen
    base : array of shape (n_classes,), the shares of the classes in training

    Returns
    -------
    Verdict
    """
    from scipy.stats import t

    prior = np.tile(np.asarray(base, dtype=np.float64), (len(held_out.classes), 1))
    model, without = row_losses(held_out.classes, held_out.p), row_losses(held_out.classes, prior)
    gain = without - model
    weight = np.ones(len(gain)) if held_out.weight is None else held_out.weight
    _, who = np.unique(np.asarray(held_out.customers), return_inverse=True)
    n_customers = int(who.max()) + 1
    value = float(np.average(gain, weights=weight))
    sums = np.bincount(who, weight * (gain - value))
    spread = float(np.sqrt((sums**2).sum() * n_customers / max(n_customers - 1, 1)) / weight.sum())
    low = value - float(t.ppf(CONFIDENCE, max(n_customers - 1, 1))) * spread
    enough = n_customers >= _MIN_CUSTOMERS
    loss, base_loss = (float(np.average(of, weights=weight)) for of in (model, without))
    return Verdict(bool(enough and low > 0), loss, base_loss, value, low, len(gain), n_customers)
