import pytest

from cxml.config.load import parse_config
from cxml.errors import ConfigError


def costs(**changed):
    raw = {"company": "acme", "tables": {"customers": {}}, "labels": {"renewal": {"column": "left", "lost": "yes"}}}
    return parse_config(raw | changed).costs


def test_costs_are_in_the_currency_of_the_company():
    found = costs(costs={"clv": 500, "offer": 20, "contact": 2})
    assert (found.clv, found.offer, found.contact) == (500, 20, 2)
    assert costs() is None


def test_the_value_of_the_company_may_serve_as_the_worth_of_a_customer():
    assert costs(value="12 * price", costs={"offer": 20, "contact": 2}).clv is None


def test_a_value_that_is_learnt_does_not_serve():
    labels = {"renewal": {"column": "left", "lost": "yes"}, "value": {}}
    with pytest.raises(ConfigError, match=r"needs `clv`: the value that `labels\.value` learns does not.*`clv: 400`"):
        costs(labels=labels, costs={"offer": 20, "contact": 2})
    assert costs(labels=labels, costs={"clv": 400, "offer": 20, "contact": 2}).clv == 400


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"offer": 20, "contact": 2}, "costs needs `clv`, or a `value`"),
        ({"clv": 20, "offer": 20, "contact": 2}, "offer must be below clv, 20"),
        ({"clv": 20, "offer": 0, "contact": 0}, "offer or contact must be above 0"),
        ({"clv": 20, "contact": 1}, r"costs\.offer"),
        ({"clv": 20, "offer": -1, "contact": 1}, r"costs\.offer"),
        ({"clv": 20, "ofer": 1, "contact": 1}, "did you mean 'offer'"),
    ],
)
def test_costs_that_decide_nothing_are_refused(given, message):
    with pytest.raises(ConfigError, match=message):
        costs(costs=given)
