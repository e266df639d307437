"""The loop: twelve months of decisions that take effect and come back as data, against the best there is.

The sample company is lived by several ways of deciding, each from the same start: two years in which nobody gets an
action. Every month those whose contract ends in about 60 days are decided for. A decision is worth what it truly adds,
which the simulation knows: (P(renewed | action) - P(renewed | none)) x 12 x price - cost. ``wanted`` is what the best
decisions for the same customers would have been worth; each way has its own customers after a while, for who renews
depends on it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from benchmarks.figures import Figures

if TYPE_CHECKING:
    from cxml.config.company import CompanyConfig
    from cxml.simulate import LiveCompany

_SIZES: Final = {"small": (1_000, 4), "full": (16_000, 12)}  # customers, months
_SEED: Final = 0
_MONTHS_BEFORE: Final = 24  # with 18, a renewal model of 4,000 customers has no signal that holds up
_QUARTERS: Final = 4
# What somebody might assume who has measured nothing: every action may be tried on everybody, and helps alike.
_EFFECT: Final = "0.4 * renewal_risk * (1 - renewal_risk)"
_POLICY: Final[Mapping[str, Any]] = {
    "holdout_share": 0,
    "exploration_share": 0.4,
    "exploration": {"method": "thompson", "by": "segment"},
    "actions": [
        {"name": "rescue_call", "channel": "phone", "cost": 9, "effect": _EFFECT},
        {"name": "discount", "channel": "mobile", "cost": "0.15 * value", "effect": _EFFECT},
        {"name": "service_fix", "channel": "store", "cost": 18, "effect": _EFFECT},
        {"name": "thank_you", "channel": "web", "cost": 3, "effect": _EFFECT},
    ],
}
_ASSUMED: Final = {"effects": {"use": "assumed"}, "exploration_share": 0, "exploration": {}}

Decide = Callable[["LiveCompany", int], pd.DataFrame | None]
"""The decisions of a month, by what the company knows when it begins: as `LiveCompany.live_month` takes them."""


def run(scale: str) -> Figures:
    from cxml.simulate import LiveCompany

    n_customers, months = _SIZES[scale]
    start = partial(LiveCompany, n_customers, months_before=_MONTHS_BEFORE, random_state=_SEED, campaign=False)
    with tempfile.TemporaryDirectory() as models:
        _train(start(), models)  # before anybody got an action: what actions change is learnt in the loop alone
        ways: dict[str, Decide] = {
            "nothing": lambda company, month: None,
            "assumed effects": partial(assumed, models=models),
            "random": random,
            "learning": partial(learning, models=models),
            "oracle": lambda company, month: _best(company),
        }
        return [row for way, deciding in ways.items() for row in _lived(way, start(), deciding, months)]


def random(company: LiveCompany, month: int) -> pd.DataFrame:
    """Return any action for everybody who is due, all equally likely."""
    from cxml.simulate.renewal import ACTIONS

    due = company.due()
    action = np.random.default_rng([_SEED, month]).integers(0, len(ACTIONS), size=len(due))
    return due.assign(action=np.array(ACTIONS, dtype=object)[action], propensity=1 / len(ACTIONS))


def assumed(company: LiveCompany, month: int, *, models: str) -> pd.DataFrame:
    """Return the decisions of the policy, with effects as it assumes them and nobody explored with."""
    return _recommended(company, models, {**_POLICY, **_ASSUMED})


def learning(company: LiveCompany, month: int, *, models: str) -> pd.DataFrame:
    """Return the decisions of the policy, with effects learnt anew each month from what came of its own decisions."""
    from cxml.errors import TrainingError
    from cxml.pipeline.policy_learning import learn_policy

    config, frames = _known(company, _POLICY, with_actions=month > 0)
    if month > 0:
        with suppress(TrainingError):  # nothing has come of any decision yet
            learn_policy(config, frames=frames, models=models)
    return _recommended(company, models, _POLICY)


def _recommended(company: LiveCompany, models: str, policy: Mapping[str, Any]) -> pd.DataFrame:
    """Return what a policy recommends for those who are due, by the bundle as it is."""
    from cxml.pipeline.scoring import score

    config, frames = _known(company, policy, with_actions=False)
    scored = score(config, frames=frames, models=models, as_of=company.as_of.to_pydatetime())
    assert scored.recommendations is not None  # the config has a policy
    return scored.recommendations.merge(company.due()[["customer_id"]], on="customer_id")


def _best(company: LiveCompany) -> pd.DataFrame:
    due, profit = company.due(), _profit(company)
    return due.assign(action=profit.loc[due["customer_id"]].idxmax(axis=1).to_numpy())


def _profit(company: LiveCompany) -> pd.DataFrame:
    """Return what each action truly brings for each customer: a row per customer, a column per action."""
    from cxml.simulate.actions import action_cost_eur
    from cxml.simulate.renewal import ACTIONS

    truth = company.truth().set_index("customer_id")
    price, none = truth["price"].to_numpy(), truth["p_renew_no_action"].to_numpy()
    return pd.DataFrame(
        {
            name: (truth[f"p_renew_{name}"].to_numpy() - none) * 12 * price
            - action_cost_eur(np.full(len(truth), code), price)
            for code, name in enumerate(ACTIONS)
        },
        index=truth.index,
    )


def _lived(way: str, company: LiveCompany, deciding: Decide, months: int) -> Figures:
    """Return the figures of a company that is lived by one way of deciding."""
    wanted, got, start = [], [], company.as_of
    for month in range(months):
        profit = _profit(company).loc[company.due()["customer_id"]]
        decisions = deciding(company, month)
        company.live_month(decisions)
        wanted.append(float(profit.max(axis=1).sum()))
        taken = pd.DataFrame({"customer_id": [], "action": []}) if decisions is None else decisions
        place = profit.columns.get_indexer(pd.Index(taken["action"]))
        got.append(float(profit.to_numpy()[profit.index.get_indexer(pd.Index(taken["customer_id"])), place].sum()))
    spans = {
        f"EUR, months {part[0] + 1} to {part[-1] + 1}": part for part in np.array_split(np.arange(months), _QUARTERS)
    }
    spans |= {"EUR, all months": np.arange(months)}
    rows: list[dict[str, str | float]] = []
    for what, span in spans.items():
        most, found = (sum(values[month] for month in span) for values in (wanted, got))
        rows.append({"what": what, "way": way, "wanted": f"{most:,.0f}", "got": f"{found:,.0f}", "ratio": found / most})
    contracts = company.tables()["contracts"]
    ended = contracts[contracts["end_time"].between(start, company.as_of, inclusive="left")]
    renewed = f"{ended['renewed'].astype('float').mean():.3f}"
    rows.append(
        {"what": f"renewed, of {len(ended):,} that ended", "way": way, "wanted": "", "got": renewed, "ratio": ""}
    )
    return rows


def _train(company: LiveCompany, models: str) -> None:
    from cxml.pipeline.training import train

    config, frames = _known(company, _POLICY, with_actions=False)
    train(config, frames=frames, models=models)


def _known(
    company: LiveCompany, policy: Mapping[str, Any], *, with_actions: bool
) -> tuple[CompanyConfig, Mapping[str, pd.DataFrame]]:
    """Return a config and the tables of what is known; the models were trained without any action, and read none."""
    from cxml.config.labels import LabelsConfig, RenewalLabel
    from cxml.config.load import example_config, load_config
    from cxml.config.policy import PolicyConfig

    config = load_config(example_config("sample.yaml"))
    frames = dict(company.tables())
    known: dict[str, Any] = {
        "labels": LabelsConfig(renewal=RenewalLabel()),
        "policy": PolicyConfig.model_validate(policy),
    }
    if not with_actions:
        known["tables"] = config.tables.model_copy(update={"actions": None})
        del frames["actions"]
    return config.model_copy(update=known), frames
