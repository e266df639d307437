"""Pictures of what a policy is worth: estimates with their intervals, value by the budget, effects by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxml.errors import SchemaError
from cxml.report.panels import BLUE, GREY, VERMILLION, side_by_side, titled
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_TITLES: Final = {"renewal": "customers who stay", "revenue": "revenue, {}", "net": "net of cost, {}", "nps": "NPS"}
_OWN: Final = "the policy"


def policy_values_picture(values: pd.DataFrame, *, currency: str, estimator: str = "dr") -> Figure:
    """Return what each policy is worth per decision, with 95% intervals; a panel for each outcome.

    Parameters
    ----------
    values : POLICY_VALUES frame
    currency : of money
    estimator : the one that is drawn; what was logged has one alone

    Raises
    ------
    SchemaError
        If there is nothing to draw.
    """
    outcomes = list(dict.fromkeys(values[c.OUTCOME]))
    if not outcomes:
        raise SchemaError("values: must have rows; there are none, for no policy could be valued.")
    figure, panels = side_by_side(len(outcomes), width=3 + 2.8 * len(outcomes), height=3.8)
    names = list(dict.fromkeys(values[c.POLICY]))[::-1]
    for axes, outcome in zip(panels, outcomes, strict=True):
        of = values[values[c.OUTCOME] == outcome]
        for place, name in enumerate(names):
            rows = of[of[c.POLICY] == name]
            rows = rows[rows[c.ESTIMATOR] == estimator] if (rows[c.ESTIMATOR] == estimator).any() else rows.iloc[:1]
            for value, low, high in rows[[c.VALUE, c.LOW, c.HIGH]].to_numpy():
                colour = VERMILLION if name == _OWN else BLUE
                axes.errorbar(value, place, xerr=[[value - low], [high - value]], fmt="o", color=colour, capsize=3)
        axes.set_title(_TITLES.get(outcome, outcome).format(currency), fontsize="small")
        axes.grid(axis="x", alpha=0.3)
    panels[0].set_yticks(range(len(names)), names)
    return titled(figure, "What each policy would have brought, per decision (95%)")


def value_curve_picture(curve: pd.DataFrame, *, currency: str) -> Figure:
    """Return what is expected to be earned against what may be spent, with the range of the effects behind it.

    Parameters
    ----------
    curve : VALUE_CURVE frame
    currency : of both axes
    """
    figure, (axes,) = side_by_side(1, width=6, height=3.8)
    budget = curve[c.BUDGET].to_numpy(np.float64)
    low, high = curve[c.EXPECTED_LOW].to_numpy(np.float64), curve[c.EXPECTED_HIGH].to_numpy(np.float64)
    axes.fill_between(budget, low, high, color=BLUE, alpha=0.15, linewidth=0)
    axes.plot(budget, curve[c.EXPECTED_VALUE], "o-", color=BLUE)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set(xlabel=f"budget, {currency}", ylabel=f"worth net of cost, {currency}")
    axes.grid(alpha=0.3)
    return titled(figure, "What a budget is worth")


def effect_groups_picture(
    groups: Sequence[tuple[float, float, float, float]], *, title: str, unit: str = "points of probability"
) -> Figure:
    """Return the effect that was measured in groups of customers against the one that was predicted of them.

    Parameters
    ----------
    groups : predicted effect, measured one, and the ends of its 95% interval, of each group
    title : of which action and outcome
    unit : of the effects
    """
    figure, (axes,) = side_by_side(1, width=5, height=3.8)
    predicted, measured, low, high = np.array(groups, dtype=np.float64).T
    axes.errorbar(predicted, measured, yerr=[measured - low, high - measured], fmt="o", color=BLUE, capsize=3)
    ends = [min(predicted.min(), 0.0), predicted.max()]
    axes.plot(ends, ends, color=GREY, linewidth=0.8, linestyle="--", label="as predicted")
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set(xlabel=f"predicted effect, {unit}", ylabel="measured effect (95%)")
    axes.legend(frameon=False)
    return titled(figure, title)


def monitoring_picture(monitored: Mapping[str, Any], *, currency: str) -> Figure:
    """Return what treated customers bring more than those held out, day after day, with the bounds for all days.

    Parameters
    ----------
    monitored : for each outcome, ``day`` (since 1970), ``estimate``, ``low`` and ``high``, arrays of shape (n_days,)
    currency : of money
    """
    figure, panels = side_by_side(len(monitored), width=2 + 4 * len(monitored), height=3.6)
    for axes, (outcome, watched) in zip(panels, monitored.items(), strict=True):
        days = watched.day.astype("datetime64[D]")
        told = np.isfinite(watched.low) & np.isfinite(watched.high)
        axes.fill_between(days[told], watched.low[told], watched.high[told], color=BLUE, alpha=0.15, linewidth=0)
        axes.plot(days[told], watched.estimate[told], color=BLUE)
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.set_title(_TITLES.get(outcome, outcome).format(currency), fontsize="small")
        axes.tick_params(axis="x", rotation=30)
    return titled(figure, "Treated more than held out, for each customer (95% on all days at once)")
