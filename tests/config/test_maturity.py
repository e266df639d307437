import pytest

from cxml.errors import ConfigError


def test_cells_are_given_as_source_and_aspect(parsed):
    config = parsed(maturity={"cells": {"fuel_price": ["alternatives", "prices"]}})
    assert config.maturity.cells == {"fuel_price": ("alternatives", "prices")}
    assert parsed().maturity.cells == {}


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (["rivals", "prices"], r"maturity\.cells\.fuel\[0\]: should be 'behaviour', .*; it is 'rivals'\."),
        (["competitors", "price"], r"maturity\.cells\.fuel\[1\]: should be 'prices', .*; it is 'price'\."),
        (["competitors"], r"maturity\.cells\.fuel\[1\]: is missing\."),
    ],
)
def test_a_cell_that_the_matrix_does_not_have_is_refused(parsed, cell, says):
    with pytest.raises(ConfigError, match=says):
        parsed(maturity={"cells": {"fuel": cell}})


def test_an_unknown_key_is_refused_with_the_near_miss(parsed):
    with pytest.raises(ConfigError, match=r"maturity has no key 'cell'; did you mean 'cells'\?"):
        parsed(maturity={"cell": {}})
