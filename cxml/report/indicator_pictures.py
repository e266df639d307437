"""Pictures of indicators over time: each function takes a frame and returns a matplotlib figure; it writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxml.errors import SchemaError, near_miss
from cxml.schema import columns as c
from cxml.schema.figures import FIGURES, Figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib import figure as mpl
    from matplotlib.axes import Axes

# Okabe and Ito, "Color Universal Design", 2008: the colour-blind tell these apart too.
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_GREY: Final = "#767676"


def indicator_picture(frame: pd.DataFrame, indicator: str, *, by: str = "all") -> mpl.Figure:
    """Return one indicator month by month, with its 95% intervals: a line for each group.

    Parameters
    ----------
    frame : INDICATORS frame by month, as ``cxml indicators --by segment,month`` writes it
    indicator : such as ``nps``
    by : the grouping whose groups are drawn, the seven with the most answers; ``all`` is everyone

    Raises
    ------
    SchemaError
        If the frame has no such indicator or grouping.
    """
    rows = _chosen(frame, c.INDICATOR, indicator)
    rows = _chosen(rows, c.BY, by)
    groups = rows.groupby(c.GROUP, dropna=False)[c.N].sum().sort_values(ascending=False, kind="stable").index
    figure, (axes,) = _panels(1, width=9, height=4.2)
    shown, months = FIGURES[indicator], _months(rows)
    for k, group in enumerate(groups[: len(_COLOURS)]):
        known = rows[rows[c.GROUP].isna() if group != group else rows[c.GROUP] == group]
        spread = 0.12 * (k - (min(len(groups), len(_COLOURS)) - 1) / 2)
        _line(axes, known, months, _COLOURS[k], shift=spread, label=str(group) if group == group else "unknown")
    _dressed(axes, months, shown)
    if by != "all":
        axes.legend(frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
    title = f"{shown.title} by {by}"
    if by == "all":
        first, last = (_value_at(rows, month) for month in (months[0], months[-1]))
        title = f"{shown.title}: {shown.written(first)} in {months[0]}, {shown.written(last)} in {months[-1]}"
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize="medium")
    return figure


def kpi_picture(frame: pd.DataFrame, indicators: Sequence[str] | None = None) -> mpl.Figure:
    """Return KPIs month by month, a panel each, with 95% intervals where they have one.

    Parameters
    ----------
    frame : INDICATORS frame by month, as `cxml.descriptive.kpi.kpi` gives it
    indicators : which, in which order; all of the frame where left out

    Raises
    ------
    SchemaError
        If the frame has no such indicator.
    """
    everyone = _chosen(frame, c.BY, "all")
    names = list(indicators or everyone[c.INDICATOR].unique())
    months = _months(everyone)
    figure, panels = _panels(len(names), columns=3, width=11, height=2.1 * ceil(len(names) / 3))
    for axes, name in zip(panels, names, strict=True):
        _line(axes, _chosen(everyone, c.INDICATOR, name), months, _COLOURS[0])
        _dressed(axes, months, FIGURES[name], most=4)
        axes.set_title(FIGURES[name].title, loc="left", fontsize="medium")
        axes.set_ylabel("")
    return figure


def _line(
    axes: Axes, rows: pd.DataFrame, months: list[str], colour: str, *, shift: float = 0.0, label: str = ""
) -> None:
    """Draw values and intervals; a month without a value breaks the line."""
    at = rows.set_index(c.PERIOD)[[c.VALUE, c.LOW, c.HIGH]].astype("float64").reindex(months)
    value, low, high = at.to_numpy().T
    x = np.arange(len(months)) + shift
    errors = np.nan_to_num(np.vstack([value - low, high - value]), nan=0.0).clip(0)
    axes.errorbar(
        x, value, yerr=errors, color=colour, marker="o", markersize=3.5, linewidth=1.2, capsize=2, label=label
    )


def _dressed(axes: Axes, months: list[str], shown: Figure, *, most: int = 10) -> None:
    step = max(1, ceil(len(months) / most))
    axes.set_xticks(range(0, len(months), step), months[::step])
    axes.set_ylabel(shown.title)
    if shown.unit == "share":
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    elif shown.unit in ("count", "money"):
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    if shown.low < 0 < shown.high:
        axes.axhline(0, color=_GREY, linewidth=0.8, zorder=0)


def _months(rows: pd.DataFrame) -> list[str]:
    """Return every month from the first to the last of a frame."""
    import pandas as pd

    first, last = min(rows[c.PERIOD]), max(rows[c.PERIOD])
    try:
        return [str(month) for month in pd.period_range(first, last, freq="M")]
    except ValueError:
        raise SchemaError(
            f"indicators.{c.PERIOD}: must be months such as 2024-05; the first is {first!r}. Ask for them by `month`."
        ) from None


def _value_at(rows: pd.DataFrame, month: str) -> float:
    found = rows.loc[rows[c.PERIOD] == month, c.VALUE]
    return float("nan") if found.empty else float(found.iloc[0])


def _chosen(frame: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    rows = frame[frame[column] == value]
    if rows.empty:
        known = [str(name) for name in frame[column].unique()]
        raise SchemaError(
            f"indicators.{column}: no row has {value!r}{near_miss(value, known) or '.'} It has {', '.join(known)}."
        )
    return rows


def _panels(n: int, *, width: float, height: float, columns: int = 1) -> tuple[mpl.Figure, list[Any]]:
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(width, height), layout="constrained")
    panels = list(canvas.subplots(ceil(n / columns), min(n, columns), squeeze=False).ravel())
    for axes in panels[n:]:
        axes.remove()
    for axes in panels[:n]:
        axes.spines[["top", "right"]].set_visible(False)
    return canvas, panels[:n]
