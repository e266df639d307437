import pytest

from cxml.config.labels import NpsLabel, RenewalLabel, ValueLabel
from cxml.config.load import config_schema
from cxml.errors import ConfigError
from cxml.schema.tables import INSTRUMENT_SCALES, NPS_CUTS


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ('"Yes"', ("Yes",)),
        ('["Yes", "Maybe"]', ("Yes", "Maybe")),
        ("1", ("1",)),
        ("[1, 2]", ("1", "2")),
        ("1.0", ("1",)),
    ],
)
def test_what_lost_means_is_one_value_or_several(loaded, lost, expected):
    text = f"company: a\ntables: {{customers: {{}}}}\nlabels: {{renewal: {{column: Churn, lost: {lost}}}}}\n"
    assert loaded(text=text).labels.renewal.lost == expected


@pytest.mark.parametrize("renewal", [{"column": "Churn"}, {"lost": "Yes"}, {"column": "Churn", "lost": []}])
def test_a_renewal_column_and_its_lost_values_belong_together(parsed, renewal):
    with pytest.raises(ConfigError, match=r"labels\.renewal: `column` and `lost` belong together"):
        parsed(labels={"renewal": renewal})


@pytest.mark.parametrize("labels", [{}, {"nps": None, "renewal": None}])
def test_something_is_to_be_predicted(parsed, labels):
    with pytest.raises(ConfigError, match="labels: name at least one of `nps`, `renewal` and `value`"):
        parsed(labels=labels)


@pytest.mark.parametrize(
    ("renewal", "says"),
    [
        ({"horizon_days": 0}, r"\.horizon_days: should be greater than 0; it is 0"),
        ({"gap_days": -1}, r"\.gap_days: should be greater than or equal to 0; it is -1"),
        ({"active_days": 0, "event": "visit"}, r"\.active_days: should be greater than 0; it is 0"),
        ({"active_days": 90}, ": `active_days` counts from an event; say which with `event`"),
        ({"column": "x", "lost": "y", "event": "visit"}, ": `column` and `event` are two ways to tell who was lost"),
        ({"column": "x", "lost": "y", "where": "a > 1"}, ": `column` and `event` are two ways to tell who was lost"),
    ],
)
def test_a_renewal_label_asks_one_question(parsed, renewal, says):
    with pytest.raises(ConfigError, match=rf"labels\.renewal{says}"):
        parsed(labels={"renewal": renewal})


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, None),
        ({"column": "x", "lost": "y"}, None),
        ({"event": "purchase"}, "event_type = 'purchase'"),
        ({"event": ["purchase"]}, "event_type = 'purchase'"),
        ({"event": ["visit", "l'achat"]}, "event_type IN ('visit', 'l''achat')"),
        ({"where": "value > 0 OR vip"}, "value > 0 OR vip"),
        ({"event": "purchase", "where": "value > 0 OR vip"}, "event_type = 'purchase' AND (value > 0 OR vip)"),
    ],
)
def test_what_keeps_a_customer_is_one_condition_on_events(keys, expected):
    assert RenewalLabel(**keys).event_condition == expected


@pytest.mark.parametrize(("text", "expected"), [("stars", ("stars",)), ("[nps, csat]", ("nps", "csat"))])
def test_an_instrument_is_one_or_several(loaded, text, expected):
    text = f"company: a\ntables: {{customers: {{}}}}\nlabels: {{nps: {{instrument: {text}}}}}\n"
    assert loaded(text=text).labels.nps.instrument == expected


@pytest.mark.parametrize(
    ("nps", "says"),
    [
        ({"instrument": "star"}, r"\.instrument\[0\]: should be 'nps', 'csat'"),
        ({"instrument": []}, r"\.instrument: .*at least 1"),
        ({"scale": [1, 10]}, ": `scale` is of a `column`; that of answers is set in `tables.surveys`"),
        ({"column": "x", "scale": [10, 1]}, r": `scale` must be \[lowest, highest\]"),
        ({"column": "x", "instrument": ["nps", "csat"]}, ": a `column` holds the answers of one instrument"),
        (
            {"column": "x", "scale": [0, 100]},
            r": a scale of 0-100 has no customary classes \(those of 0-10, .*1-5 have",
        ),
        (
            {"instrument": ["nps", "csat"], "classes": [3, 4]},
            ": `classes` are of one scale; the instruments have sever",
        ),
        ({"classes": [8, 6]}, r": `classes` must be \[highest detractor, highest passive\] on 0-10"),
        ({"classes": [-1, 6]}, r": `classes` must be \[highest detractor, highest passive\] on 0-10"),
        ({"classes": [6, 10]}, ": .*so that some answer is above both"),
    ],
)
def test_classes_need_a_scale_that_has_them(parsed, nps, says):
    with pytest.raises(ConfigError, match=rf"labels\.nps{says}"):
        parsed(labels={"nps": nps})


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, (6, 8)),
        ({"instrument": "stars"}, (3, 4)),
        ({"instrument": "ces"}, (4, 6)),
        ({"column": "x", "instrument": "csat"}, (3, 4)),
        ({"column": "x", "scale": [1, 10]}, (6, 8)),
        ({"column": "x", "scale": [0, 100], "classes": [60, 80]}, (60, 80)),
        ({"instrument": ["stars", "smiley"], "classes": [2, 4]}, (2, 4)),
        ({"column": "x", "scale": [0, 1], "classes": [0, 0]}, (0, 0)),  # a thumb down, a thumb up
    ],
)
def test_the_classes_are_those_of_the_scale_or_of_ones_own(keys, expected):
    label = NpsLabel(**keys)
    assert label.cuts_of(label.instrument[0]) == expected


def test_every_instrument_has_customary_classes():
    assert set(INSTRUMENT_SCALES.values()) <= set(NPS_CUTS)


@pytest.mark.parametrize("scale", NPS_CUTS)
def test_customary_classes_cut_where_0_to_10_does(scale):
    low, high = scale
    shares = [(point - low) / (high - low) for point in range(int(low), int(high) + 1)]
    detractor, passive = (sum(share < cut for share in shares) - 1 + low for cut in (0.65, 0.85))
    assert (detractor, passive) == NPS_CUTS[scale]


@pytest.mark.parametrize(
    ("label", "other", "same"),
    [
        (NpsLabel(), NpsLabel(instrument="stars"), False),
        (NpsLabel(instrument=["nps", "csat"]), NpsLabel(instrument=["csat", "nps"]), True),
        (NpsLabel(), NpsLabel(classes=[5, 8]), False),
        (NpsLabel(column="x"), NpsLabel(column="y"), False),
        (NpsLabel(column="x"), NpsLabel(column="x", scale=[1, 10]), False),
        (RenewalLabel(), RenewalLabel(horizon_days=30), False),
        (RenewalLabel(), RenewalLabel(gap_days=30), False),
        (RenewalLabel(), RenewalLabel(every_days=30), True),
        (RenewalLabel(), RenewalLabel(event="visit"), False),
        (RenewalLabel(event="visit"), RenewalLabel(event="visit", where="x > 1"), False),
        (RenewalLabel(event="visit"), RenewalLabel(event="visit", active_days=9), False),
        (RenewalLabel(event=["a", "b"]), RenewalLabel(event=["b", "a"]), True),
        (RenewalLabel(column="x", lost=["a", "b"]), RenewalLabel(column="x", lost=["b", "a"], horizon_days=9), True),
        (RenewalLabel(column="x", lost="a"), RenewalLabel(column="x", lost="b"), False),
    ],
)
def test_a_question_is_another_where_a_model_would_be(label, other, same):
    assert (label.question() == other.question()) == same


def test_the_json_schema_takes_one_or_several():
    parts = config_schema()["$defs"]
    for part, key in (("RenewalLabel", "lost"), ("RenewalLabel", "event"), ("NpsLabel", "instrument")):
        one, several = parts[part]["properties"][key]["anyOf"]
        assert several == {"type": "array", "items": one}
        assert parts[part]["properties"][key]["description"]


def test_the_value_of_contracts_needs_no_more_than_its_name(parsed):
    label = parsed(labels={"value": {}}).labels.value
    assert (label.horizon_days, label.money, label.event_condition, label.discount_rate) == (365, "price", None, 0)
    assert label.question() == {
        "horizon_days": 365, "discount_rate": 0.0, "column": "price", "per": "month", "where": None,
    }  # fmt: skip


def test_the_value_of_events_is_their_value_where_no_other_column_is_named():
    label = ValueLabel(event=["sale", "return"], where="paid = TRUE")
    assert (label.money, ValueLabel(event="sale", column="amount").money) == ("value", "amount")
    assert label.event_condition == "event_type IN ('sale', 'return') AND (paid = TRUE)"
    assert label.question() == ValueLabel(event=["return", "sale"], where="paid = TRUE", every_days=7).question()


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"event": "purchase", "per": "year"}, ": `per` is of the price of contracts"),
        ({"per": "decade"}, r"\.per: "),
        ({"discount_rate": 1.5}, r"\.discount_rate: "),
        ({"discount_rate": -0.1}, r"\.discount_rate: "),
        ({"horizon_days": 0}, r"\.horizon_days: "),
        ({"events": "purchase"}, r" has no key 'events'; did you mean 'event'"),
        ({"table": "customers"}, ": `table: customers` needs `column`"),
        (
            {"table": "customers", "column": "spend", "event": "visit"},
            ": .* goes with `column` and `horizon_days` alone",
        ),
        ({"table": "customers", "column": "spend", "per": "year"}, ": .* goes with `column` and `horizon_days` alone"),
        ({"table": "events", "column": "spend"}, r"\.table: "),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(parsed, value, says):
    with pytest.raises(ConfigError, match=rf"labels\.value{says}"):
        parsed(labels={"value": value})


def test_the_columns_of_a_snapshot_are_labels_of_a_company_and_those_of_events_are_not(parsed):
    snapshot = {"renewal": {"column": "visit", "lost": 0}, "value": {"table": "customers", "column": "spend"}}
    assert parsed(labels=snapshot).labels.snapshot_columns == ("visit", "spend")
    assert parsed(labels=snapshot).labels.value.question() == {
        "table": "customers", "column": "spend", "horizon_days": 365
    }  # fmt: skip
    assert parsed(labels={"value": {"event": "sale", "column": "spend"}}).labels.snapshot_columns == ()


def test_what_a_customer_is_worth_is_said_once(parsed):
    with pytest.raises(ConfigError, match=r"`value` and `labels\.value` both say what a customer is worth; keep one"):
        parsed(labels={"value": {}}, value=12)
