"""A small company whose actions were drawn by chance and whose effects are known, because they are planted here.

Customers are of two segments. A call keeps customers at risk who would have gone, and changes nothing for the loyal; a
letter changes nothing for anybody; nobody was ever sent a gift. A fifth is held out; what the others got was drawn, by
segment with other odds.
"""

from pathlib import Path

import numpy as np
import pandas as pd

COMPANY = """
company: planted
currency: EUR
as_of: 2024-01-01
tables:
  customers: {path: customers.parquet}
  contracts: {path: contracts.parquet}
  actions: {path: actions.parquet}
labels: {renewal: {horizon_days: 120, every_days: 61}}
features:
  defaults: false
  add:
    - {kind: attribute, name: segment, column: segment}
    - {kind: attribute, name: age, column: age}
    - {kind: contract, name: contract_price, column: price}
models: {max_trees: 20, learning_rate: 0.3, num_leaves: 4}
value: 6 * contract_price
policy: policy.yaml
"""

POLICY = """
actions:
  - {name: call, channel: phone, cost: 5, effect: 0}
  - {name: letter, channel: mail, cost: 1, effect: 0}
holdout_share: 0
"""

PRICE = 20.0
WORTH = 6 * PRICE
ACTIONS = ("no_action", "call", "letter")
ODDS = {"at_risk": (0.2, 0.5, 0.3), "loyal": (0.4, 0.3, 0.3)}
"""How likely each action is for a customer of a segment who is not held out."""
STAYS = {
    "at_risk": {"no_action": 0.35, "call": 0.70, "letter": 0.35},
    "loyal": {"no_action": 0.90, "call": 0.90, "letter": 0.90},
}
"""The chance to renew, by segment and action."""
COST = {"no_action": 0.0, "call": 5.0, "letter": 1.0}
HELD_OUT = 0.2
NOW = pd.Timestamp("2024-01-01", tz="UTC")


def propensity(segment: str, action: str) -> float:
    """Return how likely an action was for a customer of a segment, over both draws."""
    drawn = (1 - HELD_OUT) * ODDS[segment][ACTIONS.index(action)]
    return drawn + HELD_OUT if action == "no_action" else drawn


def share_that_stays(tables: dict[str, pd.DataFrame], policy: dict[str, str]) -> float:
    """Return the true share that would stay if each segment got the action that a policy has for it."""
    return float(tables["customers"]["segment"].map({name: STAYS[name][policy[name]] for name in STAYS}).mean())


def planted_tables(n_customers: int = 3_000, *, seed: int = 1) -> dict[str, pd.DataFrame]:
    """Return customers, contracts and actions: each customer was decided for once, 60 days before a contract ended.

    Who renewed has a second contract, which is in force at the moment of the data.
    """
    rng = np.random.default_rng(seed)
    ids = np.array([f"c{i:05d}" for i in range(n_customers)], dtype=object)
    segment = np.where(rng.random(n_customers) < 0.5, "at_risk", "loyal").astype(object)
    held = rng.random(n_customers) < HELD_OUT
    place = np.array([0 if out else rng.choice(3, p=ODDS[name]) for name, out in zip(segment, held, strict=True)])
    stays = np.array([STAYS[name][ACTIONS[k]] for name, k in zip(segment, place, strict=True)])
    renewed = rng.random(n_customers) < stays
    end = pd.Timestamp("2023-04-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 240, n_customers), "D")
    customers = pd.DataFrame({"customer_id": ids, "segment": segment, "age": rng.integers(18, 80, n_customers) * 1.0})
    first = pd.DataFrame(
        {
            "customer_id": ids,
            "contract_id": [f"k{i:05d}" for i in range(n_customers)],
            "start_time": end - pd.to_timedelta(365, "D"),
            "end_time": end,
            "price": PRICE,
            "renewed": pd.array(renewed, dtype="boolean"),
        }
    )
    second = first[renewed].assign(
        contract_id=lambda frame: frame["contract_id"] + "b",
        start_time=lambda frame: frame["end_time"],
        end_time=lambda frame: frame["end_time"] + pd.to_timedelta(365, "D"),
        renewed=pd.array([pd.NA] * int(renewed.sum()), dtype="boolean"),
    )
    actions = pd.DataFrame(
        {
            "customer_id": ids,
            "action_time": end - pd.to_timedelta(60, "D"),
            "action": [ACTIONS[k] for k in place],
            "propensity": [propensity(name, ACTIONS[k]) for name, k in zip(segment, place, strict=True)],
            "cost": [COST[ACTIONS[k]] for k in place],
            "holdout": held,
        }
    )
    return {"customers": customers, "contracts": pd.concat([first, second], ignore_index=True), "actions": actions}


def write_planted(folder: Path, tables: dict[str, pd.DataFrame]) -> Path:
    """Write the company, its policy and its tables to a folder, and return the path of its company.yaml."""
    for name, frame in tables.items():
        frame.to_parquet(folder / f"{name}.parquet")
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "company.yaml").write_text(COMPANY, encoding="utf-8")
    return folder / "company.yaml"
