"""The maturity matrix of a company: which cells its data fills, and how much skill is lost without each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxml.config.company import CompanyConfig
from cxml.config.features import Feature
from cxml.descriptive.features import customers_at, feature_frame
from cxml.descriptive.maturity import Placed, placed_features, seen
from cxml.descriptive.sources import Tables
from cxml.pipeline import plan
from cxml.pipeline.feature_rows import feature_rows
from cxml.pipeline.reading import read_tables
from cxml.schema import columns as c
from cxml.schema.maturity import ALL, ASPECTS, MEANINGS, SOURCES

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.ablation import Ablation

Part = tuple[str, str]
"""A source and an aspect: a cell, or with `ALL` a whole row or column."""


@dataclass(frozen=True)
class Maturity:
    """The maturity matrix of a company, as frames and as text for people.

    Attributes
    ----------
    cells : DataFrame, a row for each of the 16 cells
        ``source``, ``aspect``, ``meaning``; ``n_features``; ``n_customers`` of whom anything in the cell is known at
        the moment of the data, and their share ``coverage``; ``confidence``, the mean of what the tables of its
        features state (unknown where none does). An empty cell has no feature and a coverage of 0.
    features : DataFrame, a row for each feature
        ``feature``, ``table``, ``source``, ``aspect``, ``by`` (what placed it there), ``coverage``.
    skill : DataFrame, a row for each label and measure
        ``label``, ``measure``, ``value``, ``low``, ``high``: the models with all features on rows they have not seen.
    lost : DataFrame, a row for each label, filled part of the matrix and measure
        ``label``, ``source``, ``aspect`` (``all``: a whole row or column), ``n_features``, ``measure``, ``value``,
        ``low``, ``high``: by how much the log loss rises and the AUC falls without the part.
    text : the whole report
    notes : warnings about the tables
    """

    cells: pd.DataFrame
    features: pd.DataFrame
    skill: pd.DataFrame
    lost: pd.DataFrame
    text: str
    notes: tuple[str, ...]


def maturity(
    config: CompanyConfig,
    *,
    frames: plan.Frames | None = None,
    skill: bool = True,
    picture: str | Path | None = None,
    step: plan.Step = plan.quiet,
) -> Maturity:
    """Return which cells of the maturity matrix a company's data fills, and how much skill is lost without each.

    Parameters
    ----------
    config : CompanyConfig
    frames : mapping from table name to DataFrame, optional
        Tables handed over in Python, in place of the paths of the config.
    skill : whether to fit the models without each cell, row and column; else ``skill`` and ``lost`` have no rows
    picture : file that the matrix is drawn to (``.svg`` or ``.png``)
    step : as for `cxml.train`

    Returns
    -------
    Maturity

    Raises
    ------
    CxmlError
        If tables, labels or features do not allow it, or ``maturity.cells`` names what is not there.
    """
    from cxml.predictive.ablation import ablation
    from cxml.report.maturity_picture import maturity_picture
    from cxml.report.maturity_text import maturity_text
    from cxml.sinks.picture_files import drawable_path, write_picture

    if picture is not None:
        drawable_path(picture)
    with step("check tables"):
        tables = read_tables(config, frames)
        planned = plan.plan_of(config, tables)
        labels, splits, features = planned.labels, planned.splits, planned.features
    with step("build features"):
        placed = placed_features(features, tables.kinds, config.maturity.cells)
        known = _known(tables, features)
        rows = feature_rows(config, tables, features, labels if skill else {})
    parts = _parts(placed)
    found = {}
    for name, frame in rows.items():
        with step(f"fit the {name} model without each of {len(parts)} parts"):
            X, y, who = frame.drop(columns=list(c.KEY)), labels[name][c.LABEL], labels[name][c.CUSTOMER_ID]
            # The trees alone: a blend would be fitted three times as often, and tell the same of each part.
            model = plan.classifier(config, name).set_params(members=("trees",))
            found[name] = ablation(model, X, y, who, splits.get(name), parts)
    cells = _cells_frame(tables, placed, known)
    skill_frame, lost = _skill_frame(found), _lost_frame(found, parts)
    title = f"{config.company}: maturity of the data as of {tables.as_of:%Y-%m-%d}, {len(known):,} customers"
    how = {name: f"judged on {one.n_test:,} {one.how}" for name, one in found.items()}
    if picture is not None:
        write_picture(maturity_picture(cells, lost), picture)
    text = maturity_text(cells, skill_frame, lost, title=title, how=how)
    return Maturity(cells, _features_frame(placed, known), skill_frame, lost, text, tables.warnings)


def _known(tables: Tables, features: Sequence[Feature]) -> pd.DataFrame:
    """Return of which customers each feature has seen anything at the moment of the data: a column of flags each."""
    import pandas as pd

    frame = feature_frame(tables, features, customers_at(tables, tables.moment))
    return pd.DataFrame({feature.name: seen(feature, frame[feature.name]) for feature in features})


def _parts(placed: Sequence[Placed]) -> dict[Part, list[str]]:
    """Return the features of each filled cell, then of each row and each column that has any."""
    wanted = [*MEANINGS, *((source, ALL) for source in SOURCES), *((ALL, aspect) for aspect in ASPECTS)]
    found = {
        (source, aspect): [of.feature for of in placed if source in (of.source, ALL) and aspect in (of.aspect, ALL)]
        for source, aspect in wanted
    }
    return {part: names for part, names in found.items() if names}


def _cells_frame(tables: Tables, placed: Sequence[Placed], known: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    confidence = _confidence(tables)
    rows = []
    for (source, aspect), meaning in MEANINGS.items():
        of = [one for one in placed if one.cell == (source, aspect)]
        n = int(known[[one.feature for one in of]].any(axis=1).sum())
        stated = [confidence[one.table] for one in of if one.table in confidence]
        mean = sum(stated) / len(stated) if stated else float("nan")
        rows.append((source, aspect, meaning, len(of), n, n / len(known) if len(known) else float("nan"), mean))
    columns = [c.SOURCE, c.ASPECT, c.MEANING, c.N_FEATURES, c.N_CUSTOMERS, c.COVERAGE, c.CONFIDENCE]
    return pd.DataFrame(rows, columns=columns)


def _confidence(tables: Tables) -> dict[str | None, float]:
    """Return the mean confidence of the facts of each table that states one; a row that states none counts in full."""
    stated = [name for name, kinds in tables.kinds.items() if c.CONFIDENCE in kinds]
    query = "SELECT avg(coalesce({}, 1)) FROM {}"
    return {name: tables.con.execute(query.format(c.CONFIDENCE, name)).fetchall()[0][0] for name in stated}


def _features_frame(placed: Sequence[Placed], known: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    rows = [(one.feature, one.table, one.source, one.aspect, one.by, known[one.feature].mean()) for one in placed]
    return pd.DataFrame(rows, columns=[c.FEATURE, c.TABLE, c.SOURCE, c.ASPECT, c.BY, c.COVERAGE])


def _skill_frame(found: Mapping[str, Ablation]) -> pd.DataFrame:
    import pandas as pd

    rows = [(label, m.name, m.value, m.low, m.high) for label, one in found.items() for m in one.skill]
    return pd.DataFrame(rows, columns=[c.LABEL, c.MEASURE, c.VALUE, c.LOW, c.HIGH])


def _lost_frame(found: Mapping[str, Ablation], parts: Mapping[Part, Sequence[str]]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (label, *part, len(parts[part]), m.name, m.value, m.low, m.high)
        for label, one in found.items()
        for part, measures in one.lost.items()
        for m in measures
    ]
    columns = [c.LABEL, c.SOURCE, c.ASPECT, c.N_FEATURES, c.MEASURE, c.VALUE, c.LOW, c.HIGH]
    return pd.DataFrame(rows, columns=columns)
