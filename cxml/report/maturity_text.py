"""The maturity matrix as text that a manager can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from cxml.schema import columns as c
from cxml.schema.maturity import ALL, ASPECTS, SOURCES, part_title

if TYPE_CHECKING:
    import pandas as pd

_WIDTH: Final = 100
_MATRIX_SAYS: Final = (
    "Features, and the share of customers of whom anything in the cell is known (a count of 0 says nothing)."
)
_LOST_SAYS: Final = (
    "Lost without a cell is what the other cells cannot replace: two that tell the same are each worth little, both "
    "together much, as the rows and columns show. * more than chance: the 95% interval lies above 0 (so does that of "
    "one worthless part in forty). Below 0 the model does better without the part."
)
_SHOWN: Final = {"log_loss": "log loss rises by", "auc": "AUC falls by"}


def maturity_text(
    cells: pd.DataFrame, skill: pd.DataFrame, lost: pd.DataFrame, *, title: str, how: Mapping[str, str]
) -> str:
    """Return the matrix, what its empty cells would hold, and what each part is worth, 100 columns wide at most.

    Parameters
    ----------
    cells, skill, lost : frames as `cxml.pipeline.matrix.Maturity` has them
    title : company and moment
    how : for each label the rows that its model was judged on
    """
    lines = [title, "", *_matrix(cells), "", *_paragraph(_MATRIX_SAYS)]
    if (stated := cells[c.CONFIDENCE].notna()).any():
        lines += ["", "Confidence, by which a fact counts (the mean of what the tables of a cell state):"]
        lines += [f"  {part_title(row.source, row.aspect)}: {row.confidence:.2f}" for row in _rows(cells[stated])]
    empty = cells[cells[c.N_FEATURES] == 0]
    if len(empty):
        lines += ["", "Empty, and what each would hold:"]
        for row in _rows(empty):
            lines += _paragraph(f"{part_title(row.source, row.aspect)}: {row.meaning}", indent=2)
    for label in how:
        lines += ["", *_worth(label, how[label], skill[skill[c.LABEL] == label], lost[lost[c.LABEL] == label])]
    if how:
        lines += ["", *_paragraph(_LOST_SAYS)]
    return "\n".join(lines)


def placed_text(features: pd.DataFrame) -> str:
    """Return where each feature stands in the matrix, cell by cell, and what placed it there."""
    width = max(map(len, features[c.FEATURE])) + 2
    lines = []
    for source, aspect in ((source, aspect) for source in SOURCES for aspect in ASPECTS):
        rows = features[(features[c.SOURCE] == source) & (features[c.ASPECT] == aspect)]
        lines += [part_title(source, aspect)] if len(rows) else []
        lines += [f"  {row.feature:<{width}}{share_text(row.coverage):>5}  {row.by}" for row in _rows(rows)]
    return "\n".join(lines)


def _matrix(cells: pd.DataFrame) -> Iterator[str]:
    by_cell = {(row.source, row.aspect): row for row in _rows(cells)}
    yield f"{'':<14}" + "".join(f"{title:<22}" for title in ASPECTS.values()).rstrip()
    for source in SOURCES:
        yield (f"{source:<14}" + "".join(f"{_cell(by_cell[source, aspect]):<22}" for aspect in ASPECTS)).rstrip()


def _paragraph(text: str, *, indent: int = 0) -> list[str]:
    return wrap(text, _WIDTH, initial_indent=" " * indent, subsequent_indent=" " * 2 * indent)


def _cell(row: Any) -> str:
    if not row.n_features:
        return "empty"
    features = "feature" if row.n_features == 1 else "features"
    return f"{row.n_features} {features}, {share_text(row.coverage)}"


def share_text(share: float) -> str:
    """Return a share as a person reads it: what is not all is never 100%, what is not nothing never 0%."""
    if 0 < share < 1:
        return "<1%" if share < 0.01 else f"{min(share, 0.99):.0%}"
    return f"{share:.0%}"


def _worth(label: str, how: str, skill: pd.DataFrame, lost: pd.DataFrame) -> Iterator[str]:
    yield f"{label}: {how}"
    yield "    " + ", ".join(f"{row.measure} {row.value:.3f} [{row.low:.3f}, {row.high:.3f}]" for row in _rows(skill))
    whole = (lost[c.SOURCE] == ALL) | (lost[c.ASPECT] == ALL)
    heads = "".join(f"{text:>28}  " for text in _SHOWN.values()).rstrip()
    for heading, rows in (("without", lost[~whole]), ("rows and columns", lost[whole])):
        yield f"  {heading:<36}{heads}"
        wide = {name: of.set_index([c.SOURCE, c.ASPECT]) for name, of in rows.groupby(c.MEASURE)}
        for part in wide["log_loss"].sort_values(c.VALUE, ascending=False, kind="stable").index:
            figures = "".join(_figure(wide[name].loc[part]) for name in _SHOWN)
            yield f"  {part_title(*part):<36}{figures}".rstrip()


def _figure(row: Any) -> str:
    star = "* " if row[c.LOW] > 0 else "  "
    interval = f"[{signed_text(row[c.LOW])}, {signed_text(row[c.HIGH])}]"
    return f"{signed_text(row[c.VALUE]):>8} {interval:>19}{star}"


def signed_text(value: float) -> str:
    """Return a difference to four digits, with its sign."""
    return f"{round(value, 4) + 0.0:+.4f}"  # + 0.0: never -0.0000


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    yield from frame.itertuples(index=False)
