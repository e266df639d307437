"""How good probabilities are: every measure that cxml prints, each with its source, its weights and its interval.

A measure takes the class that came true ``classes`` of shape (n_rows,), the probabilities ``p`` of shape (n_rows,
n_classes) and the weight of each row (n_rows,), which may be a case weight, a count of a resample, or their product.
"""

from cxml.predictive.measures.calibration_error import (
    N_BINS,
    Floor,
    customer_likeness,
    ece,
    ece_floor,
    equal_mass_bins,
    perfect_outcomes,
)
from cxml.predictive.measures.classes import confusion, macro_f1, nps_error, qwk
from cxml.predictive.measures.folds import fold_measured
from cxml.predictive.measures.gains import GainPoint, gain_points
from cxml.predictive.measures.intervals import (
    N_RESAMPLES,
    Measure,
    bootstrap_measure,
    effective_size,
    measured,
    resampled,
)
from cxml.predictive.measures.money import (
    absolute_error,
    money_measured,
    rank_correlation,
    squared_error,
    top_tenth,
    total_ratio,
)
from cxml.predictive.measures.one_class import ClassSkill, class_skills
from cxml.predictive.measures.probability import Array, Codes, brier, log_loss, row_losses, rps
from cxml.predictive.measures.profit import (
    BestContact,
    RetentionCosts,
    best_contact,
    empc,
    expected_profit,
    h_measure,
    profit_threshold,
    row_profits,
)
from cxml.predictive.measures.ranking import (
    GainCurve,
    auc,
    auc_ordinal,
    gain_curve,
    lift_at_10_percent,
    pr_auc,
    ranked_auc,
)

__all__ = [
    "N_BINS",
    "N_RESAMPLES",
    "Array",
    "BestContact",
    "ClassSkill",
    "Codes",
    "Floor",
    "GainCurve",
    "GainPoint",
    "Measure",
    "RetentionCosts",
    "absolute_error",
    "auc",
    "auc_ordinal",
    "best_contact",
    "bootstrap_measure",
    "brier",
    "class_skills",
    "confusion",
    "customer_likeness",
    "ece",
    "ece_floor",
    "effective_size",
    "empc",
    "equal_mass_bins",
    "expected_profit",
    "fold_measured",
    "gain_curve",
    "gain_points",
    "h_measure",
    "lift_at_10_percent",
    "log_loss",
    "macro_f1",
    "measured",
    "money_measured",
    "nps_error",
    "perfect_outcomes",
    "pr_auc",
    "profit_threshold",
    "qwk",
    "rank_correlation",
    "ranked_auc",
    "resampled",
    "row_losses",
    "row_profits",
    "rps",
    "squared_error",
    "top_tenth",
    "total_ratio",
]
