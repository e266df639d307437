"""Pictures of what a policy did: each function takes frames and returns a matplotlib figure; it writes nothing."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxml.errors import SchemaError
from cxml.report.panels import BLUE, GREY, LIGHT, VERMILLION, labelled_bars, side_by_side, titled
from cxml.report.policy_counts import action_mix, funnel_counts
from cxml.report.summary import customers
from cxml.schema import columns as c
from cxml.schema.allocated import Allocated
from cxml.schema.decided import STATES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Panels of more groups would be too narrow to read.
_MOST_GROUPS: Final = 8
_CHOSEN, _SKY = "#009E73", "#56B4E9"  # Okabe and Ito, as in `panels`
_OF_STATE: Final = dict(zip(STATES, (BLUE, LIGHT, LIGHT, VERMILLION), strict=True))
_WIDTH: Final = 105  # letters of a title over ten inches


def funnel_picture(recommendations: pd.DataFrame) -> Figure:
    """Return how many customers of a RECOMMENDATIONS frame are left at each stage of the policy.

    Those who were decided by worth are the funnel; held out and explored with stand beside them, as far as they are
    told of: see `cxml.report.policy_counts.funnel_counts`.
    """
    counts = funnel_counts(recommendations)
    figure, (axes,) = side_by_side(1, width=9, height=3.6)
    begin, told = np.zeros(len(counts)), [""] * len(counts)
    parts = (c.DECIDED, "decided by worth", BLUE), (c.EXPLORED, "explored with", _SKY), (c.HOLDOUT, "held out", LIGHT)
    for name, label, colour in parts:
        amount = counts[name].fillna(0).to_numpy(dtype=np.float64)  # of what is not told, there is no bar
        if amount.any():
            axes.barh(counts[c.STAGE], amount, left=begin, height=0.65, color=colour, label=label)
        begin += amount
        told = [
            f"{text} + {n:,.0f}" if text and n else text or f"{n:,.0f}" for text, n in zip(told, amount, strict=True)
        ]
    for place, (end, text) in enumerate(zip(begin, told, strict=True)):
        axes.annotate(text, (end, place), (4, 0), textcoords="offset points", va="center")
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("customers")
    axes.legend(frameon=False, loc="lower right")
    n, reached = len(recommendations), int(recommendations[c.CHANNEL].notna().sum())
    free, paid, room = (int(x) for x in counts[c.DECIDED].iloc[2:5])
    title = f"{reached:,} of {customers(n)} {'is' if reached == 1 else 'are'} contacted"
    return titled(
        figure,
        f"{title}; of those decided by worth, nothing was worth it for {free - paid:,},\n"
        f"and the limits had no room for {paid - room:,}",
    )


def action_mix_picture(recommendations: pd.DataFrame, features: pd.DataFrame, *, by: str) -> Figure:
    """Return which share of each group of customers gets each action, over each channel.

    Parameters
    ----------
    recommendations, features, by : as for `cxml.report.policy_counts.action_mix`
        The groups stand beside each other; who gets nothing is in the heading of each.

    Raises
    ------
    SchemaError
        If there is no such column, or it tells more than 8 groups.
    """
    mix = action_mix(recommendations, features, by=by)
    groups = sorted(mix[c.GROUP].unique())
    if not 1 <= len(groups) <= _MOST_GROUPS:
        raise SchemaError(
            f"features.{by}: must tell 1 to {_MOST_GROUPS} groups of the customers decided by worth, to stand beside "
            f"each other; it tells {len(groups):,}. Name a column with fewer."
        )
    acts = mix[mix[c.ACTION] != c.NO_ACTION]
    offers = acts.assign(offer=[_offer(*names) for names in zip(acts[c.ACTION], acts[c.CHANNEL], strict=True)])
    labels = list(offers.groupby("offer")[c.N].sum().sort_values(ascending=False, kind="stable").index)
    figure, beside = side_by_side(len(groups), width=2.5 + 2.2 * len(groups), height=1.6 + 0.35 * max(len(labels), 1))
    most = float(offers[c.SHARE].max()) if labels else 1.0
    for axes, group in zip(beside, groups, strict=True):
        share = offers[offers[c.GROUP] == group].set_index("offer")[c.SHARE].reindex(labels, fill_value=0.0)
        labelled_bars(axes, labels, share.to_numpy(dtype=np.float64), "{:.1%}", [BLUE])
        n = int(mix.loc[mix[c.GROUP] == group, c.N].sum())
        axes.set_title(f"{group}: {customers(n)},\n{share.sum():.0%} get an action", loc="left", fontsize="medium")
        axes.set_xlim(0, 1.35 * most)
        axes.xaxis.set_major_formatter("{x:.0%}")
        axes.locator_params(axis="x", nbins=4)
    beside[0].invert_yaxis()
    beside[0].set_xlabel(f"share of the {by}")
    return titled(figure, f"Who gets what, by {by}, of the customers who were decided by worth")


def shadow_prices_picture(allocated: Allocated, *, currency: str) -> Figure:
    """Return for each limit which share of it is used, and what more of it would be worth.

    Units differ from limit to limit, so the bars are of a hundredth more of each, which compare; behind each stands
    what one more unit would be worth. The unit of a fairness limit is a whole 1.0 of difference. Where the policy has
    weights, worth is what choices are ranked by, in which weights count.

    Raises
    ------
    SchemaError
        If there are no limits.
    """
    limits = allocated.limits
    if not limits:
        raise SchemaError("allocated: must have limits; there are none. Write some into `limits:` of the policy.")
    names = [limit.name for limit in limits]
    used = np.array([limit.used / limit.amount if limit.amount else 1.0 for limit in limits])
    more = np.array([limit.price * limit.amount / 100 for limit in limits])
    figure, (left, right) = side_by_side(2, width=10, height=1.8 + 0.4 * len(limits))
    is_short = [round(limit.price, 2) > 0 for limit in limits]
    colours = [VERMILLION if short else LIGHT for short in is_short]
    left.barh(names, used, height=0.65, color=colours)
    for place, limit in enumerate(limits):
        text = f"{limit.used:,.4g} of {limit.amount:,.4g}"
        left.annotate(text, (1, place), (6, 0), textcoords="offset points", va="center")
    left.axvline(1, color="black", linewidth=0.8)
    left.set(xlabel="share used", xlim=(0, 1.7))
    left.set_xticks([0, 0.5, 1])
    left.xaxis.set_major_formatter("{x:.0%}")
    labelled_bars(right, names, more, [f"one more: {limit.price:,.2f}" for limit in limits], colours)
    right.set_xlabel(f"worth of 1% more ({currency})")
    right.margins(x=0.6)
    right.set_xlim(left=0)
    left.invert_yaxis()
    short = sum(is_short)
    if not short:
        return titled(figure, "No limit is short: more of none would be worth anything")
    best = limits[int(more.argmax())]
    return titled(
        figure,
        f"{short} of {len(limits)} limits {'is' if short == 1 else 'are'} short; 1% more of {best.name} would be worth "
        f"most, {more.max():,.0f} {currency}.\nAll choices together are proven to be "
        f"within {allocated.gap:.2%} of the best there are",
    )


def decision_picture(recommendation: pd.Series[Any], *, currency: str) -> Figure:
    """Return the decision for one customer traced: what every option was to the customer, and what decided.

    Parameters
    ----------
    recommendation : a row of a RECOMMENDATIONS frame
    currency : of the expected value; also of priority and margin, but for the weights of the policy
    """
    from matplotlib.figure import Figure as Canvas

    why = json.loads(recommendation[c.WHY])
    action, channel = recommendation[c.ACTION], recommendation[c.CHANNEL]
    channel = channel if isinstance(channel, str) else None
    chosen = f"{action}/{channel}" if f"{action}/{channel}" in why["fired"] else action
    rows = [(option, "could be chosen", BLUE) for option in (*why["fired"], c.NO_ACTION) if option != chosen]
    rows.insert(0, (chosen, "chosen", _CHOSEN))
    for state in reversed(STATES[1:]):
        rows += [
            (option, f"{state.replace('_', ' ')}: {what}", _OF_STATE[state]) for option, what in why[state].items()
        ]
    second = recommendation[c.RUNNER_UP]
    rows = [(name, f"{what}, runner-up" if name == second else what, colour) for name, what, colour in rows]
    canvas = Canvas(figsize=(10, 2.6 + 0.3 * len(rows)), layout="constrained")
    left, right = canvas.subplots(1, 2, width_ratios=(3, 2))
    _options(left, rows)
    _worth(right, recommendation, currency)
    moment = "" if channel is None else f" by {channel}, {recommendation[c.CONTACT_TIME]:%Y-%m-%d}"
    title = f"{recommendation[c.CUSTOMER_ID]}: {action}{moment}\nbecause: {recommendation[c.RULE]}"
    change = recommendation[c.SMALLEST_CHANGE]
    if isinstance(change, str):
        told = f"The smallest change that would alter it: {change}"
    elif recommendation[c.HOLDOUT] or recommendation[c.EXPLORED]:
        told = "Chance decided, so that no change of a value would alter it."
    else:
        told = "No single value that was tried would alter it."
    canvas.supxlabel(told, x=0.01, ha="left", fontsize="medium")
    return titled(canvas, "\n".join(textwrap.fill(line, _WIDTH) for line in title.split("\n")))


def _options(axes: Axes, rows: list[tuple[str, str, str]]) -> None:
    """Draw a square of its state for each option, and what stands for or against it behind."""
    for place, (_, what, colour) in enumerate(rows):
        axes.plot(0, place, "s", color=colour, markersize=11)
        axes.annotate(what, (0, place), (12, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    axes.set(xlim=(-0.05, 1), xticks=[], ylim=(len(rows) - 0.5, -0.5))
    axes.spines[:].set_visible(False)
    axes.tick_params(left=False)


def _worth(axes: Axes, recommendation: pd.Series[Any], currency: str) -> None:
    """Draw what the choice was ranked by, by how much it is ahead, and what it is expected to bring."""
    value, low, high, priority, margin = (
        float(recommendation[name])
        for name in (c.EXPECTED_VALUE, c.EXPECTED_LOW, c.EXPECTED_HIGH, c.PRIORITY, c.MARGIN)
    )
    bars = [("priority", priority, f"{priority:,.2f}", _CHOSEN)]
    if margin == margin:  # of what chance decided there is none
        bars.append(("margin to runner-up", margin, f"{margin:,.2f}", GREY))
    bars.append(("expected value", value, f"{value:,.2f} [{low:,.2f}, {high:,.2f}]", _SKY))
    labels, amounts, texts, colours = zip(*bars, strict=True)
    axes.barh(labels, amounts, height=0.5, color=colours)
    axes.errorbar(value, len(bars) - 1, xerr=[[value - low], [high - value]], color="black", capsize=4)
    for place, text in enumerate(texts):
        end = max(amounts[place], high if place == len(bars) - 1 else 0.0, 0.0)
        axes.annotate(text, (end, place), (6, 0), textcoords="offset points", va="center")
    axes.axvline(0, color="black", linewidth=0.8)
    most, least = max(*amounts, high, 0.0), min(*amounts, low, 0.0)
    axes.set_xlim(least - 0.1 * (most - least), most + 0.8 * (most - least) or 1.0)
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.set_xlabel(currency)
    axes.locator_params(axis="x", nbins=4)
    axes.spines[["top", "right"]].set_visible(False)


def _offer(action: str, channel: Any) -> str:
    return f"{action}/{channel}" if isinstance(channel, str) else action
