"""Every figure of what it is worth: policy values, effects of actions, the policy that ships, the loop.

The first are those of `policy_value`, `uplift` and `loop`, which can be run alone. Beside them stands the whole way on
the sample company: `train` with its log of actions, `score` with contacts for a tenth of the customers, nothing assumed
of any action; what the decisions truly add, against the best there are and against today's habit, the riskiest tenth
with the one action that serves them best in truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from benchmarks import loop, policy_value, uplift
from benchmarks.figures import Figures

CUSTOMERS: Final = {"small": 2_000, "full": 50_000}
SHARE: Final = 0.1
_COLUMNS: Final = ("what", "way", "wanted", "got", "ratio")
_ACTIONS: Final = (
    {"name": "rescue_call", "channel": "phone", "cost": 9},
    {"name": "discount", "channel": "mobile", "cost": "0.15 * value"},
    {"name": "service_fix", "channel": "store", "cost": 18},
    {"name": "thank_you", "channel": "web", "cost": 3},
)
Row = Mapping[str, str | float]


def run(scale: str) -> Figures:
    found: list[Row] = [*policy_value.run(scale), *uplift.run(scale), *_shipped(CUSTOMERS[scale]), *loop.run(scale)]
    return [{column: row.get(column, "") for column in _COLUMNS} for row in found]


def _shipped(n: int) -> Iterator[Row]:
    """Yield what the recommendations of `cxml score` truly add, against the oracle's and the riskiest tenth's."""
    import pandas as pd

    from cxml.simulate import simulate
    from cxml.simulate.actions import action_cost_eur
    from cxml.simulate.renewal import ACTIONS

    company = simulate(n)
    truth = company.truth.set_index("customer_id")
    price, none = truth["price"].to_numpy(), truth["p_renew_no_action"].to_numpy()
    profit = pd.DataFrame(
        {
            name: (truth[f"p_renew_{name}"].to_numpy() - none) * 12 * price
            - action_cost_eur(np.full(len(truth), code), price)
            for code, name in enumerate(ACTIONS)
        },
        index=truth.index,
    )
    contacts = round(SHARE * len(truth))
    found, risk = _recommended(company, contacts)
    got = np.array([profit.at[customer, action] for customer, action in found.items()])
    best = profit.max(axis=1).nlargest(contacts).clip(lower=0).sum()
    yield {
        "what": f"cxml score, {len(truth):,} customers, contacts for {SHARE:.0%}: true incremental profit",
        "way": "of the oracle's", "wanted": ">= 85%", "got": f"{got.sum():,.0f} of {best:,.0f} EUR",
        "ratio": float(got.sum() / best),
    }  # fmt: skip
    riskiest = risk.reindex(truth.index).nlargest(contacts).index
    habit = max((name for name in ACTIONS if name != "no_action"), key=lambda name: profit.loc[riskiest, name].sum())
    by_risk = pd.Series(0.0, index=truth.index)
    by_risk[riskiest] = profit.loc[riskiest, habit]
    more = pd.Series(got, index=found.index).reindex(truth.index).fillna(0.0).to_numpy() - by_risk.to_numpy()
    rng = np.random.default_rng(0)
    drawn = [more[rng.integers(len(more), size=len(more))].sum() for _ in range(500)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    yield {
        "what": f"cxml score, contacts for {SHARE:.0%}: more than the riskiest",
        "way": f"predicted risk, all with {habit}, {by_risk.sum():,.0f} EUR", "wanted": "> 0",
        "got": f"{more.sum():,.0f} [{low:,.0f}, {high:,.0f}] EUR",
    }  # fmt: skip


def _recommended(company: Any, contacts: int) -> tuple[Any, Any]:
    """Return the action and the predicted risk of each customer, by `train` and `score`."""
    from cxml.config.labels import LabelsConfig, RenewalLabel
    from cxml.config.load import example_config, load_config
    from cxml.config.policy import PolicyConfig
    from cxml.pipeline.scoring import score
    from cxml.pipeline.training import train

    policy = {"holdout_share": 0, "limits": [{"of": "contacts", "amount": contacts}], "actions": _ACTIONS}
    changed = {"labels": LabelsConfig(renewal=RenewalLabel()), "policy": PolicyConfig.model_validate(policy)}
    config = load_config(example_config("sample.yaml")).model_copy(update=changed)
    with TemporaryDirectory() as models:
        train(config, frames=company.tables, models=models)
        scored = score(config, frames=company.tables, models=models)
    assert scored.recommendations is not None  # the config has a policy
    decided = scored.recommendations.set_index("customer_id")["action"]
    return decided, scored.predictions.set_index("customer_id")["renewal_risk"]
