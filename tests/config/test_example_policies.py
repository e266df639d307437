"""The policies that cxml brings are of the sample company, and decide as their cases say."""

import re
from dataclasses import replace
from datetime import datetime
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from cxml.config.load import example_config, load_config
from cxml.descriptive.sources import read_tables
from cxml.pipeline import plan
from cxml.pipeline.policy_features import policy_of
from cxml.prescriptive.decisions import decisions
from cxml.prescriptive.policy import PREDICTED
from cxml.simulate import simulate

NOW = "2024-07-01"
TEXT = ("category", "key", "text")


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """Return a function that gives the sample company's config with a policy file, and that policy compiled."""
    tables = simulate(300, random_state=0).tables
    folder = tmp_path_factory.mktemp("configs")
    known = SimpleNamespace(tables=None, features=(), kinds={})

    @cache
    def of(policy_file):
        text = example_config("sample.yaml").read_text(encoding="utf-8")
        (folder / "sample.yaml").write_text(text.replace("policy: policy.yaml", f"policy: {policy_file}"))
        config = load_config(folder / "sample.yaml")
        if known.tables is None:
            known.tables = read_tables(config, tables)
            known.features = plan.plan_of(config, known.tables).features
            kinds = plan.kinds_of(known.features, known.tables)
            known.kinds = {name: "category" if kind in TEXT else "number" for name, kind in kinds.items()}
        return config, policy_of(config, known.tables, known.features, known.kinds)

    return of


def decided(policy, given):
    """Return the action and the channel for one customer, of whom only these values are known, left to no chance.

    One customer takes little of any limit, so the limits over all customers are left out.
    """
    alone = replace(policy, limits=(), fairness=(), holdout_share=0.0, exploration_share=0.0)
    texts = {name for name, kind in PREDICTED.items() if kind == "category"}
    texts |= {name for name, kind in policy.reads.items() if kind == "text"}
    columns = {
        name: np.array([given.get(name)], dtype=object)
        if name in texts
        else np.array([np.nan if given.get(name) is None else given[name]], dtype=float)
        for name in (*PREDICTED, *policy.reads)
    }
    moment = np.array([np.datetime64(datetime.fromisoformat(given.get("as_of", NOW)), "us")])
    found, _ = decisions(alone, columns, ["a customer"], moment)
    return found.action[0], found.channel[0]


def cases(name):
    text = example_config(name).read_text(encoding="utf-8")
    return [pytest.param(name, i, id=case["name"]) for i, case in enumerate(yaml.safe_load(text)["cases"])]


@pytest.mark.parametrize(("name", "place"), [*cases("policy.yaml"), *cases("policy_full.yaml")])
def test_the_cases_of_the_example_policies_pass(company, name, place):
    config, policy = company(example_config(name))
    case = config.policy.cases[place]
    assert case.given.keys() - {"as_of"} <= {*PREDICTED, *policy.reads}
    action, channel = decided(policy, case.given)
    assert (action, channel if case.channel else None) == (case.expect, case.channel)


def test_the_limits_that_the_first_policy_has_in_comments_can_be_used(company, tmp_path):
    text = example_config("policy.yaml").read_text(encoding="utf-8")
    (tmp_path / "policy.yaml").write_text(re.sub(r"(?m)^#(?! \S|$)", "", text))
    config, policy = company(tmp_path / "policy.yaml")
    assert {(limit.name, limit.amount) for limit in policy.limits} == {("budget", 10_000), ("calls", 200)}
    assert config.policy.plan_days == 5


def test_the_full_policy_uses_every_key_that_a_policy_has(company):
    config, policy = company(example_config("policy_full.yaml"))
    assert config.policy.model_fields_set == set(type(config.policy).model_fields)
    assert config.policy.contact_policy.model_fields_set == {"max_contacts", "window_days", "channels", "suppress"}
    assert len({option.channel for option in policy.options if option.action == "discount"}) == 3
    assert (policy.plan_days, policy.exploration_share, policy.holdout_share) == (5, 0.02, 0.05)
