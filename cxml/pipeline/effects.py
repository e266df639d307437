"""What a company's actions change: the log of actions brought together with features and outcomes, and learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.config.company import CompanyConfig
from cxml.descriptive.action_log import action_log, decision_points, outcomes_of
from cxml.descriptive.sources import Tables
from cxml.pipeline.log_doubts import log_doubts
from cxml.predictive.encoding import Encoding, frame_columns
from cxml.schema import columns as c
from cxml.schema.check import checked_frame
from cxml.schema.policy_frames import EFFECTS

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.uplift.effect import Effect
    from cxml.predictive.uplift.experiment import Experiment

ACTED: Final = "actions"


@dataclass(frozen=True, eq=False)
class Evidence:
    """The decisions of the past of which it is known what came of them.

    ``points`` are, for each outcome, the decisions with an outcome of their own, as
    `cxml.descriptive.action_log.decision_points` gives them; ``rows`` those of all outcomes, each once, by key.
    """

    points: Mapping[str, pd.DataFrame]

    @property
    def rows(self) -> pd.DataFrame:
        """The customers and moments of all outcomes, each once, by key."""
        import pandas as pd

        keys = [points[list(c.KEY)] for points in self.points.values()]
        return pd.concat(keys).drop_duplicates().sort_values(list(c.KEY), ignore_index=True)

    @property
    def doubts(self) -> list[str]:
        """What is doubtful about them, each said once."""
        return list(dict.fromkeys(doubt for points in self.points.values() for doubt in log_doubts(points)))


def evidence_of(config: CompanyConfig, tables: Tables) -> Evidence | None:
    """Return what the log of actions tells of a company's outcomes; None where there is no log, or nothing is known."""
    if "actions" not in tables or not config.effect_outcomes:
        return None
    log, days = action_log(tables), config.effects.answer_days
    found: dict[str, pd.DataFrame] = {
        outcome: decision_points(log, outcomes_of(tables, config.labels, outcome, log, answer_days=days))
        for outcome in config.effect_outcomes
        if not log.empty
    }
    known = {outcome: points for outcome, points in found.items() if len(points)}
    return Evidence(known) if known else None


def why_no_evidence(config: CompanyConfig, tables: Tables) -> str:
    """Return in sentences why `evidence_of` has nothing to give."""
    if "actions" not in tables:
        return "there is no table `actions`. Name it, or set `ledger:`, explore, and wait until outcomes have matured."
    if not config.effect_outcomes:
        return "`effects: {outcomes: []}` in the config says to learn of none. Leave it out."
    log = action_log(tables)
    if len(log) and (log[c.PROPENSITY] >= 1).all():
        return (
            f"all {len(log):,} decisions of the log have a propensity of 1: nothing was left to chance, so nothing "
            f"can be compared. Set `holdout_share` and `exploration_share` in the policy, or try an action on a part "
            f"of those who could get it."
        )
    return (
        f"of none of the {len(log):,} decisions of the log it is known what came of them, by the labels of the config. "
        f"Wait until outcomes have matured."
    )


def nothing_learnt(config: CompanyConfig, tables: Tables) -> list[str]:
    """Return why `evidence_of` has nothing to give, where there is a log of decisions to learn from."""
    if "actions" not in tables or not config.effect_outcomes or action_log(tables).empty:
        return []
    return [f"actions: nothing is learnt of what they change: {why_no_evidence(config, tables)}"]


def effects_of(config: CompanyConfig, evidence: Evidence, rows: pd.DataFrame, encoding: Encoding) -> tuple[Effect, ...]:
    """Learn what each action changes, on each outcome.

    Parameters
    ----------
    config : CompanyConfig
    evidence : Evidence
    rows : FEATURES frame of its ``rows``
    encoding : of the models, in whose columns the effects read features
    """
    from cxml.predictive.uplift.learning import learnt_effects

    return tuple(
        effect
        for outcome, points in evidence.points.items()
        if (experiment := experiment_of(points, rows, encoding)) is not None
        for effect in learnt_effects(experiment, outcome, random_state=config.random_state)
    )


def experiment_of(points: pd.DataFrame, rows: pd.DataFrame, encoding: Encoding) -> Experiment | None:
    """Return decisions with an outcome as arrays to learn from; None where nothing was ever done.

    Where the propensity of any of them was not logged, those of all are left to be estimated.
    """
    from cxml.predictive.members import TrainingRows, n_levels
    from cxml.predictive.uplift.experiment import Experiment

    actions = tuple(sorted(set(points[c.ACTION]) - {c.NO_ACTION}))
    if not actions:
        return None
    codes = {c.NO_ACTION: 0, **{action: i for i, action in enumerate(actions, 1)}}
    propensity = points[c.PROPENSITY].to_numpy(np.float64)
    matrix = matrix_of(points, rows, encoding)
    return Experiment(
        rows=TrainingRows(matrix, n_levels(encoding), np.ones(len(points))),
        action=points[c.ACTION].map(codes).to_numpy(np.intp),
        actions=actions,
        outcome=points[c.LABEL].to_numpy(np.float64),
        propensity=propensity if np.isfinite(propensity).all() else np.full(len(points), np.nan),
        customers=points[c.CUSTOMER_ID].to_numpy(object),
    )


def matrix_of(points: pd.DataFrame, rows: pd.DataFrame, encoding: Encoding) -> NDArray[np.float64]:
    """Return the features of some decisions as models read them; shape (n_points, n_features)."""
    keyed = rows.assign(**{c.AS_OF: rows[c.AS_OF].dt.tz_localize(None)})
    found = points[list(c.KEY)].merge(keyed, on=list(c.KEY), how="left").drop(columns=list(c.KEY))
    return encoding.matrix(encoding.typed(frame_columns(found)))[0]


def effects_frame(effects: Sequence[Effect], before: Sequence[Effect] = ()) -> pd.DataFrame:
    """Return effects as an EFFECTS frame, with what was known of them before.

    Parameters
    ----------
    effects : of a bundle
    before : those of an older one
    """
    import pandas as pd

    older = {(effect.action, effect.outcome): effect for effect in before}
    rows = [_row(effect, older.get((effect.action, effect.outcome))) for effect in effects]
    frame = pd.DataFrame(rows, columns=list(EFFECTS.names))
    return checked_frame(frame, EFFECTS) if rows else frame


def _row(effect: Effect, older: Effect | None) -> dict[str, Any]:
    known = not effect.too_little
    was = older is not None and not older.too_little
    return {
        c.OUTCOME: effect.outcome,
        c.ACTION: effect.action,
        c.N_TREATED: float(effect.n_treated),
        c.N_UNTREATED: float(effect.n_untreated),
        c.VALUE: effect.average if known else np.nan,
        c.LOW: effect.low if known else np.nan,
        c.HIGH: effect.high if known else np.nan,
        c.P_HETEROGENEITY: effect.p_heterogeneity if known else np.nan,
        c.LEARNER: effect.learner if known else None,
        c.VALUE_BEFORE: older.average if was and older is not None else np.nan,
        c.TOO_LITTLE: effect.too_little or None,
    }
