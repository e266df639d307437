"""What a policy would do to today's customers: whom it loses at each stage, its mix, and its value by the budget."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from cxml.config.company import CompanyConfig
from cxml.config.policy import PolicyConfig
from cxml.errors import ConfigError, UnseenCategoryWarning
from cxml.pipeline import plan
from cxml.pipeline.policy_features import policy_frame, told_by, uncounted, with_policy
from cxml.pipeline.scoring import as_configured, everyone_at, moment_of
from cxml.pipeline.trained import read_as_trained
from cxml.predict import Predictor
from cxml.prescriptive.choosing import arbitrated
from cxml.prescriptive.options import Run, expected_values, run_of
from cxml.prescriptive.policy import Policy, RunLimit
from cxml.schema import columns as c
from cxml.schema.check import checked_frame
from cxml.schema.frames import PREDICTIONS, RECOMMENDATIONS
from cxml.schema.policy_frames import VALUE_CURVE

if TYPE_CHECKING:
    import pandas as pd

_SHARES: Final = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
_BUDGET: Final = "budget of the curve"


@dataclass(frozen=True)
class PolicySimulated:
    """What a policy would do to the customers of a moment; nothing is recorded.

    ``recommendations`` is a RECOMMENDATIONS frame; ``funnel`` says how many customers are left at each stage, ``mix``
    which share of each segment gets what (None where no column tells groups); ``curve`` is a VALUE_CURVE frame: spend
    and expected value under other budgets.
    """

    recommendations: pd.DataFrame
    funnel: pd.DataFrame
    mix: pd.DataFrame | None
    curve: pd.DataFrame
    notes: tuple[str, ...]
    text: str


def simulate_policy(
    config: CompanyConfig,
    *,
    policy: PolicyConfig | None = None,
    by: str | None = None,
    budgets: Sequence[float] | None = None,
    frames: plan.Frames | None = None,
    models: str | Path = "models",
    as_of: datetime | None = None,
    picture: str | Path | None = None,
    step: plan.Step = plan.quiet,
) -> PolicySimulated:
    """Decide for every customer as a policy would, without carrying it out.

    Parameters
    ----------
    config : CompanyConfig
    policy : by default that of the config
    by : column of the features whose groups the mix is told of; by default ``segment``, where it is there
    budgets : amounts of money, in the company's currency, for the curve; by default shares of what is spent without one
    frames, models, as_of, step : as for `score`
    picture : file that the curve is drawn to (``.svg`` or ``.png``)

    Raises
    ------
    ConfigError
        If there is no policy, ``by`` is no feature, or a budget is below 0 or infinite.
    """
    from cxml.report.policy_counts import action_mix, funnel_counts
    from cxml.report.policy_simulation_text import policy_simulation_text
    from cxml.sinks.picture_files import drawable_path, write_picture

    simulated = with_policy(config, policy)
    if budgets is not None and not len(budgets):
        raise ConfigError("budgets: there are none. Name some amounts, or leave them out.")
    if bad := [budget for budget in budgets or () if not 0 <= budget < inf]:
        raise ConfigError(f"budgets: must be 0 or more, and finite; the first that is not is {bad[0]!r}.")
    if picture is not None:
        drawable_path(picture)
    with step("check tables"):
        predictor, tables, features = read_as_trained(simulated, models, frames)
        moment, predictor = moment_of(tables, as_of), as_configured(simulated, predictor, tables, features)
    with step("build features"):
        frame = policy_frame(simulated, tables, features, everyone_at(tables, moment))
    group = told_by(frame, by)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnseenCategoryWarning)  # scoring tells of them
        with step("predict"):
            predictions = checked_frame(predictor.predict(frame), PREDICTIONS)
        with step("recommend"):
            found, allocated = predictor.allocate(frame, predictions=predictions)
        with step("recommend under other budgets"):
            curve = _curve(predictor, frame, predictions, budgets)
    recommendations = checked_frame(found, RECOMMENDATIONS)
    funnel = funnel_counts(recommendations)
    mix = None if group is None else action_mix(recommendations, frame, by=group)
    text = policy_simulation_text(
        f"{config.company}: what the policy would do to {len(frame):,} customers as of {moment:%Y-%m-%d}",
        recommendations, funnel, mix, curve, by=group, currency=config.currency, allocated=allocated,
    )  # fmt: skip
    if picture is not None:
        from cxml.report.policy_value_pictures import value_curve_picture

        write_picture(value_curve_picture(curve, currency=config.currency), picture)
    return PolicySimulated(recommendations, funnel, mix, curve, tuple(uncounted(simulated, tables)), text)


def _curve(
    predictor: Predictor, frame: pd.DataFrame, predictions: pd.DataFrame, budgets: Sequence[float] | None
) -> pd.DataFrame:
    """Return the VALUE_CURVE frame: a row for each budget."""
    import pandas as pd

    policy = predictor.policy
    assert policy is not None
    # Who is explored with or held out depends on no budget, and would only blur the curve.
    plain = replace(policy, exploration_share=0.0, holdout_share=0.0)
    customers, moments, columns = predictor.seen(frame, predictions=predictions)
    run = run_of(plain, columns, customers, moments)
    if budgets is None:
        most = _spent(plain, run, customers)[c.COST]
        budgets = [share * most for share in _SHARES]
    amounts = sorted({float(budget) for budget in budgets})
    rows = [{c.BUDGET: amount, **_spent(_within(plain, amount), run, customers)} for amount in amounts]
    return checked_frame(pd.DataFrame(rows), VALUE_CURVE)


def _within(policy: Policy, amount: float) -> Policy:
    """Return a policy that may spend no more than so much, beside the limits that it has."""
    options = tuple(range(len(policy.options)))
    return replace(policy, limits=(*policy.limits, RunLimit(_BUDGET, "cost", options, amount, None)))


def _spent(policy: Policy, run: Run, customers: Sequence[str]) -> dict[str, float]:
    """Return what a policy spends on customers, what that is expected to bring, and what one more unit would."""
    look, _, made = arbitrated(policy, run, customers)
    expected = expected_values(policy, made.chosen, run)
    limits = made.allocated.limits if made.allocated is not None else ()
    return {
        c.COST: float(look.cost[np.arange(run.n_rows), made.chosen].sum()),
        c.EXPECTED_VALUE: float(expected.value.sum()),
        c.EXPECTED_LOW: float(expected.low.sum()),
        c.EXPECTED_HIGH: float(expected.high.sum()),
        c.N_CHOSEN: float((made.chosen != policy.nothing).sum()),
        c.PRICE: next((limit.price for limit in limits if limit.name == _BUDGET), 0.0),
    }
