"""Policy files that are absurd, or written to do harm, end in one clear and short error."""

import os
import re
import threading
from datetime import date

import pytest
import yaml

from cxml.config import load_config, yaml_file
from cxml.config.policy import PolicyConfig
from cxml.errors import ConfigError
from cxml.prescriptive.compiling import compiled_policy

TEXT = "company: acme\ntables: {customers: {path: c.csv}}\nlabels: {renewal: {}}\npolicy: policy.yaml\n"
ACTION = "actions: [{name: call, channel: phone}]\n"
NINE = 9


@pytest.fixture
def refused(tmp_path):
    """Return the message with which a policy file is refused: short, and naming the file."""

    def of(text):
        (tmp_path / "company.yaml").write_text(TEXT)
        (tmp_path / "policy.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ConfigError) as caught:
            load_config(tmp_path / "company.yaml")
        message = str(caught.value)
        assert len(message) < 2_000
        assert "policy" in message
        return message

    return of


def laughs(first, each):
    """Return anchors, each of which names the one before nine times."""
    lines = [f"x0: &x0 {first}"]
    lines += [f"x{i}: &x{i} {each(', '.join([f'*x{i - 1}'] * NINE))}" for i in range(1, 12)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("bomb", [laughs("[a]", "[{}]".format), laughs("{a: 1}", lambda them: f"{{<<: [{them}]}}")])
def test_aliases_that_multiply_are_refused_before_they_are_written_out(refused, bomb):
    assert "values, its aliases written out" in refused(bomb + ACTION)


@pytest.mark.parametrize("text", ["actions: &a [*a]", "issues: &a {x: *a}", "a: &a {<<: *a}"])
def test_an_anchor_within_itself_is_refused(refused, text):
    assert refused(text).endswith("is not YAML: the anchor in line 1 contains itself")


@pytest.mark.parametrize(
    "text", ["actions: " + "[" * 3_000 + "]" * 3_000, "actions: " + "{a: " * 900 + "1" + "}" * 900, "- " * 5_000 + "a"]
)
def test_what_is_nested_too_deeply_is_refused_with_its_line(refused, text):
    assert "line 1 is nested more than 40 levels deep" in refused(text)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("9" * 5_000, "line 1 has '9999999.*which cannot be read"),
        ("9" * 400, "line 1 has '9999999.*too large for a number"),
        ("1" + ":59" * 9_000, r"line 1 has '1:59.*too large for a number"),  # a number to the base of 60
        ("2024-13-45", r"line 1 has '2024-13-45', which cannot be read \(month must be in 1..12\); quote a text"),
        ("!!bool maybe", "line 1 has 'maybe', which cannot be read"),
        ("!!int ten", "line 1 has 'ten', which cannot be read"),
        ("!!timestamp soon", "line 1 has 'soon', which cannot be read"),
        ("!!python/object/apply:os.system [true]", "could not determine a constructor"),
        (".nan", r"cost: must be finite; it is nan"),
        (".inf", r"cost: must be finite; it is inf"),
        ("-.inf", r"cost: must be finite; it is -inf"),
        ("-1", r"cost of 'call' must be 0 or more"),
        ("[1]", r"cost: must be a number or an expression"),
        ("true", r"cost: must be a number or an expression"),
    ],
)
def test_a_cost_that_is_no_number_is_refused(refused, value, says):
    assert re.search(says, refused(f"actions: [{{name: call, cost: {value}}}]"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("valid_until", "9999-12-31T23:59:59-05:00"),
        ("valid_until", "'9999-12-31T23:59:59-05:00'"),
        ("valid_from", "'0001-01-01T00:00:00+05:00'"),
    ],
)
def test_a_moment_outside_of_time_is_refused(refused, key, value):
    message = refused(f"actions: [{{name: call, {key}: {value}}}]")
    assert f"policy.actions[0].{key}: must lie within the years 1 to 9999 in UTC" in message


def test_the_last_day_of_all_is_a_day():
    assert PolicyConfig.model_validate({"actions": [{"name": "call", "valid_until": "9999-12-31"}]})


def test_more_actions_than_customers_can_be_looked_at_with_are_refused(refused):
    many = "actions: [" + ", ".join(f"{{name: a{i}}}" for i in range(3_000)) + "]"
    assert "policy.actions: tuple should have at most 1000 items" in refused(many)
    channels = ", ".join(f"{{channel: c{i}}}" for i in range(600))
    some = f"actions: [{{name: a, treatments: &t [{channels}]}}, {{name: b, treatments: *t}}]"
    assert "can have 1,000 actions, one over two channels counted twice; has 1,201" in refused(some)


def test_a_file_that_is_too_large_or_has_no_end_is_refused_after_its_first_bytes(refused, tmp_path):
    assert "has more than 2,000,000 bytes" in refused("#" * 3_000_000)
    (tmp_path / "policy.yaml").unlink()
    (tmp_path / "policy.yaml").symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match=r"policy\.yaml: has more than 2,000,000 bytes"):
        load_config(tmp_path / "company.yaml")


def test_too_many_values_are_refused(refused, monkeypatch):
    monkeypatch.setattr(yaml_file, "_MAX_VALUES", 1_000)
    assert "it has more than 1,000 values by line 1" in refused("actions: [" + "1," * 2_000 + "]")


@pytest.mark.parametrize("path", ['"a\\0b.yaml"', "a" * 100_000, "/dev", "../" * 2_000 + "etc"])
def test_a_path_that_is_none_is_refused_and_not_repeated_at_length(tmp_path, path):
    (tmp_path / "company.yaml").write_text(TEXT.replace("policy.yaml", path))
    with pytest.raises(ConfigError, match=r"cannot be read|there is no such file") as caught:
        load_config(tmp_path / "company.yaml")
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize(
    "name",
    ["null", "true", "2024-05-01", "1", "'\u0441all'", "'call\\n'", '"ca\\u200Bll"', '"call\\u202e"', "'../../etc'"],
)
def test_a_name_is_a_text_of_plain_letters(refused, name):
    assert "policy.actions[0].name: " in refused(f"actions: [{{name: {name}}}]")


@pytest.mark.parametrize("text", [b"\xff\xfeactions", "actions: \x07", b"\x00" * 100, "\tactions: x", "a: b: c"])
def test_what_is_no_text_is_no_yaml(refused, text):
    assert "policy.yaml: is not YAML" in refused(text)


def test_many_faults_are_told_in_bounded_length(tmp_path):
    (tmp_path / "company.yaml").write_text(TEXT)
    (tmp_path / "policy.yaml").write_text(ACTION + "\n".join(f"k{i}: 1" for i in range(5_000)))
    with pytest.raises(ConfigError, match="and 4,000 more") as caught:
        load_config(tmp_path / "company.yaml")
    assert len(str(caught.value).splitlines()) == 1_002


def test_a_value_in_a_message_is_cut(refused):
    assert "aaa..." in refused(f"actions: [{{name: {'a' * 50_000}}}]")
    assert "has no key" in refused(ACTION + f"? {'b' * 900}\n: 1\n")


@pytest.mark.parametrize(
    "key",
    ["max_contacts: 99999999999999999999999999999", "window_days: 99999999999", "max_contacts: 1.5", "window_days: 0"],
)
def test_a_contact_limit_without_measure_is_refused_or_never_reached(key):
    policy = {"max_contacts": 1, "window_days": 30} | yaml.safe_load(key)
    data = {"actions": [{"name": "call", "channel": "phone"}], "contact_policy": policy}
    try:
        config = PolicyConfig.model_validate(data)
    except ValueError:
        return
    stop = compiled_policy(config, {}, has_value=True).options[1].stops[0]
    assert stop.tree == [">=", ["column", "contacts_30d"], ["number", 99999999999999999999999999999.0]]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("{renewal_risk: [1]}", r"given\.renewal_risk: must be a number, a text, true or false, or null"),
        ("{renewal_risk: {a: b}}", r"given\.renewal_risk: must be a number, a text"),
        ("{renewal_risk: .inf}", r"given\.renewal_risk: must be a number, a text"),
    ],
)
def test_a_value_of_a_case_is_one_plain_value(refused, given, says):
    message = refused(ACTION + f"cases: [{{name: x, given: {given}, expect: call}}]")
    assert re.search(says, message)
    assert "faults" not in message


def test_a_day_in_a_case_is_a_text_and_nan_is_unknown():
    case = {"name": "x", "expect": "call", "given": {"as_of": date(2024, 5, 1), "a": float("nan")}}
    given = PolicyConfig.model_validate({"actions": [{"name": "call"}], "cases": [case]}).cases[0].given
    assert given == {"as_of": "2024-05-01", "a": None}


def _never(file):
    config = {"actions": [{"name": "call"}], "guard_rails": {"never": [{"file": str(file)}]}}
    with pytest.raises(ConfigError) as caught:
        compiled_policy(PolicyConfig.model_validate(config), {}, has_value=True)
    return str(caught.value)


def test_a_file_of_never_that_is_none_is_refused(tmp_path):
    picture = tmp_path / "never.csv"
    assert "is not there" in _never(picture)
    assert "is no file" in _never(tmp_path)
    assert "is no file" in _never("/dev/zero")
    assert "is not there" in _never("a\0b")
    assert len(_never("a" * 100_000)) < 500
    picture.write_bytes(bytes(range(256)) * 10)
    assert "cannot be read" in _never(picture)
    picture.write_text("id\nc1\n")
    assert "has no column 'customer_id' in its first line" in _never(picture)
    picture.write_text("customer_id\n" + "x" * 200_000)
    assert "field larger than field limit" in _never(picture)
    with picture.open("wb") as file:
        file.truncate(1_000_000_000)  # of holes: it takes no room
    assert "has 1,000,000,000 bytes; a list of ids has at most" in _never(picture)


def test_a_pipe_in_place_of_a_list_of_never_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    found = []
    thread = threading.Thread(target=lambda: found.append(_never(tmp_path / "pipe")), daemon=True)
    thread.start()
    thread.join(timeout=30)
    assert "is no file" in found[0]
