"""What the documentation says is what the code does."""

from pathlib import Path
from typing import get_args

import pytest
import yaml

from cxml.config.company import CompanyConfig
from cxml.config.features import Feature, features_from_json
from cxml.schema.figures import FIGURES
from cxml.schema.tables import TABLES

ROOT = Path(__file__).parents[1]
COMPANY = (ROOT / "docs" / "company.md").read_text(encoding="utf-8")
FEATURES = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_every_table_is_documented(table):
    section = COMPANY.split(f"### {table}: ")[1].split("\n### ")[0].split("\n## ")[0]
    for column in TABLES[table].columns:
        assert column.name == "known_time" or f"| `{column.name}` |" in section


def test_every_key_of_the_config_is_documented():
    schema = CompanyConfig.model_json_schema()
    parts = [schema, *(part for part in schema["$defs"].values() if "properties" in part)]
    keys = {key for part in parts for key in part["properties"]} - set(TABLES) - {"nps", "kind"}
    assert [key for key in sorted(keys) if f"| `{key}` |" not in COMPANY + FEATURES] == []


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
