"""A folder with a company.yaml, from its least text and what a test adds to it."""

import pytest

from cxml.config import load_config
from cxml.config.load import parse_config
from cxml.errors import ConfigError

LEAST = {"company": "acme", "tables": {"customers": {"path": "c.csv"}}, "labels": {"renewal": {}}}
TEXT = "company: acme\ntables: {customers: {path: c.csv}}\nlabels: {renewal: {}}\n"


@pytest.fixture
def loaded(tmp_path):
    """Return the config of a text: the least one with some more lines, or another text."""

    def of(more="", *, text=TEXT):
        path = tmp_path / "company.yaml"
        path.write_bytes((text + more).encode() if isinstance(text, str) else text)
        return load_config(path)

    return of


@pytest.fixture
def refused(loaded):
    """Return the message with which a text is refused."""

    def of(more="", *, text=TEXT):
        with pytest.raises(ConfigError) as caught:
            loaded(more, text=text)
        return str(caught.value)

    return of


@pytest.fixture
def parsed():
    """Return the config of a mapping: the least one with some keys changed."""
    return lambda **keys: parse_config(LEAST | keys)
