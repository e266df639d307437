"""How good a model is, as text that a manager can read: every figure with its interval and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from cxml.report.aligned_text import aligned
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

_WIDTH: Final = 100
_MOST_LEVELS: Final = 8
"""Groups of a factor that are listed one by one; of more, those that are outside, under a line on all of them."""
_FOLDS: Final = "mean over held-out folds, as often published"
_SAYS: Final = {
    "auc": "pairs ranked in order; 0.5 is chance",
    "auc_ordinal": "mean over the steps of the scale; 0.5 is chance",
    "log_loss": "below base_log_loss, or it has learnt nothing",
    "brier": "squared error of the probability",
    "rps": "squared error over the steps of the scale",
    "pr_auc": "mean precision; by chance the share of them",
    "lift_at_10_percent": "times the share of all, in the top tenth",
    "empc": "maximum profit of contacting, a customer",
    "h_measure": "loss saved of knowing nothing; 1 is perfect",
    "qwk": "agreement beyond chance; 1 is perfect",
    "macro_f1": "of the most probable class; 1 is perfect",
    "nps_error": "points: predicted minus answered NPS",
    "ece": "distance of what was said from what came true",
    "ece_floor": "the same of perfect models: mean, 5% and 95%",
    "base_log_loss": "of knowing the base rate alone",
    "mae": "mean absolute error, in money a customer",
    "rmse": "root of the mean squared error, in money",
    "total_ratio": "all that was expected / all that came",
    "spearman": "rank correlation; 0 is chance",
    "top_tenth": "share of the money in the highest tenth",
    "base_mae": "of expecting the mean of everybody",
    "base_rmse": "of expecting the mean of everybody",
    "auc_folds": _FOLDS,
    "lift_at_10_percent_folds": _FOLDS,
    "empc_folds": _FOLDS,
}
_CHOSEN_BY: Final = {
    "costs": "by the costs",
    "half": "half, a usual default",
    "everyone": "contact everyone",
    "hindsight": "in hindsight: flatters",
}


@dataclass(frozen=True)
class ContactCosts:
    """What contacting a customer at risk costs and earns; ``accepted`` is the share of them who take the offer.

    ``published`` says that they are the example of Verbraken et al., 2013, and not the company's own.
    """

    clv: float
    offer: float
    contact: float
    accepted: float
    currency: str
    published: bool

    def __str__(self) -> str:
        said = (
            f"a customer who stays is worth {self.clv:,.2f} {self.currency}, the offer costs {self.offer:,.2f}, a "
            f"contact {self.contact:,.2f}; {self.accepted:.0%} of those at risk take the offer"
        )
        return f"{said} (a published example: give `costs:` of your own)" if self.published else said


def model_text(
    name: str,
    how: str,
    *,
    measures: pd.DataFrame,
    classes: pd.DataFrame,
    confusions: pd.DataFrame,
    reliability: pd.DataFrame,
    gains: pd.DataFrame,
    calibrations: pd.DataFrame,
    thresholds: pd.DataFrame,
    costs: ContactCosts | None = None,
) -> str:
    """Return the report on one model.

    Parameters
    ----------
    name : of the model
    how : which rows it learnt from and which it was judged on
    measures, classes, confusions, reliability, gains, calibrations, thresholds : its rows of the frames of
        `cxml.pipeline.evaluating.Evaluated`
    costs : those behind ``thresholds``; without them nothing is said of thresholds
    """
    lines = [f"{name}: {how}", "", *_measures(measures), "", *_classes(classes, confusions), "", *_gains(gains)]
    lines += ["", *_reliability(reliability), "", *_calibrations(calibrations)]
    if costs is not None and len(thresholds):
        lines += ["", *_thresholds(thresholds, costs)]
    return "\n".join(lines)


def amounts_text(name: str, how: str, measures: pd.DataFrame) -> str:
    """Return the report on a model of money; parameters as for `model_text`."""
    return "\n".join([f"{name}: {how}", "", *_measures(measures)])


def _measures(measures: pd.DataFrame) -> list[str]:
    says = max(map(len, _SAYS.values()))
    lines = [["measure", "value", "95% interval", ""]]
    for row in _rows(measures):
        lines.append(
            [row.measure, _number(row.value), _interval(row.low, row.high), _SAYS.get(row.measure, "").ljust(says)]
        )
    return _indented(aligned(lines, left=1))


def _classes(classes: pd.DataFrame, confusions: pd.DataFrame) -> list[str]:
    names = list(dict.fromkeys(confusions[c.CLASS]))
    skill = classes.set_index(c.CLASS)
    table = confusions.set_index([c.CLASS, c.NAMED])[c.N]
    lines = [["class", "rows", *(f"as {name}" for name in names), "said", "share", "AUC", "95% interval"]]
    for name in names:
        named = [f"{table[name, other]:,.0f}" for other in names]
        rows = f"{sum(table[name, other] for other in names):,.0f}"
        of: list[str] = [""] * 4
        if name in skill.index:
            row = skill.loc[name]
            of = [
                f"{row[c.PREDICTED]:.1%}",
                f"{row[c.OBSERVED]:.1%}",
                _number(row[c.AUC]),
                _interval(row[c.LOW], row[c.HIGH]),
            ]
        lines.append([name, rows, *named, *of])
    note = "As: the class that was most probable. Said: the mean probability. AUC: the class against the rest."
    return [*_indented(aligned(lines, left=1)), *_paragraph(note)]


def _gains(gains: pd.DataFrame) -> Iterator[str]:
    for head, curve in gains.groupby(c.HEAD, sort=False):
        at = [row for row in _rows(curve) if any(abs(row.contacted - share) < 1e-9 for share in (0.1, 0.2, 0.5))]
        found = ", ".join(f"{row.contacted:.0%}: {row.found:.1%} [{row.low:.1%}, {row.high:.1%}]" for row in at)
        yield from _paragraph(f"{head}: share of them found among the customers with the highest probability, {found}")


def _reliability(reliability: pd.DataFrame) -> Iterator[str]:
    lines = [["said and came true", "rows", "said", "came true", "95% interval", "ECE", "floor", "limit", ""]]
    for head, of_head in reliability.groupby(c.HEAD, sort=False):
        for by, groups in of_head.groupby(c.BY, sort=False):
            shown = groups
            if len(groups) > _MOST_LEVELS:
                shown = groups[~groups[c.INSIDE]]
                inside = f"{len(groups) - len(shown)} inside"
                lines.append([f"  {by}: {len(groups)} groups", f"{groups[c.N].sum():,.0f}", *[""] * 6, inside])
            for row in _rows(shown):
                name = str(head) if by == "all" else f"  {by} {row.group}"
                said = [f"{row.predicted:.1%}", f"{row.observed:.1%}", f"[{row.low:.1%}, {row.high:.1%}]"]
                errors = [f"{value:.4f}" for value in (row.ece, row.floor, row.limit)]
                lines.append([name, f"{row.n:,.0f}", *said, *errors, "inside" if row.inside else "OUTSIDE"])
    yield from _indented(aligned(lines, left=1))
    for head, of_head in reliability.groupby(c.HEAD, sort=False):
        yield from _paragraph(_verdict(str(head), list(_rows(of_head))))


def _verdict(head: str, rows: Sequence[Any]) -> str:
    overall, groups = rows[0], rows[1:]
    true = "its probabilities mean what they say" if overall.inside else "its probabilities are off by more than chance"
    said = (
        f"{head}: {true} (ECE {overall.ece:.4f}; perfectly calibrated models show {overall.floor:.4f} on average, and "
        f"less than {overall.limit:.4f} in 95 of 100 cases)"
    )
    if not groups:
        return f"{said}."
    outside = sorted((row for row in groups if not row.inside), key=lambda row: row.limit - row.ece)
    kinds = ", ".join(dict.fromkeys(row.by for row in groups))
    said += f"; inside in {len(groups) - len(outside)} of {len(groups)} groups by {kinds}"
    if not outside:
        return f"{said}."
    named = (f"{row.by} {row.group} ({row.predicted:.1%} said, {row.observed:.1%} came true)" for row in outside)
    return f"{said}. Outside: {', '.join(named)}."


def _calibrations(calibrations: pd.DataFrame) -> Iterator[str]:
    for head, tried in calibrations.groupby(c.HEAD, sort=False):
        (chosen,) = _rows(tried[tried[c.CHOSEN]])
        others = [row for row in _rows(tried) if row.calibration != "temperature"]
        gains = ", ".join(f"{row.calibration} {row.gain:+.4f} [{row.low:+.4f}, {row.high:+.4f}]" for row in others)
        why = "the only one tried: too few rows for another"
        if others and chosen.calibration == "temperature":
            why = "no other lowers it beyond chance"
        elif others:
            why = "the lowest of those that beat temperature beyond chance"
        said = f"{head}: calibrated by {chosen.calibration}, log loss {chosen.log_loss:.4f} on unseen customers, {why}"
        yield from _paragraph(f"{said}. Gain on temperature: {gains}." if gains else f"{said}.")


def _thresholds(thresholds: pd.DataFrame, costs: ContactCosts) -> Iterator[str]:
    yield from _paragraph(f"Costs decide whom to contact, not the model: {costs}.")
    lines = [["contact from", "", "contacted", "of the lost", "profit a customer", "95% interval"]]
    for row in _rows(thresholds):
        at = f"{row.threshold:.3f}" if isfinite(row.threshold) else "nobody"
        shares = [f"{row.contacted:.1%}", f"{row.found:.1%}"]
        interval = f"[{row.low:,.2f}, {row.high:,.2f}]"
        lines.append([at, _CHOSEN_BY[row.chosen_by], *shares, f"{row.profit:,.2f}", interval])
    yield from _indented(aligned(lines, left=2))


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    yield from frame.itertuples(index=False)


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 1 else f"{value:.3f}"


def _interval(low: float, high: float) -> str:
    return f"[{_number(low)}, {_number(high)}]"


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _paragraph(text: str) -> list[str]:
    return wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ")
