import pytest

from cxml.config.tables import columns_named
from cxml.errors import ConfigError

START = "company: a\nlabels: {renewal: {}}\ntables:\n  customers:\n    "


@pytest.fixture
def table(parsed):
    """Return the table of customers that some keys are."""
    return lambda **keys: parsed(tables={"customers": keys}).tables.customers


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["a"], ["a"]),
        (["a*"], ["a", "ab", "a*b"]),
        (["?"], ["a", "*"]),
        (["a*b"], ["a*b"]),  # a column of this very name is meant, and nothing else
        (["*"], ["*"]),
        (["[ab]*"], ["a", "ab", "a*b", "b1"]),
        (["A"], []),
        ([], []),
    ],
)
def test_a_pattern_stands_for_columns_and_a_name_for_itself(patterns, expected):
    assert columns_named(patterns, ["a", "ab", "a*b", "b1", "*"]) == expected


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("NA", {"*": ("NA",)}),
        ([" ", -999, 1.0, 0.5], {"*": (" ", "-999", "1", "0.5")}),
        ({"*": "Blank", "q?": [0, 6]}, {"*": ("Blank",), "q?": ("0", "6")}),
        ([], {}),
    ],
)
def test_markers_are_of_all_columns_or_of_some(table, missing, expected):
    assert table(missing=missing).missing == expected


def test_one_name_is_a_list_of_one(table):
    found = table(columns={"a": "b", "c": ["d", "e"]}, drop_missing="a", drop_duplicates="a", ids_of="events")
    assert (found.columns, found.drop_missing, found.drop_duplicates) == (
        {"a": ("b",), "c": ("d", "e")},
        ("a",),
        ("a",),
    )
    assert found.ids_of == ("events",)


def test_numbers_and_truths_of_yaml_can_be_derived(loaded):
    text = START + "derive: {a: 12, b: true, c: {x: 'y > 1', z: true}}\n"
    assert loaded(text=text).tables.customers.derive == {"a": "12", "b": "TRUE", "c": {"x": "y > 1", "z": "TRUE"}}


def test_a_constant_may_be_a_time_of_yaml(loaded):
    text = START + "constants: {a: 2017-06-01, b: 2017-06-01T10:00:00Z}\n"
    assert loaded(text=text).tables.customers.constants == {"a": "2017-06-01", "b": "2017-06-01T10:00:00+00:00"}


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"missing": [True]}, r"missing\.\*: must be a text or a number \(quote words such as 'No'\); it is True"),
        ({"missing": {"a": {"b": 1}}}, r"missing\.a: must be a text or a number"),
        ({"encoding": "latin-x"}, "encoding: there is no such text encoding; .*; it is 'latin-x'"),
        ({"encoding": "hex"}, "encoding: there is no such text encoding"),
        ({"decimal": ";"}, "decimal: should be '.' or ','; it is ';'"),
        ({"escape": ""}, "escape: "),
        ({"composite": {"a": ["b"]}}, r"composite\.a: .*at least 2"),
        ({"time_format": ["%H %z", "%H"]}, r"time_format: formats with a zone \(%z, epoch_s\) and without cannot be"),
        ({"time_format": ["epoch_s", "epoch_ms"]}, "time_format: epoch_s and epoch_ms cannot be mixed"),
        ({"ids_of": "customers"}, r"ids_of\[0\]: should be 'events'"),
        ({"ids_of": "events", "path": "c.csv"}, "`ids_of` stands in place of `path`"),
        ({"join": [{"pth": "c.csv"}]}, r"join\[0\] has no key 'pth'; did you mean 'path'"),
        ({"join": [{"path": "c.csv", "derive": {"a": "b"}}]}, r"join\[0\] has no key 'derive'"),
        ({"constants": {"a": float("nan")}}, "constants: a must be finite"),
        ({"columns": {"a": ["x", "y"], "b": "x"}}, "columns: the column 'x' of the file is given to two of ours"),
    ],
)
def test_what_cannot_be_meant_of_a_table_is_refused(table, keys, says):
    with pytest.raises(ConfigError, match=f"tables.customers.*{says}"):
        table(**keys)


def test_only_customers_can_be_the_ids_of_other_tables(parsed):
    with pytest.raises(ConfigError, match=r"tables: events cannot be the ids of other tables; only `customers` can"):
        parsed(tables={"customers": {}, "events": {"ids_of": "surveys"}})


def test_the_files_of_a_table_are_relative_to_the_config(loaded, tmp_path):
    found = loaded(text=START + "{path: c.csv, join: [{path: d.csv}, {path: '${X}/e.csv'}]}\n").tables.customers
    assert (found.path, [part.path for part in found.join]) == (
        f"{tmp_path}/c.csv",
        [f"{tmp_path}/d.csv", "${X}/e.csv"],
    )
