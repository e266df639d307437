"""What a model said of rows that it had not seen, turned into the frames that are handed on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.predict import NPS, RENEWAL, VALUE
from cxml.schema import columns as c
from cxml.schema import frames as f
from cxml.schema.check import checked_frame
from cxml.schema.tables import Schema

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.evaluation import Evaluation, HeldOut
    from cxml.predictive.measures import RetentionCosts
    from cxml.predictive.ordinal import OrdinalClassifier
    from cxml.predictive.reliability import GroupReliability

Groups = Mapping[str, NDArray[Any]]
CLASSES: Final[Mapping[str, tuple[str, ...]]] = {NPS: c.NPS_CLASSES, RENEWAL: ("kept", "lost")}
"""The classes of each model in words, lowest first."""
_EVENTS: Final[Mapping[str, tuple[tuple[int, int], ...]]] = {NPS: ((0, 0), (2, 1)), RENEWAL: ((1, 0),)}
"""What the heads of each model are about: the class, and the head that says it or its complement."""


@dataclass(frozen=True)
class Judged:
    """A model, how it did on rows that it had not seen, and the groups those rows are in."""

    name: str
    model: OrdinalClassifier
    evaluation: Evaluation
    groups: Groups
    costs: RetentionCosts | None

    @property
    def held_out(self) -> HeldOut:
        """The rows that were held out, and what was said of them."""
        assert self.evaluation.held_out is not None
        return self.evaluation.held_out

    @property
    def options(self) -> dict[str, Any]:
        """What every measure takes beside the rows."""
        return {"weight": self.held_out.weight, "random_state": self.model.random_state}


def frames_of(judged: Sequence[Judged], *, amounts: Evaluation | None = None) -> dict[str, pd.DataFrame]:
    """Return every frame of what models said, by name.

    Parameters
    ----------
    judged : the models of classes
    amounts : how the model of customers' value did, where there is one: it has measures only
    """
    reliable = [row for one in judged for row in _reliabilities(one)]
    measures = _rows(judged, lambda one: _measures(one.evaluation))
    if amounts is not None:
        measures += [(VALUE, *row) for row in _measures(amounts)]
    return {
        "measures": framed(f.MEASURES, measures),
        "classes": framed(f.CLASS_SKILLS, _rows(judged, _classes)),
        "confusions": framed(f.CONFUSIONS, _rows(judged, _confusions)),
        "reliability": framed(f.RELIABILITY, [_group_row(*row) for row in reliable]),
        "bins": framed(f.RELIABILITY_BINS, [bin_row for row in reliable for bin_row in _bin_rows(*row)]),
        "gains": framed(f.GAINS, _rows(judged, _gains)),
        "calibrations": framed(f.CALIBRATIONS, _rows(judged, _calibrations)),
        "thresholds": framed(f.THRESHOLDS, _rows(judged, _thresholds)),
    }


def _rows(judged: Sequence[Judged], of: Callable[[Judged], Iterable[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    return [(one.name, *row) for one in judged for row in of(one)]


def framed(schema: Schema, rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Return rows as the frame of a schema; without rows it has the columns alone."""
    import pandas as pd

    frame = pd.DataFrame(rows, columns=[column.name for column in schema.columns])
    kinds = {"number": "float64", "flag": "bool", "category": "object", "time": "datetime64[us, UTC]"}
    frame = frame.astype({column.name: kinds[column.kind] for column in schema.columns})
    return checked_frame(frame, schema) if rows else frame


def _measures(evaluation: Evaluation) -> Iterable[tuple[Any, ...]]:
    for m in evaluation.measures:
        yield m.name, m.value, m.low, m.high, evaluation.n_test


def _classes(one: Judged) -> Iterable[tuple[Any, ...]]:
    from cxml.predictive.measures import class_skills

    held = one.held_out
    for skill in class_skills(held.classes, held.p_each, held.customers, CLASSES[one.name], **one.options):
        yield skill.name, skill.n, skill.predicted, skill.observed, skill.auc.value, skill.auc.low, skill.auc.high


def _confusions(one: Judged) -> Iterable[tuple[Any, ...]]:
    """Give how many rows of each class were named as each, by the most probable class; the mean over the repeats."""
    from cxml.predictive.measures import confusion

    held, names = one.held_out, CLASSES[one.name]
    each = np.ones(len(held.classes))
    table = np.mean(
        [confusion(held.classes, p.argmax(axis=1), each, len(names)) for p in np.moveaxis(held.p_each, 2, 0)], axis=0
    )
    for came_true, row in zip(names, table.tolist(), strict=True):
        for named, n in zip(names, row, strict=True):
            yield came_true, named, n


def _events(one: Judged) -> Iterable[tuple[str, NDArray[np.intp], NDArray[np.float64], int]]:
    """Give the name, what came true, what was said (n_rows, n_repeats) and the head of each event of a model."""
    for k, head in _EVENTS[one.name]:
        yield CLASSES[one.name][k], (one.held_out.classes == k).astype(np.intp), one.held_out.p_each[:, k], head


def _reliabilities(one: Judged) -> Iterable[tuple[str, str, GroupReliability]]:
    from cxml.predictive.reliability import reliability

    for head, hits, p, _ in _events(one):
        found = reliability(hits, p, customers=one.held_out.customers, groups=one.groups, **one.options)
        for group in (found.overall, *found.groups):
            yield one.name, head, group


def _key(model: str, head: str, group: GroupReliability) -> tuple[str, str, str, str | None]:
    return model, head, group.factor or "all", group.level if group.factor else None


def _group_row(model: str, head: str, g: GroupReliability) -> tuple[Any, ...]:
    said = g.n, g.predicted, g.observed, g.low, g.high, g.ece, g.floor.mean, g.limit, g.inside
    return *_key(model, head, g), *said


def _bin_rows(model: str, head: str, group: GroupReliability) -> Iterable[tuple[Any, ...]]:
    for k, b in enumerate(group.bins, start=1):
        yield *_key(model, head, group), k, b.n, b.predicted, b.observed, b.low, b.high


def _gains(one: Judged) -> Iterable[tuple[Any, ...]]:
    from cxml.predictive.measures import gain_points

    for head, hits, p, _ in _events(one):
        for point in gain_points(hits, p, one.held_out.customers, **one.options):
            yield head, point.contacted, point.found, point.low, point.high, point.lift


def _calibrations(one: Judged) -> Iterable[tuple[Any, ...]]:
    for name, _, _, head in _events(one):
        chosen = one.model.heads_.heads[head].calibration.kind
        for trial in one.model.trials_[head]:
            yield name, trial.kind, trial.log_loss, trial.gain, trial.low, trial.high, trial.kind == chosen


def _thresholds(one: Judged) -> Iterable[tuple[Any, ...]]:
    """Give what contacting at each threshold would have earned; a threshold at which nobody is contacted is missing."""
    from cxml.predictive.thresholds import thresholds

    if one.name != RENEWAL:
        return
    held = one.held_out
    for t in thresholds(held.classes, held.p_each[:, 1], held.customers, costs=one.costs, **one.options):
        at = t.at if np.isfinite(t.at) else float("nan")
        yield t.chosen_by, at, t.contacted, t.found, t.profit.value, t.profit.low, t.profit.high
