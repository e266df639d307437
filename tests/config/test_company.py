from datetime import UTC, date, datetime

import pytest
from pydantic import BaseModel, ValidationError

from cxml.config import CompanyConfig, company, features, labels, policy, policy_limits, tables
from cxml.config.base import Part
from cxml.config.features import Facts
from cxml.config.policy_limits import Scope
from cxml.config.tables import FileConfig
from cxml.errors import ConfigError


def customers(**keys):
    return {"tables": {"customers": keys}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-01", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-01-01T12:30:00", datetime(2024, 1, 1, 12, 30, tzinfo=UTC)),
        ("2024-01-01T12:30:00Z", datetime(2024, 1, 1, 12, 30, tzinfo=UTC)),
        ("2024-01-01T01:00:00+02:00", datetime(2023, 12, 31, 23, tzinfo=UTC)),
        ("'2024-01-01T01:00:00+02:00'", datetime(2023, 12, 31, 23, tzinfo=UTC)),
    ],
)
def test_as_of_is_in_utc(loaded, text, expected):
    as_of = loaded(f"as_of: {text}\n").as_of
    assert (as_of, as_of.tzinfo) == (expected, UTC)


def test_a_column_of_the_file_is_given_to_one_of_ours(parsed):
    with pytest.raises(ConfigError, match="the column 'area' of the file is given to two of ours"):
        parsed(**customers(columns={"region": "area", "segment": "area"}))


def test_as_of_may_be_a_date_and_may_be_left_out(parsed):
    assert parsed(as_of=date(2024, 1, 1)).as_of == datetime(2024, 1, 1, tzinfo=UTC)
    assert parsed().as_of is None


@pytest.mark.parametrize("text", ["soon", "20240101", "2024", "1704067200"])
def test_what_is_no_moment_is_refused(refused, text):
    assert "as_of: " in refused(f"as_of: {text}\n")


@pytest.mark.parametrize("scale", [[5, 1], [3, 3]])
def test_a_scale_goes_from_the_lowest_to_the_highest(parsed, scale):
    assert parsed(**customers(scale=[0, 100])).tables.customers.scale == (0.0, 100.0)
    with pytest.raises(ConfigError, match=r"tables\.customers\.scale: must be \[lowest, highest\]"):
        parsed(**customers(scale=scale))


def test_health_weights_something(parsed):
    assert parsed(health={"renewal": 0, "advocacy": 2}).health.advocacy == 2
    with pytest.raises(ConfigError, match="health: one of the weights must be above 0"):
        parsed(health={"renewal": 0, "advocacy": 0})


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"company": "1st choice"}, r"company: string should match pattern .*; it is '1st choice'\."),
        ({"memory_limit": "lots"}, r"memory_limit: must be a size such as 2GB; it is 'lots'\.$"),
        ({"memory_limit": 2}, r"memory_limit: must be a size such as 2GB; it is 2\.$"),
        ({"company": ""}, "company: string should match pattern"),
        ({"features": {"windows_days": [30, 0]}}, r"features\.windows_days\[1\]: should be greater than 0; it is 0\."),
        ({"models": {"test_share": 1}}, r"models\.test_share: should be less than 1; it is 1\."),
        ({"models": {"learning_rate": 0}}, r"models\.learning_rate: should be greater than 0; it is 0\."),
        ({"strict": "perhaps"}, r"strict: should be a valid boolean.*it is 'perhaps'\."),
        ({"tables": {"customers": "c.csv"}}, r"tables\.customers: should be .*it is 'c.csv'\."),
        ({"tables": {"customers": {"columns": {"since": 3}}}}, r"tables\.customers\.columns\.since: .*; it is 3\."),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_the_value(parsed, keys, says):
    with pytest.raises(ConfigError, match=f"^config: {says}"):
        parsed(**keys)


def test_a_value_expression_is_kept_as_it_was_written(parsed):
    assert parsed(value="12 * MonthlyCharges").value == "12 * MonthlyCharges"
    assert parsed(value=600).value == 600.0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_customer_is_worth_a_finite_number(parsed, value):
    with pytest.raises(ConfigError, match="value: "):
        parsed(value=value)


def test_a_config_and_its_parts_are_frozen(parsed):
    config = parsed(policy={"actions": [{"name": "call"}]})
    for part, key in [(config, "company"), (config.tables.customers, "path"), (config.policy.actions[0], "cost")]:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, key, "x")


def test_what_is_left_out_has_its_default(parsed):
    config = parsed()
    assert (config.currency, config.strict, config.random_state, config.policy) == ("EUR", False, 0, None)
    assert (config.features.windows_days, config.labels.renewal.horizon_days) == ((7, 30, 90, 365), 365)
    assert (config.health.renewal, config.health.advocacy) == (0.6, 0.4)


def test_the_json_schema_describes_every_key_of_every_part():
    found = CompanyConfig.model_json_schema()
    described = {"CompanyConfig": found, **found["$defs"]}
    parts = {
        part.__name__: part
        for module in (company, features, labels, policy, policy_limits, tables)
        for part in vars(module).values()
        if isinstance(part, type)
        and issubclass(part, BaseModel)
        and part not in (BaseModel, Part, Facts, FileConfig, Scope)
    }
    assert {"CompanyConfig", "TableConfig", "JoinedFile", "PolicyConfig", "Trend"} <= set(parts)
    for name, part in parts.items():
        assert set(described[name]["properties"]) == set(part.model_fields)
        assert described[name]["additionalProperties"] is False
