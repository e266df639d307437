"""What a policy has brought, measured: those who got its decisions against those held out of it, day after day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import numbers
from cxml.conditions.tree import columns as named_columns
from cxml.config.company import CompanyConfig
from cxml.descriptive.action_log import action_log, decision_points, outcomes_of
from cxml.descriptive.features import feature_frame
from cxml.descriptive.sources import Tables
from cxml.errors import ConfigError, TrainingError
from cxml.pipeline import plan
from cxml.pipeline.ledger import ledger_of
from cxml.pipeline.log_doubts import log_doubts
from cxml.pipeline.measured_actions import FEWEST, by_propensity, ratio_cells, tells_by_propensity
from cxml.pipeline.outcomes import decisions_of
from cxml.pipeline.reading import read_tables
from cxml.pipeline.rewards import MONEY, NET, REVENUE, customer_codes, rewards
from cxml.prescriptive.evaluating.holdout import cost_per_saved, incremental, return_on_cost
from cxml.prescriptive.evaluating.monitoring import Monitored, monitored
from cxml.schema import columns as c
from cxml.schema.check import checked_frame
from cxml.schema.policy_frames import MEASURED_VALUES

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PolicyMeasured:
    """What a policy brought against its holdout.

    ``values`` is a MEASURED_VALUES frame: for each outcome, and for each action that was intended, what treated
    customers brought more than those held out, what each unit of cost brought, and what a saved customer cost. Of a log
    that does not tell what was intended, actions are compared with doing nothing, by their propensities.
    ``monitored`` holds, for each outcome, the confidence sequence that may be looked at daily.
    """

    values: pd.DataFrame
    monitored: Mapping[str, Monitored]
    notes: tuple[str, ...]
    text: str


def measure_policy(
    config: CompanyConfig,
    *,
    frames: plan.Frames | None = None,
    models: str | Path = "models",
    picture: str | Path | None = None,
    step: plan.Step = plan.quiet,
) -> PolicyMeasured:
    """Measure what a policy has brought so far, against the customers who were held out of it.

    Decisions are those of the company's ledger; where nothing is known of them yet, those of the table `actions`, by
    its column ``holdout``. What came of them is told by the tables, as far as it is known. Of a log without a holdout,
    whose propensities tell how chance decided, single actions are compared with doing nothing.

    Parameters
    ----------
    config : CompanyConfig
    frames, models, step : as for `score`
    picture : file that the monitoring is drawn to (``.svg`` or ``.png``)

    Raises
    ------
    TrainingError
        If nobody was held out and propensities do not tell either, or nothing is known of what came of the decisions.
    """
    from cxml.report.policy_measured_text import policy_measured_text
    from cxml.sinks.picture_files import drawable_path, write_picture

    if picture is not None:
        drawable_path(picture)
    with step("check tables"):
        tables = read_tables(config, frames)
    with step("find what came of each decision"):
        found, notes = _measured(config, tables, models)
    if not found.rows and found.known:
        raise TrainingError(
            f"policy: what came of decisions is known of too few to compare: at least 2 customers on either side of "
            f"the holdout, or {FEWEST} with an action and {FEWEST} with {c.NO_ACTION!r} by their propensities. Wait, "
            f"or leave more to chance."
        )
    if not found.rows:
        raise TrainingError(
            "policy: nothing is known yet of what came of its decisions, on either side of the holdout. Wait until "
            "outcomes have matured; `cxml outcomes` says of how many they have. Or, where the table `actions` is of an "
            "experiment, tell by its column `holdout` who was left alone by chance."
        )
    if picture is not None and not found.monitored:
        raise ConfigError(
            "picture: is of what is looked at daily against the holdout, and nobody was held out. Leave it out."
        )
    import pandas as pd

    values = checked_frame(pd.DataFrame(found.rows), MEASURED_VALUES)
    notes += found.notes
    title = f"{config.company}: what was decided, against the holdout, as of {tables.moment:%Y-%m-%d}"
    text = policy_measured_text(title, values, found.monitored, currency=config.currency)
    if picture is not None:
        from cxml.report.policy_value_pictures import monitoring_picture

        write_picture(monitoring_picture(found.curves(), currency=config.currency), picture)
    return PolicyMeasured(values, found.monitored, tuple(notes), text)


def _measured(config: CompanyConfig, tables: Tables, models: str | Path) -> tuple[_Found, list[str]]:
    """Return what is known of the decisions in the ledger, or else of those of the table `actions`; and notes."""
    recorded = decisions_of(ledger_of(config, models).decisions()).drop_duplicates(list(c.KEY), keep="last")
    logs = {"ledger": recorded} if len(recorded) else {}
    if "actions" in tables:
        logs["actions"] = action_log(tables)
    if not logs:
        raise ConfigError(
            "policy: there are no decisions to measure: no ledger and no table `actions`. Run `cxml score`."
        )
    telling = {name: log for name, log in logs.items() if log[c.HOLDOUT].astype(bool).any() or tells_by_propensity(log)}
    if not telling:
        n = max(map(len, logs.values()))
        raise TrainingError(
            f"policy: is measured against customers who were held out; none of {n:,} decisions is of one. Set "
            f"`holdout_share` in the policy, and wait; or log the propensity of every decision, {c.NO_ACTION!r} among "
            f"them, by which single actions are compared with doing nothing."
        )
    for name, log in telling.items():
        found = _Found(config, tables, log, _share(config, log, ours=name == "ledger"))
        for outcome in config.effect_outcomes:
            found.measure(outcome)
        if found.rows:
            break
    told = "nothing is known yet of what the ledger decided" if len(recorded) else "the ledger is empty"
    return found, [f"{told}: decisions are those of the table `actions`."] if name == "actions" else []


def _share(config: CompanyConfig, log: pd.DataFrame, *, ours: bool) -> float:
    """Return how likely each customer was held out: as the policy says of its own draw, else as often as it was."""
    share = config.policy.holdout_share if config.policy and ours else 0.0
    return share if 0 < share < 1 and decisions_of_one_draw(log) else float(log[c.HOLDOUT].astype(bool).mean())


def decisions_of_one_draw(log: pd.DataFrame) -> bool:
    """Return whether every customer is on one side of the holdout for good."""
    return bool((log.groupby(c.CUSTOMER_ID)[c.HOLDOUT].nunique() == 1).all())


class _Found:
    """What was measured of each outcome, as it comes."""

    def __init__(self, config: CompanyConfig, tables: Tables, log: pd.DataFrame, share: float) -> None:
        self.config, self.tables, self.log, self.share = config, tables, log, share
        self.for_good = decisions_of_one_draw(log)
        self.rows: list[dict[str, Any]] = []
        self.known = False  # anything of what came of the decisions
        self.monitored: dict[str, Monitored] = {}
        self.notes: list[str] = []
        if not log[c.HOLDOUT].astype(bool).any():
            self.notes.append(
                "nobody was held out: single actions are compared with doing nothing, by their propensities; what all "
                "of them brought together is not measured."
            )
        elif not self.for_good:
            self.notes.append("the holdout was drawn anew for each decision: each counts as a customer of its own.")
        elif log[c.CUSTOMER_ID].duplicated().any():
            self.notes.append(
                "customers have several decisions: against the holdout, shares and points are of the first of each "
                "that is known, for later ones are of who stayed till then; money is what all of a customer add up to."
            )

    def measure(self, outcome: Any) -> None:
        """Measure what was brought of an outcome, in all and by the action that was intended."""
        known = outcomes_of(
            self.tables, self.config.labels, outcome, self.log, answer_days=self.config.effects.answer_days
        )
        points = decision_points(self.log, known, only_open=False)
        if points.empty:
            return
        worth = _worth(self.config, self.tables, points) if outcome == "renewal" else None
        self.notes += [doubt for doubt in log_doubts(points) if doubt not in self.notes]
        spent = np.nan_to_num(points[c.COST].to_numpy(np.float64))
        held = points[c.HOLDOUT].to_numpy(bool)
        who = np.arange(len(points)) if not self.for_good else customer_codes(points)
        for name, reward in rewards(outcome, points, worth, spent).items():
            told = np.isfinite(reward)
            self.known |= bool(told.any())
            if not held.any():
                self.rows += by_propensity(name, points[told], reward[told], spent[told])
                continue
            kept = told if name in MONEY else _first_of_each(who, told)
            sides = [len(np.unique(who[kept & side])) for side in (held, ~held)]
            if min(sides) < 2:
                continue
            if min(sides) < FEWEST:
                self.notes.append(
                    f"{name}: known of {sides[1]:,} treated customers and {sides[0]:,} held out; the interval of fewer "
                    f"than {FEWEST} on either side is rough."
                )
            self._told(name, c.ALL, reward, spent, held, who, kept)
            if c.INTENDED in points:
                for action in sorted(set(points[c.INTENDED].dropna()) - {c.NO_ACTION}):
                    part = kept & (points[c.INTENDED] == action).to_numpy()
                    if min(len(np.unique(who[part & side])) for side in (held, ~held)) >= FEWEST:
                        self._told(name, action, reward, spent, held, who, part)
            else:
                self.rows += by_propensity(name, points[told], reward[told], spent[told])
            self._monitor(name, points, reward, held, who, kept)

    def _told(
        self, name: str, action: str, reward: NDArray[np.float64], spent: NDArray[np.float64],
        held: NDArray[np.bool_], who: NDArray[np.intp], rows: NDArray[np.bool_],
    ) -> None:  # fmt: skip
        brought = incremental(reward[rows], held[rows], who[rows])
        row = {
            c.OUTCOME: name, c.ACTION: action, c.N: float(brought.n_treated), c.N_HELD_OUT: float(brought.n_held_out),
            c.VALUE: brought.per_customer, c.LOW: brought.low, c.HIGH: brought.high, c.TOTAL: brought.total,
            c.COST: float(spent[rows & ~held].sum()),
        }  # fmt: skip
        found = None
        if spent[rows].any() and name in (REVENUE, "renewal"):
            of = return_on_cost if name == REVENUE else cost_per_saved
            found = of(reward[rows], spent[rows], held[rows], who[rows])
        self.rows.append(row | ratio_cells(found))

    def _monitor(
        self, name: str, points: pd.DataFrame, reward: NDArray[np.float64], held: NDArray[np.bool_],
        who: NDArray[np.intp], kept: NDArray[np.bool_],
    ) -> None:  # fmt: skip
        rows = np.flatnonzero(_first_of_each(who, kept))
        day = points[c.KNOWN_TIME].to_numpy("datetime64[D]").astype(np.int64)[rows]
        self.monitored[name] = monitored(day, reward[rows], held[rows], self.share)

    def curves(self) -> dict[str, Monitored]:
        """Return the confidence sequences that are drawn: net of cost where there is money, else all."""
        return {NET: self.monitored[NET]} if NET in self.monitored else dict(self.monitored)


def _first_of_each(who: NDArray[np.intp], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows are the first of a customer of which it is known what came of them; shape (n_rows,)."""
    found = np.zeros(len(who), dtype=bool)
    found[np.flatnonzero(known)[np.unique(who[known], return_index=True)[1]]] = True
    return found


def _worth(config: CompanyConfig, tables: Tables, points: pd.DataFrame) -> NDArray[np.float64] | None:
    """Return what each customer was worth at each decision, by the company's expression; None where it has none."""
    if config.value is None:
        return None
    features = plan.features_to_train_on(config, tables)
    tree = plan.value_of(config, plan.kinds_of(features, tables))
    if tree is None:
        return None
    read = set(named_columns(tree))
    frame = feature_frame(tables, [feature for feature in features if feature.name in read], points[list(c.KEY)])
    return numbers(tree, {name: frame[name].to_numpy() for name in read}, len(frame))
