"""Pictures of a scored company: each function takes frames and returns a matplotlib figure; it writes nothing."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxml.errors import SchemaError
from cxml.report.panels import BLUE, GREY, LIGHT, VERMILLION, labelled_bars, side_by_side, titled
from cxml.report.summary import expected_losses, predicted_nps
from cxml.schema import columns as c
from cxml.schema.figures import Z_95

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CLASS_COLOURS: Final = ((VERMILLION, "white"), (LIGHT, "black"), (BLUE, "white"))

Array = NDArray[np.float64]


def nps_picture(
    predictions: pd.DataFrame, *, answers: pd.Series[str] | None = None, truth: pd.DataFrame | None = None
) -> Figure:
    """Return the NPS and its three classes for all customers, beside those who answered.

    Parameters
    ----------
    predictions : PREDICTIONS frame
        The bar of all customers is the mean of their probabilities: how many would answer what, if all did.
    answers : Series of NPS classes, optional
        What was answered, as `cxml.nps_class` gives it. Its interval is Wald's, that of a random sample.
    truth : DataFrame with the probabilities of the three classes, optional
        Of a simulated company, where they are known.

    Raises
    ------
    SchemaError
        If no NPS class is predicted.
    """
    known = _known(predictions, c.P_DETRACTOR, "nps")
    predicted = predicted_nps(known)
    assert predicted is not None  # `_known` would have raised
    labels, shares = [f"all {len(known):,} customers,\npredicted"], [known[list(c.P_NPS)].to_numpy().mean(axis=0)]
    halves, title = [predicted.high - predicted.value], f"All customers would give an NPS of {predicted.value:+.1f}"
    if answers is not None:
        counts = answers.value_counts().reindex(list(c.NPS_CLASSES), fill_value=0).to_numpy(dtype=np.float64)
        d, _, p = share = counts / counts.sum()
        labels, shares = [f"{counts.sum():,.0f} answers", *labels], [share, *shares]
        halves = [100 * Z_95 * sqrt((p + d - (p - d) ** 2) / counts.sum()), *halves]
        title = f"Those who answered gave an NPS of {100 * (p - d):+.1f}; all would give {predicted.value:+.1f}"
    if truth is not None:
        labels.append(f"all {len(truth):,} customers,\ntrue")
        shares.append(truth[list(c.P_NPS)].to_numpy().mean(axis=0))
        halves.append(0)
        title += f"; the truth is {100 * (shares[-1][2] - shares[-1][0]):+.1f}"

    figure, (left, right) = side_by_side(2, height=1.3 + 0.6 * len(labels))
    of_class = np.array(shares).T
    for k, (colour, ink) in enumerate(_CLASS_COLOURS):
        begin = of_class[:k].sum(axis=0)
        bars = left.barh(labels, of_class[k], left=begin, height=0.6, color=colour, label=c.NPS_CLASSES[k])
        left.bar_label(bars, [f"{share:.0%}" for share in of_class[k]], label_type="center", color=ink)
    left.invert_yaxis()
    left.set(xlim=(0, 1), xlabel="share of the group")
    left.xaxis.set_major_formatter("{x:.0%}")
    left.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1), frameon=False, borderpad=0)
    value = 100 * (of_class[2] - of_class[0])
    right.errorbar(value, labels, xerr=halves, fmt="o", color="black", capsize=4)
    for row, points in enumerate(value):
        right.annotate(f"{points:+.1f}", (points, row), (0, 8), textcoords="offset points", ha="center")
    right.axvline(0, color=LIGHT, zorder=0)
    right.margins(x=0.15, y=0.3)
    right.set_xlabel("NPS (points, with 95% interval)")
    return titled(figure, title)


def renewal_risk_picture(predictions: pd.DataFrame) -> Figure:
    """Return how many customers of a PREDICTIONS frame have which renewal risk, in steps of 5 points.

    Raises
    ------
    SchemaError
        If no renewal risk is predicted.
    """
    risk = _known(predictions, c.RENEWAL_RISK, "renewal")[c.RENEWAL_RISK].to_numpy(dtype=np.float64)
    figure, (axes,) = side_by_side(1)
    for bar in _histogram(axes, risk, 1.0)[10:]:
        bar.set_facecolor(VERMILLION)
    axes.axvline(risk.mean(), color="black", linestyle="--", label=f"mean {risk.mean():.1%}")
    axes.set(xlim=(0, 1), xlabel="renewal risk: P(no renewal within the horizon)", ylabel="customers")
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.legend(frameon=False)
    losses = expected_losses(predictions)
    assert losses is not None  # `_known` would have raised
    likely = f"{losses.n_likely:,} are more likely to go than to stay"
    return titled(figure, f"{losses};\n{likely}")


def health_picture(predictions: pd.DataFrame) -> Figure:
    """Return how many customers of a PREDICTIONS frame have which health, in steps of 5 points."""
    health = _known(predictions, c.HEALTH, "nps or renewal")[c.HEALTH].to_numpy(dtype=np.float64)
    figure, (axes,) = side_by_side(1)
    _histogram(axes, health, 100.0)
    low, middle, high = np.quantile(health, [0.1, 0.5, 0.9])
    for value, style, label in ((low, ":", "a tenth below"), (middle, "--", "median"), (high, "-.", "a tenth above")):
        axes.axvline(value, color="black", linestyle=style, label=f"{label} {value:.0f}")
    axes.set(xlim=(0, 100), xlabel="health (0-100)", ylabel="customers")
    axes.legend(frameon=False)
    return titled(figure, f"Half of {len(health):,} customers have a health of {middle:.0f} or more")


def calibration_picture(
    p: ArrayLike, came_true: ArrayLike, *, event: str, customers: ArrayLike | None = None, n_bins: int = 10
) -> Figure:
    """Return how often an event came true among rows that were given about the same probability.

    Parameters
    ----------
    p : array of shape (n_rows,)
        Probabilities that a model gave to rows which it has not seen.
    came_true : array of shape (n_rows,), 0 or 1
    event : what came true, such as "not renewed"
    customers : array of shape (n_rows,), optional
        The customer of each row. The rows of one customer share their fate, so a bin counts as
        (sum of m)^2 / (sum of m^2) rows, where m are the rows of each customer in it (Kish, "Survey Sampling", 1965).
    n_bins : bins of about the same number of rows
    """
    given, seen = np.asarray(p, dtype=np.float64), np.asarray(came_true, dtype=np.float64)
    who = np.arange(len(given)) if customers is None else np.unique(np.asarray(customers), return_inverse=True)[1]
    edges = np.unique(np.quantile(given, np.linspace(0, 1, n_bins + 1)))
    bins = np.searchsorted(edges[1:-1], given, side="right")
    points = np.array([_observed(given[bins == k], seen[bins == k], who[bins == k]) for k in np.unique(bins)])
    predicted, observed, low, high = points.T
    inside = int(((low <= predicted) & (predicted <= high)).sum())
    figure, (axes,) = side_by_side(1, width=5.5, height=5)
    axes.axline((0, 0), slope=1, color=GREY, linestyle="--", label="as predicted")
    errors, label = abs(points.T[2:] - observed), "came true (95% interval)"
    axes.errorbar(predicted, observed, yerr=errors, fmt="o", color=BLUE, capsize=3, label=label)
    most = min(1.0, 1.05 * points.max())
    axes.set(xlim=(0, most), ylim=(0, most), xlabel=f"predicted: P({event})", ylabel=f"observed: share {event}")
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.legend(frameon=False, loc="upper left")
    return titled(figure, f"In {inside} of {len(points)} bins the prediction is within chance\nof what came true")


def actions_picture(recommendations: pd.DataFrame, *, currency: str) -> Figure:
    """Return how many customers of a RECOMMENDATIONS frame get each action, what it costs and what it is worth."""
    rows = recommendations.assign(customers=1).groupby(c.ACTION)
    table = rows[["customers", c.HOLDOUT, c.COST, c.EXPECTED_VALUE]].sum()
    table = table.sort_values([c.EXPECTED_VALUE, "customers"], ascending=False).astype("float64")
    figure, panels = side_by_side(3, width=10, height=1.4 + 0.4 * len(table))
    shown = ("customers", BLUE), (f"cost ({currency})", GREY), (f"worth, net of cost ({currency})", BLUE)
    for axes, column, (what, colour) in zip(panels, ("customers", c.COST, c.EXPECTED_VALUE), shown, strict=True):
        labelled_bars(axes, list(table.index), table[column].to_numpy(), "{:,.0f}", [colour])
        axes.set_xlabel(what)
        axes.locator_params(axis="x", nbins=4)
        axes.xaxis.set_major_formatter("{x:,.0f}")
    if table[c.HOLDOUT].any():
        panels[0].barh(table.index, table[c.HOLDOUT], height=0.65, color=LIGHT, label="held out, to compare")
        panels[0].legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
    panels[0].invert_yaxis()
    reached, n = int((recommendations[c.ACTION] != c.NO_ACTION).sum()), len(recommendations)
    cost, worth = (f"{table[column].sum():,.0f} {currency}" for column in (c.COST, c.EXPECTED_VALUE))
    title = f"Actions for {reached:,} of {n:,} customers are worth {worth} more than the {cost} that they cost,"
    return titled(figure, f"{title}\nif their effects are those that the policy assumes")


def reasons_picture(customer: pd.Series[Any]) -> Figure:
    """Return what moved the health of one customer (a row of a PREDICTIONS frame) most, the strongest reason first.

    Raises
    ------
    SchemaError
        If the row has no reasons.
    """
    reasons: list[Any] = []
    while isinstance(customer.get(c.reason_columns(len(reasons) + 1)[0]), str):
        reasons.append(customer[list(c.reason_columns(len(reasons) + 1))])
    if not reasons:
        raise SchemaError("predictions: must have reasons; this row has none. Ask for them with `reasons=3`.")
    added = np.array([float(points) for _, _, points, _ in reasons])
    figure, (axes,) = side_by_side(1, height=1.5 + 0.4 * len(reasons))
    colours = [BLUE if points > 0 else VERMILLION for points in added]
    labelled_bars(axes, [f"{name} = {value}" for name, value, _, _ in reasons], added, "{:+.1f}", colours)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.invert_yaxis()
    axes.set_xlabel("points of health (above 0 raises it)")
    moved = "raised" if added[0] > 0 else "lowered"
    title = f"{customer[c.CUSTOMER_ID]}: health {customer[c.HEALTH]:.0f} of 100, {moved} most by"
    return titled(figure, f"{title}\n{reasons[0].iloc[3]}")


def _observed(p: Array, seen: Array, who: NDArray[np.intp]) -> tuple[float, float, float, float]:
    """Return the mean prediction of a bin, the share that came true, and its interval (Wilson, JASA 22, 1927)."""
    rows = np.bincount(who)
    n = rows.sum() ** 2 / (rows**2).sum()
    share = float(seen.mean())
    middle, shrink = share + Z_95**2 / (2 * n), 1 + Z_95**2 / n
    half = Z_95 * sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2))
    return float(p.mean()), share, max(middle - half, 0.0) / shrink, (middle + half) / shrink


def _known(predictions: pd.DataFrame, column: str, model: str) -> pd.DataFrame:
    known = predictions[predictions[column].notna()]
    if known.empty:
        raise SchemaError(f"predictions.{column}: must have a value; no row has one: there is no {model} model.")
    return known


def _histogram(axes: Axes, values: Array, top: float) -> Any:
    edges = np.linspace(0, top, 21)
    counts, _ = np.histogram(values, edges)
    return axes.bar(edges[:-1], counts, top / 20, align="edge", color=BLUE, edgecolor="white")
