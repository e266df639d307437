import json

import pytest

from cxml.config.load import config_schema, load_config, parse_config
from cxml.errors import ConfigError

COMPANY = {"company": "acme", "tables": {"customers": {}}, "labels": {"nps": {"column": "answer"}}}


def read(tmp_path, ledger):
    (tmp_path / "company.yaml").write_text(json.dumps(COMPANY | {"ledger": ledger}))
    return load_config(tmp_path / "company.yaml").ledger


def test_without_the_key_there_is_none():
    assert parse_config(COMPANY).ledger is None


@pytest.mark.parametrize("ledger", ["kept/here", {"path": "kept/here"}])
def test_a_folder_is_relative_to_the_config(tmp_path, ledger):
    assert read(tmp_path, ledger).path == str(tmp_path / "kept" / "here")


@pytest.mark.parametrize(
    "path",
    [
        "${LEDGER_URL}",
        "${DATA}/ledger",
        "postgresql://ann@db:5432/cx",
        "postgres://db/cx",
        "postgresql:///cx?host=/run",
    ],
)
def test_a_url_or_a_variable_stays_as_it_is(tmp_path, path):
    assert read(tmp_path, path).path == path


def test_an_absolute_folder_stays_where_it_is(tmp_path):
    assert read(tmp_path, str(tmp_path / "other")).path == str(tmp_path / "other")


@pytest.mark.parametrize(
    "path",
    [
        "postgresql://ann:s3cret@db/cx",
        "postgresql://ann:s3/cret@db/cx",
        "postgresql://ann:s3#cret@db/cx",
        "postgresql://ann:s3@cret@db/cx",
        "postgresql://db/cx?user=ann&password=s3cret",
        "postgresql://db/cx?sslpassword=s3cret",
    ],
)
@pytest.mark.parametrize("shape", [lambda path: path, lambda path: {"path": path}])
def test_a_password_in_the_config_is_refused_and_not_repeated(tmp_path, path, shape):
    with pytest.raises(
        ConfigError, match=r"ledger\.path: must not hold a password.*`ledger: \$\{LEDGER_URL\}`"
    ) as error:
        read(tmp_path, shape(path))
    assert not [part for part in ("s3", "cret") if part in str(error.value)]


def test_another_database_is_refused_without_its_password():
    with pytest.raises(ConfigError, match=r"ledger\.path: must be a folder, or begin with postgresql://\.$"):
        parse_config(COMPANY | {"ledger": "mysql://ann:s3cret@db/cx"})


def test_an_unknown_key_is_named_with_its_near_miss():
    with pytest.raises(ConfigError, match=r"ledger has no key 'databse_schema'; did you mean 'database_schema'\?"):
        parse_config(COMPANY | {"ledger": {"path": "x", "databse_schema": "y"}})


@pytest.mark.parametrize(
    ("ledger", "says"),
    [
        ({}, "ledger.path: is missing"),
        ("", r"ledger\.path: string should have at least 1 character"),
        (3, "ledger: should be a valid dictionary"),
        ({"path": "x", "database_schema": "a-b"}, r"ledger\.database_schema: string should match"),
    ],
)
def test_what_is_no_ledger_is_refused(ledger, says):
    with pytest.raises(ConfigError, match=says):
        parse_config(COMPANY | {"ledger": ledger})


def test_an_empty_path_is_refused_from_a_file_too(tmp_path):
    with pytest.raises(ConfigError, match=r"ledger\.path: string should have at least 1 character"):
        read(tmp_path, "")


def test_an_editor_is_told_that_it_may_be_a_path():
    assert {"type": "string"} in config_schema()["properties"]["ledger"]["anyOf"]
