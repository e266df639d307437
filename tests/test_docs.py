"""What the documentation says is what the code does."""

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import yaml

import cxml
from cxml.conditions import parse, tree
from cxml.config.company import CompanyConfig
from cxml.config.features import Feature, features_from_json
from cxml.config.policy import PolicyConfig
from cxml.prescriptive.compiling import compiled_policy
from cxml.prescriptive.decisions import decisions
from cxml.prescriptive.draws import propensity
from cxml.prescriptive.past_actions import past_features
from cxml.prescriptive.policy import PREDICTED
from cxml.schema.figures import FIGURES
from cxml.schema.frames import RECOMMENDATIONS
from cxml.schema.tables import TABLES

ROOT = Path(__file__).parents[1]
COMPANY = (ROOT / "docs" / "company.md").read_text(encoding="utf-8")
FEATURES = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
POLICY = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")

# The columns that the examples of policy.md read, and the policy that those are part of which are none by themselves.
KINDS = {
    **dict.fromkeys(("region", "segment", "contract_plan"), "category"),
    **dict.fromkeys(
        ("age", "tenure_days", "contract_days_to_end", "price_orientation", "unsolved_contacts_90d"), "number"
    ),
    **dict.fromkeys(("open_complaints", "channel_mobile_share_365d"), "number"),
    "accepts_messages": "flag",
}
WHOLE = {
    "groups": {"discounts": {"issue": "retention"}},
    "actions": [
        {"name": "discount", "group": "discounts", "channel": "mail", "uses": {"coupons": 1}},
        {"name": "rescue_call", "issue": "retention", "channel": "phone", "uses": {"agent_hours": 0.5}},
        {"name": "trial", "issue": "growth", "channel": "mobile"},
    ],
}


def blocks(text, language):
    return [part.split("```")[0] for part in text.split(f"```{language}\n")[1:]]


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_every_table_is_documented(table):
    section = COMPANY.split(f"### {table}: ")[1].split("\n### ")[0].split("\n## ")[0]
    for column in TABLES[table].columns:
        assert column.name == "known_time" or f"| `{column.name}` |" in section


def test_every_key_of_the_config_is_documented():
    schema = CompanyConfig.model_json_schema()
    parts = [schema, *(part for part in schema["$defs"].values() if "properties" in part)]
    keys = {key for part in parts for key in part["properties"]} - set(TABLES) - {"nps", "kind"}
    assert [key for key in sorted(keys) if f"| `{key}` |" not in COMPANY + FEATURES + POLICY] == []


def test_every_kind_of_feature_is_documented_and_the_examples_are_read():
    kinds = [kind.model_fields["kind"].default for kind in get_args(get_args(Feature)[0])]
    assert [kind for kind in kinds if f"### kind: {kind}\n" not in FEATURES] == []
    examples = yaml.safe_load(FEATURES.split("```yaml\n")[1].split("```")[0])["features"]["add"]
    assert {feature.kind for feature in features_from_json(examples)} >= {"promise", "segment", "ratio", "environment"}


def test_every_figure_is_defined():
    indicators = (ROOT / "docs" / "indicators.md").read_text(encoding="utf-8")
    assert [name for name in FIGURES if f"| `{name}` |" not in indicators] == []


def test_every_path_that_the_readme_names_is_there():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = {part.split(")")[0] for part in readme.split("](")[1:]}
    assert linked
    assert [path for path in sorted(linked) if not path.startswith("http") and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("example", blocks(POLICY, "yaml"))
def test_every_example_of_a_policy_can_be_compiled(example):
    said = yaml.safe_load(example)
    config = PolicyConfig.model_validate(said if "actions" in said else WHOLE | said)
    compiled_policy(config, KINDS, has_value=True)
    counted = {
        feature.name for feature in past_features(config, {"actions": ("channel",), "outcomes": ("action", "channel")})
    }
    named = {"contacts_30d", "contacts_phone_60d", "past_action_discount_180d", "past_issue_growth_refused_90d"}
    assert counted == named if "contact_policy" in said else not counted


def test_the_policy_of_the_readme_can_be_compiled():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = [block for block in blocks(readme, "yaml") if block.startswith("actions:")]
    compiled_policy(PolicyConfig.model_validate(yaml.safe_load(example)), KINDS, has_value=True)


def test_the_golden_cases_of_the_documentation_are_decided_so_by_its_first_policy():
    found = [yaml.safe_load(example) for example in blocks(POLICY, "yaml")]
    cases = next(example for example in found if "cases" in example)
    config = PolicyConfig.model_validate(found[0] | cases | {"holdout_share": 0})
    policy = compiled_policy(config, {}, has_value=True)
    assert [case.expect for case in config.cases] == ["rescue_call", "no_action"]
    for case in config.cases:
        columns = {name: np.array([case.given.get(name, np.nan)]) for name in ("renewal_risk", "value")}
        moment = np.array([case.given.get("as_of", "2024-06-01")], dtype="datetime64[us]")
        made, _ = decisions(policy, columns, ["a customer"], moment)
        assert made.action.tolist() == [case.expect]
        assert case.channel in (None, made.channel[0])


def test_every_column_of_a_recommendation_is_documented():
    section = POLICY.split("## What a recommendation tells\n")[1].split("\n## ")[0]
    told = "".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
    assert [name for name in RECOMMENDATIONS.names if f"`{name}`" not in told] == []


def test_every_function_of_the_grammar_is_documented_and_the_examples_are_read():
    section = POLICY.split("## Conditions and expressions\n")[1]
    assert [name for name in tree.FUNCTIONS if f"`{name.upper()}" not in section] == []
    examples = blocks(section, "sql")[0].splitlines()
    assert len(examples) == 6
    for example in examples:
        parse.condition(example, KINDS | PREDICTED, where="docs/policy.md")


def test_the_propensities_that_the_documentation_works_out_are_those_of_the_code():
    chosen, odds = np.array([0, 1, 3]), np.full(3, 1 / 4)
    found = propensity(chosen, np.zeros(3, int), odds, nothing=3, holdout_share=0.05, exploration_share=0.02)
    said = POLICY.split("the best action has\n")[1].split(".\n")[0]
    assert [f"{value:.3f}" for value in found] == ["0.936", "0.005", "0.055"]
    assert all(f"{value:.3f}" in said for value in found)


def test_every_command_and_function_that_the_page_of_worth_names_is_there():
    from cxml.cli import main

    page = (ROOT / "docs" / "worth.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"`cxml ((?:policy )?[a-z]+)", page))
    assert {"policy evaluate", "policy simulate", "policy measure", "policy learn", "outcomes"} <= commands
    for command in commands:
        first, *rest = command.split()
        found = main.commands[first]
        assert not rest or rest[0] in found.commands
    functions = set(re.findall(r"`cxml\.([a-z_]+)[(`]", page))
    assert functions
    assert [name for name in sorted(functions) if not hasattr(cxml, name)] == []
