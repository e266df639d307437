from pathlib import Path

import pytest

from cxml.config import load_config
from cxml.config.load import example_config, expanded, parse_config
from cxml.errors import ConfigError

ACTIONS = "policy: {actions: [{name: mail}, {name: call"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("valu: 3", "the config has no key 'valu'; did you mean 'value'?"),
        ("zzzz: 3", "the config has no key 'zzzz'."),
        ("features: {ad: []}", "features has no key 'ad'; did you mean 'add'?"),
        ("models: {max_tres: 3}", "models has no key 'max_tres'; did you mean 'max_trees'?"),
        ("health: {renewl: 1}", "health has no key 'renewl'; did you mean 'renewal'?"),
        (f"{ACTIONS}, chanel: web}}]}}", "policy.actions[1] has no key 'chanel'; did you mean 'channel'?"),
        (
            f"{ACTIONS}}}], contact_policy: {{max_contacts: 1, window_days: 7, windw_days: 3}}}}",
            "policy.contact_policy has no key 'windw_days'; did you mean 'window_days'?",
        ),
        (
            "features: {add: [{kind: season, name: q, part: month}, {kind: trend, name: t, table: events, "
            "aggregate: count, window_days: 3, wher: x}]}",
            "features.add[1].trend has no key 'wher'; did you mean 'where'?",
        ),
    ],
)
def test_an_unknown_key_is_named_with_its_place_and_its_near_miss(refused, more, says):
    assert refused(more) == f"company.yaml: {says}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tables: {customers: {pth: c.csv}}", "tables.customers has no key 'pth'; did you mean 'path'?"),
        ("tables: {customers: {}, evnts: {}}", "tables has no key 'evnts'; did you mean 'events'?"),
        ("labels: {renewal: {horizon: 3}}", "labels.renewal has no key 'horizon'; did you mean 'horizon_days'?"),
        ("labels: {renewal: {}, nsp: {}}", "labels has no key 'nsp'; did you mean 'nps'?"),
    ],
)
def test_an_unknown_key_of_a_table_or_a_label_is_named_too(refused, text, says):
    rest = "labels: {renewal: {}}" if text.startswith("tables") else "tables: {customers: {}}"
    assert refused(text=f"company: acme\n{text}\n{rest}\n") == f"company.yaml: {says}"


def test_all_faults_are_reported_together(refused):
    said = refused(text="compny: acme\ntables: {custmers: {}}\nmodels: {num_leaves: 1}\ncurrency: 3\n")
    assert said == (
        "company.yaml: 7 faults:\n"
        "  - company: is missing.\n"
        "  - currency: should be a valid string; it is 3.\n"
        "  - tables.customers: is missing.\n"
        "  - tables has no key 'custmers'; did you mean 'customers'?\n"
        "  - labels: is missing.\n"
        "  - models.num_leaves: should be greater than or equal to 2; it is 1.\n"
        "  - the config has no key 'compny'; did you mean 'company'?"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("company: [acme\n", "is not YAML: .*line 2"),
        ("company: acme\n\tlabels: x\n", "is not YAML: .*line 2"),
        (b"company: \xff\n", "is not YAML: .*utf-8"),
        ("company: !!python/object/apply:os.system [true]\n", "is not YAML: .*could not determine a constructor"),
        ("- company\n", "must be a mapping of keys; it is list"),
        ("", "must be a mapping of keys"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_name_on_one_line(loaded, text, says):
    with pytest.raises(ConfigError, match=rf"^company\.yaml: {says}[^\n]*$"):
        loaded(text=text)


def test_a_key_that_is_there_twice_is_refused_with_its_line(refused):
    assert "key 'company' is there twice" in refused("company: other\n")
    text = "company: acme\ntables:\n  customers:\n    path: c.csv\n    about: x\n    path: d.csv\n"
    assert "key 'path' is there twice, the second time in line 6" in refused(text=text)


def test_the_same_key_in_two_places_is_no_key_twice(loaded):
    assert loaded("health: {renewal: 1}\n").labels.renewal is not None


def test_a_part_may_be_written_once_and_merged(loaded):
    text = "company: acme\nlabels: {renewal: {}}\ntables:\n  customers: &same {path: c.csv, timezone: UTC}\n"
    tables = loaded("  events: {<<: *same, path: e.csv}\n", text=text).tables
    assert (Path(tables.events.path).name, tables.events.timezone) == ("e.csv", "UTC")


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(ConfigError, match=rf"^{tmp_path}/company\.yaml: there is no such file"):
        load_config(tmp_path / "company.yaml")
    with pytest.raises(ConfigError, match=rf"^{tmp_path}: cannot be read"):
        load_config(tmp_path)


def test_a_policy_is_inline_or_in_a_file_beside(loaded, tmp_path):
    inline = loaded("policy: {actions: [{name: call, cost: 15}], holdout_share: 0.1}\n")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "policy.yaml").write_text("actions: [{name: call, cost: 15}]\nholdout_share: 0.1\n")
    assert loaded("policy: rules/policy.yaml\n") == inline


def test_a_policy_file_that_is_missing_or_wrong_is_named(loaded, tmp_path):
    with pytest.raises(ConfigError, match=r"policy\.yaml: there is no such file"):
        loaded("policy: policy.yaml\n")
    (tmp_path / "policy.yaml").write_text("- call\n")
    with pytest.raises(ConfigError, match=r"^policy\.yaml: must be a mapping of keys; it is list"):
        loaded("policy: policy.yaml\n")
    (tmp_path / "policy.yaml").write_text("actions: [{name: call, efect: 1}, {name: mail}]\n")
    with pytest.raises(ConfigError, match=r"policy\.actions\[0\] has no key 'efect'; did you mean 'effect'"):
        loaded("policy: policy.yaml\n")


def test_a_relative_path_starts_at_the_config_and_an_absolute_one_stays(loaded, tmp_path):
    text = (
        "company: acme\nlabels: {renewal: {}}\n"
        "tables: {customers: {path: data/c.csv}, events: {path: '/srv/*.parquet'}, actions: {path: ../a.csv}}\n"
    )
    tables = loaded(text=text).tables
    assert Path(tables.customers.path) == tmp_path / "data" / "c.csv"
    assert tables.events.path == "/srv/*.parquet"
    assert Path(tables.actions.path).resolve() == tmp_path.parent / "a.csv"
    assert tables.surveys is None


def test_a_variable_is_taken_from_the_environment_and_not_made_relative(loaded, monkeypatch):
    monkeypatch.setenv("CXML_HERE", "/srv/data")
    config = loaded(text="company: acme\nlabels: {renewal: {}}\ntables: {customers: {path: '${CXML_HERE}/c.csv'}}\n")
    assert expanded(config.tables.customers.path) == "/srv/data/c.csv"


def test_a_variable_that_is_not_set_stays(monkeypatch):
    monkeypatch.setenv("ONE", "1")
    monkeypatch.delenv("TWO", raising=False)
    assert expanded("${ONE}/${TWO}/$ONE/${ONE}") == "1/${TWO}/$ONE/1"


def test_a_mapping_is_not_changed_by_parsing_it():
    raw = {"company": "a", "tables": {"customers": {}}, "labels": {"renewal": {"column": "x", "lost": "Yes"}}}
    before = repr(raw)
    parse_config(raw)
    assert repr(raw) == before


@pytest.mark.parametrize("name", ["sample.yaml", "telco.yaml"])
def test_the_configs_that_cxml_brings_are_valid(name):
    assert load_config(example_config(name)).policy is not None


def test_a_config_that_cxml_does_not_bring_is_refused():
    with pytest.raises(ConfigError, match=r"nope\.yaml: cxml brings no such config"):
        example_config("nope.yaml")
