"""The maturity matrix as a picture: a function of frames that returns a matplotlib figure; it writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxml.report.maturity_text import share_text, signed_text
from cxml.schema import columns as c
from cxml.schema.maturity import ASPECTS, SOURCES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GREY: Final = "#767676"
_WHAT: Final = {"log_loss": "log loss", "auc": "AUC"}


def maturity_picture(cells: pd.DataFrame, lost: pd.DataFrame, *, measure: str = "log_loss") -> Figure:
    """Return the matrix as a heat map for each label: the darker a cell, the more skill is lost without it alone.

    Parameters
    ----------
    cells, lost : frames as `cxml.pipeline.matrix.Maturity` has them; without rows in ``lost``, the colour is the
        share of customers of whom anything in the cell is known
    measure : ``log_loss`` or ``auc``, by whose loss the cells are coloured
    """
    from matplotlib.figure import Figure as Canvas

    labels = list(lost[c.LABEL].unique())
    canvas = Canvas(figsize=(9, 1 + 3.4 * max(len(labels), 1)), layout="constrained")
    panels = canvas.subplots(max(len(labels), 1), 1, squeeze=False)[:, 0]
    for axes, label in zip(panels, labels or [None], strict=True):
        worth = None if label is None else _worth(lost, label, measure)
        _matrix(axes, cells, worth)
        what = "customers of whom anything is known" if label is None else f"{label}: {_WHAT[measure]} lost without"
        axes.set_title(what, loc="left", fontsize="medium")
    filled, n = int((cells[c.N_FEATURES] > 0).sum()), len(cells)
    title = f"{filled} of {n} cells are filled; hatched ones are empty"
    canvas.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize="medium")
    return canvas


def _worth(lost: pd.DataFrame, label: str, measure: str) -> dict[tuple[str, str], Any]:
    rows = lost[(lost[c.LABEL] == label) & (lost[c.MEASURE] == measure)]
    return _by_cell(rows)


def _by_cell(rows: pd.DataFrame) -> dict[tuple[str, str], Any]:
    return {(str(row.source), str(row.aspect)): row for row in rows.itertuples(index=False)}


def _matrix(axes: Axes, cells: pd.DataFrame, worth: dict[tuple[str, str], Any] | None) -> None:
    by_cell = _by_cell(cells)
    colour = np.array([[_colour(by_cell[s, a], worth) for a in ASPECTS] for s in SOURCES])
    top = max(float(np.nanmax(colour, initial=0.0)), 1e-12)
    axes.imshow(colour, cmap="Blues", vmin=0, vmax=1.3 * top, aspect="auto")
    for i, source in enumerate(SOURCES):
        for j, aspect in enumerate(ASPECTS):
            row, dark = by_cell[source, aspect], colour[i, j] > 0.6 * top
            if not row.n_features:
                axes.fill_between([j - 0.5, j + 0.5], i - 0.5, i + 0.5, facecolor="white", edgecolor=_GREY, hatch="//")
            text = _text(row, None if worth is None else worth.get((source, aspect)))
            axes.text(j, i, text, ha="center", va="center", fontsize="small", color="white" if dark else "black")
    axes.set_xticks(range(len(ASPECTS)), list(ASPECTS.values()))
    axes.set_yticks(range(len(SOURCES)), list(SOURCES))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _colour(row: Any, worth: dict[tuple[str, str], Any] | None) -> float:
    """Return how dark a cell is: what is lost without it, nothing where that is below 0; NaN where it is empty."""
    if not row.n_features:
        return float("nan")
    return float(row.coverage) if worth is None else max(float(worth[row.source, row.aspect].value), 0.0)


def _text(row: Any, lost: Any) -> str:
    if not row.n_features:
        return ""
    text = f"{row.n_features} feature{'s' * (row.n_features > 1)}, {share_text(row.coverage)}"
    return (
        text
        if lost is None
        else f"{text}\n{signed_text(lost.value)}\n[{signed_text(lost.low)}, {signed_text(lost.high)}]"
    )
