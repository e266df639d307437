"""What a policy would have earned, from the log of what was decided under another: before it ships."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.config.company import CompanyConfig
from cxml.config.policy import PolicyConfig
from cxml.descriptive.features import customers_at
from cxml.pipeline import plan
from cxml.pipeline.effects import experiment_of
from cxml.pipeline.learning import material_of
from cxml.pipeline.past_decisions import PastDecisions, past_decisions
from cxml.pipeline.policy_features import with_policy
from cxml.pipeline.reading import read_tables
from cxml.pipeline.rewards import NET, REVENUE, logged_of, rewards
from cxml.prescriptive.distribution import decided_probabilities
from cxml.prescriptive.evaluating.comparisons import compared_probabilities
from cxml.prescriptive.evaluating.estimators import Estimate, difference, policy_values
from cxml.prescriptive.evaluating.support import support
from cxml.prescriptive.options import looked, run_of
from cxml.prescriptive.policy import Policy
from cxml.schema import columns as c
from cxml.schema.check import checked_frame
from cxml.schema.policy_frames import POLICY_DIFFERENCES, POLICY_VALUES
from cxml.schema.tables import Schema

if TYPE_CHECKING:
    import pandas as pd

THE_POLICY: Final = "the policy"
AGAINST: Final = "the other policy"
AS_LOGGED: Final = "as logged"


@dataclass(frozen=True)
class PolicyValued:
    """What a policy is worth per decision, and how much more than others, estimated from a log.

    ``values`` is a POLICY_VALUES frame, ``differences`` a POLICY_DIFFERENCES frame. Outcomes are ``renewal`` (share
    that stays), ``revenue`` and ``net`` (of the cost of actions; money per decision), and ``nps`` (points).
    ``refusals`` say for which outcome and policy no number can be given, and why; ``warnings`` where overlap is weak.
    """

    values: pd.DataFrame
    differences: pd.DataFrame
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]
    text: str


def evaluate_policy(
    config: CompanyConfig,
    *,
    policy: PolicyConfig | None = None,
    against: PolicyConfig | None = None,
    frames: plan.Frames | None = None,
    picture: str | Path | None = None,
    step: plan.Step = plan.quiet,
) -> PolicyValued:
    """Estimate what a policy would have earned, from the log of decisions in the table `actions`.

    The models and effects that the policy reads are fitted again without each third of the customers, so that it
    decides for nobody whose outcome they have seen. Nobody is held out of what is valued; exploration is part of it.
    Limits over all customers hold in proportion to the decisions of the log. Beside ``against`` stand five policies:
    random eligible, propensity only, without levers, eligibility only and no action; and what was decided in fact.

    Parameters
    ----------
    config : CompanyConfig
    policy : the policy that is valued; by default that of the config
    against : another one that it is compared with
    frames, step : as for `train`
    picture : file that the estimates are drawn to (``.svg`` or ``.png``)

    Raises
    ------
    ConfigError
        If there is no policy.
    TrainingError
        If there is no log of decisions of which it is known what came of them.
    """
    from cxml.report.policy_value_text import policy_value_text
    from cxml.sinks.picture_files import drawable_path, write_picture

    valued = with_policy(config, policy)
    if picture is not None:
        drawable_path(picture)
    with step("check tables"):
        tables = read_tables(config, frames)
        planned = plan.plan_of(config, tables)
    with step("build features"):
        material = material_of(valued, tables, planned)
    past = past_decisions(valued, tables, material, step=step)
    found = _Found(past)
    with step("decide as each policy would have"):
        found.decide(THE_POLICY, valued, compared=True)
        if against is not None:
            found.decide(AGAINST, config.model_copy(update={"policy": against}))
    with step("estimate what each is worth"):
        found.estimate()
    values, differences = found.frames()
    text = policy_value_text(
        f"{config.company}: what the policy would have earned, by {len(past.rows):,} decisions of the log",
        values, differences, found.refusals, found.warnings, currency=config.currency,
    )  # fmt: skip
    if picture is not None:
        from cxml.report.policy_value_pictures import policy_values_picture

        write_picture(policy_values_picture(values, currency=config.currency), picture)
    return PolicyValued(values, differences, tuple(found.refusals), tuple(found.warnings), text)


class _Found:
    """The probabilities of each policy, and what they are worth, as they come."""

    def __init__(self, past: PastDecisions) -> None:
        self.past = past
        self.logged_actions = sorted({a for points in past.evidence.points.values() for a in points[c.ACTION]})
        self.targets: dict[str, NDArray[np.float64]] = {}
        self.actions: list[str] = list(self.logged_actions)
        self.costs: dict[str, NDArray[np.float64]] = {}
        self.worth: NDArray[np.float64] | None = None
        self.estimates: dict[tuple[str, str], tuple[Estimate, ...]] = {}
        self.refusals: list[str] = []
        self.warnings: list[str] = past.evidence.doubts

    def decide(self, name: str, config: CompanyConfig, *, compared: bool = False) -> None:
        """Work out how likely each action of each decision is under a policy, and under those beside it."""
        seen = self.past.seen(config)
        seen = replace(seen, policy=self._in_proportion(seen.policy))
        given = seen.policy, seen.columns, seen.customers, seen.moments
        cost = looked(seen.policy, run_of(*given)).cost
        self._take(name, seen.policy, decided_probabilities(*given), cost)
        if compared:
            self.worth = seen.columns[c.VALUE]
            for other, probabilities in compared_probabilities(*given).items():
                self._take(other, seen.policy, probabilities, cost)

    def _in_proportion(self, policy: Policy) -> Policy:
        """Return a policy whose limits are those of as many customers as there are decisions in the log."""
        n = len(customers_at(self.past.tables, self.past.tables.moment))
        ratio = len(self.past.rows) / max(n, 1)
        limits = tuple(replace(limit, amount=limit.amount * ratio, per_day=None) for limit in policy.limits)
        return replace(policy, limits=limits, plan_days=1)

    def _take(self, name: str, policy: Policy, probabilities: NDArray[np.float64], cost: NDArray[np.float64]) -> None:
        """Keep the probabilities of options as those of actions, whatever the channel, and what they cost."""
        for option in policy.options:
            if option.action not in self.actions:
                self.actions.append(option.action)
        found = np.zeros((len(probabilities), len(self.actions)))
        for j, option in enumerate(policy.options):
            found[:, self.actions.index(option.action)] += probabilities[:, j]
        self.targets[name] = found
        self.costs[name] = np.where(probabilities > 0, probabilities * np.nan_to_num(cost), 0.0).sum(axis=1)

    def estimate(self) -> None:
        """Estimate every outcome under every policy."""
        place = {key: i for i, key in enumerate(self.past.rows[list(c.KEY)].itertuples(index=False, name=None))}
        for outcome, points in self.past.evidence.points.items():
            at = np.array([place[key] for key in points[list(c.KEY)].itertuples(index=False, name=None)])
            has_money = outcome == "renewal" and "value" not in self.past.evidence.points
            worth = self.worth[at] if has_money and self.worth is not None else None
            for name, reward in rewards(outcome, points, worth, np.zeros(len(points))).items():
                if name != NET:
                    self._estimate(name, points, at, reward)

    def _estimate(self, outcome: str, points: pd.DataFrame, at: NDArray[np.intp], reward: NDArray[np.float64]) -> None:
        known = np.isfinite(reward)
        if set(points[c.ACTION][known]) <= {c.NO_ACTION}:
            self.refusals.append(f"{outcome}: nothing was ever done to those of whom it is known. Wait, or explore.")
            return
        points, at, reward = points[known].reset_index(drop=True), at[known], reward[known]
        propensity, model = self._modelled(points.assign(**{c.LABEL: reward}))
        logged = logged_of(points, self.actions, propensity, reward)
        certain = np.eye(len(self.actions))[logged.action]
        refused: dict[str, list[str]] = {}
        for name, target in {AS_LOGGED: certain, **self.targets}.items():
            wide = np.zeros((len(at), len(self.actions)))
            wide[:, : target.shape[1]] = target if name == AS_LOGGED else target[at]
            if name == AS_LOGGED:
                taken = policy_values(replace(logged, propensity=np.ones(len(at))), wide)[:1]
                self._keep(outcome, name, taken, np.nan_to_num(points[c.COST].to_numpy(np.float64)))
                continue
            says = support(logged, wide)
            if says.refusal:
                refused.setdefault(says.refusal, []).append(name)
                continue
            if name in (THE_POLICY, AGAINST):
                self.warnings += [f"{outcome}, {name}: {warning}" for warning in says.warnings]
            self._keep(outcome, name, policy_values(logged, wide, model), self.costs[name][at])
        self.refusals += [f"{outcome}, {', '.join(names)}: {why}" for why, names in refused.items()]

    def _keep(self, outcome: str, name: str, found: tuple[Estimate, ...], cost: NDArray[np.float64]) -> None:
        """Keep the estimates of an outcome; of revenue, what is left of it too: what a policy costs is known."""
        self.estimates[outcome, name] = found
        if outcome == REVENUE:
            mean = float(cost.mean())
            self.estimates[NET, name] = tuple(
                difference(one, replace(one, value=mean, influence=cost - mean)) for one in found
            )

    def _modelled(self, points: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the propensity of each logged action, and the reward to expect of each action; both cross-fitted.

        The reward of an action that the log never took is expected to be that of doing nothing: `support` refuses such
        policies, or says how small a share of their decisions it is.
        """
        from cxml.predictive.uplift.by_action import expected_by_action

        experiment = experiment_of(points, self.past.acted, self.past.predictors[0].bundle.encoding)
        assert experiment is not None
        propensity, expected = expected_by_action(experiment, random_state=self.past.config.random_state)
        model = np.repeat(expected[:, :1], len(self.actions), axis=1)
        for j, action in enumerate((c.NO_ACTION, *experiment.actions)):
            model[:, self.actions.index(action)] = expected[:, j]
        return propensity, model

    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the POLICY_VALUES and the POLICY_DIFFERENCES frame."""
        values = [
            {c.OUTCOME: outcome, c.POLICY: name, **_row(one)}
            for (outcome, name), estimates in self.estimates.items()
            for one in estimates
        ]
        differences = []
        for (outcome, name), estimates in self.estimates.items():
            of = self.estimates.get((outcome, THE_POLICY))
            if of is not None and name not in (THE_POLICY, AS_LOGGED):
                pairs = zip(of, estimates, strict=True)
                differences += [
                    {c.OUTCOME: outcome, c.POLICY: THE_POLICY, c.AGAINST: name, **_row(difference(one, other))}
                    for one, other in pairs
                ]
        return _frame(values, POLICY_VALUES), _frame(differences, POLICY_DIFFERENCES)


def _frame(rows: list[dict[str, Any]], schema: Schema) -> pd.DataFrame:
    """Return rows as a frame of a schema, without any where no policy could be valued."""
    import pandas as pd

    frame = pd.DataFrame(rows, columns=list(schema.names))
    return checked_frame(frame, schema) if rows else frame


def _row(one: Estimate) -> dict[str, Any]:
    return {
        c.ESTIMATOR: one.estimator,
        c.VALUE: one.value,
        c.LOW: one.low,
        c.HIGH: one.high,
        c.N: float(one.n),
        c.EFFECTIVE_N: one.effective_n,
    }
