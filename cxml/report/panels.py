"""What pictures share: panels beside each other, bars that say their amount, a title, and colours.

The colours are those of Okabe and Ito, "Color Universal Design", 2008, which the colour-blind tell apart too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE: Final = "#0072B2"
VERMILLION: Final = "#D55E00"
GREY: Final = "#767676"
LIGHT: Final = "#D0D0D0"


def side_by_side(n: int, *, width: float = 8, height: float = 4) -> tuple[Figure, list[Axes]]:
    """Return a figure, in inches, with ``n`` axes beside each other that share what stands on their left."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    beside = list(figure.subplots(1, n, sharey=True, squeeze=False)[0])
    for axes in beside:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(left=axes is beside[0])
    return figure, beside


def labelled_bars(
    axes: Axes,
    labels: Sequence[str],
    amount: NDArray[np.float64],
    written: str | Sequence[str],
    colours: Sequence[str],
) -> None:
    """Draw a bar for each label, with its amount behind it.

    Parameters
    ----------
    axes : matplotlib axes
    labels, amount : of each bar, shape (n_bars,)
    written : the format of an amount, such as ``{:,.0f}``, or what stands behind each bar
    colours : one, or one for each bar
    """
    bars = axes.barh(labels, amount, height=0.65, color=colours)
    texts = [written.format(x) for x in amount] if isinstance(written, str) else list(written)
    axes.bar_label(bars, texts, padding=3)
    axes.margins(x=0.25)


def titled(figure: Figure, title: str) -> Figure:
    """Return a figure with a title above all of its panels."""
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize="medium")
    return figure
