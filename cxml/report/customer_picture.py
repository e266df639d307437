"""One customer's health over time as a picture: a function of a frame that returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from cxml.errors import SchemaError
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# Okabe and Ito, "Color Universal Design", 2008: the colour-blind tell these apart too.
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_GREY, _LIGHT = "#767676", "#D0D0D0"


def health_over_time_picture(items: pd.DataFrame, labels: Mapping[str, str]) -> Figure:
    """Return the health of one customer at each moment, and below it the items that raise and lower it.

    Parameters
    ----------
    items : HEALTH_ITEMS frame of one customer, such as ``CustomerStory.health``
        The six items that moved it most have a colour each; the others are one.
    labels : what to call each item, such as ``CustomerStory.labels``

    Raises
    ------
    SchemaError
        If the frame is of several customers, or health is known at no moment.
    """
    from matplotlib.figure import Figure as Canvas

    customers = items[c.CUSTOMER_ID].unique()
    known = items[items[c.POINTS].notna()]
    if len(customers) != 1 or known.empty:
        raise SchemaError(
            f"health_items: must be of one customer whose health is known; it is of {len(customers):,}, and known in "
            f"{len(known):,} of {len(items):,} rows. Take the `health` of one customer's story."
        )
    wide = known.pivot(index=c.AS_OF, columns=c.ITEM, values=c.POINTS)
    base, points = wide[c.BASE].to_numpy(), wide.drop(columns=c.BASE)
    health = base + points.sum(axis=1).to_numpy()
    strongest = points.abs().mean().sort_values(ascending=False, kind="stable").index
    shown = points[strongest[: len(_COLOURS)]].assign(**{"": points[strongest[len(_COLOURS) :]].sum(axis=1)})
    moments = [f"{moment:%Y-%m-%d}" for moment in wide.index]

    canvas = Canvas(figsize=(9, 6), layout="constrained")
    above, below = canvas.subplots(2, 1, sharex=True, height_ratios=(2, 3))
    above.plot(moments, health, color="black", marker="o")
    above.plot(moments, base, color=_GREY, linestyle="--", label="before anything is known")
    for place, value in enumerate(health):
        above.annotate(f"{value:.0f}", (place, value), (0, 7), textcoords="offset points", ha="center")
    above.set(ylim=(0, 105), ylabel="health (0-100)")
    above.legend(frameon=False, loc="lower left")
    up, down = np.zeros(len(wide)), np.zeros(len(wide))
    for name, colour in zip(map(str, shown), (*_COLOURS, _LIGHT)[: len(shown.columns)], strict=True):
        of_item = shown[name].to_numpy()
        label = labels.get(name, name) if name else "all others"
        below.bar(moments, of_item, 0.7, bottom=np.where(of_item > 0, up, down), color=colour, label=label)
        up, down = up + np.maximum(of_item, 0), down + np.minimum(of_item, 0)
    below.axhline(0, color="black", linewidth=0.8)
    below.set_ylabel("points of health")
    below.tick_params(axis="x", rotation=45)
    below.legend(frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.3))
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    title = f"{customers[0]}: health {health[0]:.0f} on {moments[0]}, {health[-1]:.0f} on {moments[-1]}"
    canvas.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize="medium")
    return canvas
