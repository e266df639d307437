"""Features of shares, rhythm, terms, invitations, confidence and expressions, on histories worked by hand."""

import pytest

from cxml.config.features import (
    Aggregate,
    Attribute,
    Contract,
    Environment,
    Promise,
    Ratio,
    Recency,
    Segment,
    Share,
)
from cxml.descriptive.algebra import feature_plan
from cxml.descriptive.plan import Plan
from cxml.errors import ConfigError


def event(time, event_type="call", *, customer_id="ada", **measures):
    return {"customer_id": customer_id, "event_time": time, "event_type": event_type, **measures}


def survey(sent_time, response_time=None, score=None, *, customer_id="ada", **more):
    answer = {"response_time": response_time, "score": score, "instrument": "nps"}
    return {"customer_id": customer_id, "sent_time": sent_time, **answer, **more}


def term(contract_id, start_time, end_time, *, price=None, renewed=None):
    return {"customer_id": "ada", "contract_id": contract_id, "start_time": start_time, "end_time": end_time,
            "price": price, "renewed": renewed}  # fmt: skip


def of_events(aggregate, column=None, **options):
    return Aggregate(name="a", table="events", aggregate=aggregate, column=column, **options)


VISITS = [
    event("2024-03-01 06:00", channel="web", value=10.0, cost=4.0),
    event("2024-03-01 18:00", channel="store", value=8.0, cost=None),
    event("2024-03-05 06:00", channel="web", value=None, cost=1.0),
    event("2024-03-06 06:00", channel=None, value=2.0, cost=0.0),
]


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        (of_events("first", "channel"), "web"),
        (of_events("first", "value", where="channel IS NULL OR channel = 'store'"), 8),
        (of_events("last", "channel"), "web"),  # of the last one it is not known
        (of_events("days_active"), 3),
        (of_events("days_active", window_days=8), 2),
        (of_events("mean_gap_days"), 5 / 3),
        (of_events("mean_gap_days", window_days=5), None),  # of one event there is no gap
        (of_events("entropy", "channel"), 0.9182958340544896),  # web 2/3, store 1/3
        (of_events("sum", "value - cost"), (10 - 4) + (2 - 0)),
        (of_events("mean", "value / cost"), 10 / 4),  # by nought is unknown
        (of_events("max", "value * 1e308 * 10"), None),
        (of_events("count", "value * 1e308 * 10"), 0),
    ],
)
def test_names_rhythm_and_expressions(value, feature, expected):
    found = value(feature, "2024-03-11 06:00", events=VISITS)
    assert found == (pytest.approx(expected) if isinstance(expected, float) else expected)


def test_four_names_equally_often_have_two_bits_and_one_has_none(value):
    events = [event("2024-03-01", channel=name) for name in ("web", "ivr", "store", "phone")]
    assert value(of_events("entropy", "channel"), "2024-03-11", events=events) == 2
    assert value(of_events("entropy", "channel"), "2024-03-11", events=events[:1]) == 0
    assert value(of_events("entropy", "channel"), "2024-02-11", events=events) is None


def test_a_fact_of_a_half_life_ago_counts_half(value):
    events = [event("2024-03-01", value=10.0), event("2024-03-11", value=6.0), event("2024-03-21", value=None)]
    assert value(of_events("decay", half_life_days=10), "2024-03-31", events=events) == 1 / 8 + 1 / 4 + 1 / 2
    assert value(of_events("decay", "value", half_life_days=10), "2024-03-31", events=events) == 10 / 8 + 6 / 4
    within = of_events("decay", "value", half_life_days=10, window_days=12)
    assert value(within, "2024-03-31", events=events) is None  # there is a fact, and its value is not known
    assert value(within, "2024-02-01", events=events) == 0


def test_a_share_leaves_out_facts_for_which_it_is_unknown(value):
    share = Share(name="s", table="events", of="channel = 'web'")
    assert value(share, "2024-03-11", events=VISITS) == pytest.approx(2 / 3)
    assert value(share.model_copy(update={"window_days": 5}), "2024-03-11 06:00", events=VISITS) is None
    assert value(share, "2024-02-11", events=VISITS) is None


@pytest.mark.parametrize(("promise", "kept"), [(8, 2 / 3), ("cost", 0), (-1, 0), (10.0, 1)])
def test_a_promise_is_kept_where_the_value_is_at_most_what_was_promised(value, promise, kept):
    found = value(Promise(name="p", table="events", column="value", promise=promise), "2024-03-11", events=VISITS)
    assert found == pytest.approx(kept)


@pytest.mark.parametrize(
    ("a", "b", "expected"), [("size", "n", 3 / 2), ("n", "size", 2 / 3), ("size", "none", None), ("vip", "n", 0.5)]
)
def test_a_ratio_is_unknown_where_it_divides_by_nought(value, a, b, expected):
    others = [Attribute(name=name, column=name) for name in ("size", "vip")]
    others += [of_events("count").model_copy(update={"name": "n"})]
    others += [of_events("count", where="event_type = 'visit'").model_copy(update={"name": "none"})]
    customers = [{"customer_id": "ada", "size": 3.0, "vip": True}]
    found = value(Ratio(name="r", numerator=a, denominator=b), "2024-03-11", others=others, customers=customers,
                  events=[event("2024-03-01"), event("2024-03-02")])  # fmt: skip
    assert found == expected


TERMS = [
    term("k1", "2022-01-01", "2023-01-01", price=10.0, renewed=True),
    term("k2", "2023-01-01", "2024-01-01", price=None, renewed=True),
    term("k3", "2024-01-01", "2025-01-01", price=14.0, renewed=None),
    term("k4", "2024-03-01", "2025-03-01", price=11.5),
]


@pytest.mark.parametrize(
    ("as_of", "change", "tenure", "renewals"),
    [
        ("2022-02-01", None, 31, 0),
        ("2023-02-01", None, 396, 1),  # of the term before, the price; of this one, none
        ("2024-02-01", None, 761, 2),
        ("2024-04-01", 11.5 - 14, 821, 2),
        ("2025-02-01", 11.5 - 14, 1127, 2),
        ("2026-02-01", None, 1492, 2),  # nothing is in force
    ],
)
def test_the_terms_of_a_customer(value, as_of, change, tenure, renewals):
    found = [
        value(Contract(name="c", measure=measure), as_of, contracts=TERMS)
        for measure in ("price_change", "tenure_days", "renewals")
    ]
    assert found == [change, tenure, renewals]


SENT = [
    survey("2024-03-01", "2024-03-08", 9, touchpoint="shop"),
    survey("2024-03-02", touchpoint="web"),
    survey(None, "2024-03-04", 3, touchpoint=None),
]


@pytest.mark.parametrize(
    ("as_of", "invited", "answered", "last"),
    [
        ("2024-03-02", 1, 0, "shop"),
        ("2024-03-03", 2, 0, "web"),
        ("2024-03-05", 3, 1, "web"),
        ("2024-03-09", 3, 2, "web"),
    ],
)
def test_an_invitation_counts_from_when_it_was_sent(value, as_of, invited, answered, last):
    found = [
        value(Aggregate(name="n", table=table, aggregate=aggregate, column=column), as_of, surveys=SENT)
        for table, aggregate, column in (
            ("invitations", "count", None),
            ("surveys", "count", None),
            ("invitations", "last", "touchpoint"),
        )
    ]
    assert found == [invited, answered, last]


def test_of_invitations_sent_at_once_the_later_in_the_table_is_the_last_whichever_is_answered(value):
    last = Aggregate(name="n", table="invitations", aggregate="last", column="touchpoint")
    for answers in (("2024-03-08", None), (None, "2024-03-08"), ("2024-03-09", "2024-03-08")):
        sent = [
            survey("2024-03-01", answered, answered and 9, touchpoint=name)
            for answered, name in zip(answers, ("shop", "web"), strict=True)
        ]
        assert value(last, "2024-03-05", surveys=sent) == "web"


def test_an_answer_whose_sending_is_not_known_counts_as_an_invitation_from_when_it_was_known(value):
    sent = [survey(None, "2024-03-04", 3, known_time="2024-03-06"), survey("2024-02-01", known_time=None)]
    invited = Aggregate(name="n", table="invitations", aggregate="count")
    assert [value(invited, as_of, surveys=sent) for as_of in ("2024-03-06", "2024-03-07")] == [1, 2]


TRUSTED = [
    event("2024-03-01", channel="web", value=10.0, confidence=0.5),
    event("2024-03-11", channel="web", value=20.0, confidence=None),
    event("2024-03-11", channel="store", value=None, confidence=0.25),
]


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        (of_events("count"), 0.5 + 1 + 0.25),
        (of_events("count", "value"), 1.5),
        (of_events("sum", "value"), 25),
        (of_events("mean", "value"), 25 / 1.5),
        (of_events("decay", "value", half_life_days=10), 10 * 0.5 / 4 + 20 / 2),
        (Share(name="s", table="events", of="channel = 'web'"), 1.5 / 1.75),
        (of_events("max", "value"), 20),  # a greatest value is what it is
        (of_events("days_active"), 2),
        (of_events("mean_gap_days"), 5),
        (of_events("std", "value"), 50**0.5),
    ],
)
def test_a_fact_counts_for_its_confidence(value, feature, expected):
    assert value(feature, "2024-03-21", events=TRUSTED) == pytest.approx(expected)


def test_a_mean_of_facts_without_any_confidence_is_unknown(value):
    events = [row | {"confidence": 0.0} for row in TRUSTED[:2]]
    assert value(of_events("mean", "value"), "2024-03-21", events=events) is None
    assert value(of_events("sum", "value"), "2024-03-21", events=events) == 0


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ([Segment(name="s", of="n")], r"features\.s: there is no feature 'n'\. Add it as well"),
        ([of_events("count"), Segment(name="s", of="a")], "'a' must be an aggregate .* with a window"),
        ([Recency(name="a", table="events"), Segment(name="s", of="a")], "'a' must be an aggregate"),
        ([of_events("count", window_days=7), Segment(name="s", of="a", by="size")], "customers.size is a number"),
        ([Ratio(name="r", numerator="a", denominator="a")], "there is no feature 'a'"),
        (
            [of_events("last", "channel"), Ratio(name="r", numerator="a", denominator="a")],
            "'a' is a name; only numbers can be divided",
        ),
        ([Promise(name="p", table="events", column="channel")], "events.channel is not a number"),
        ([Environment(name="e", column="jobless", against="national")], "needs the table 'environment'"),
        ([Aggregate(name="i", table="invitations", aggregate="count")], "needs the table 'invitations'"),
        ([of_events("sum", "valu - 1")], r"features\.a\.column: there is no column 'valu'; did you mean 'value'"),
        (
            [
                Aggregate(name="a", table="contracts", aggregate="count", where="renewed", window_days=7),
                Segment(name="s", of="a"),
            ],
            "'a' reads `renewed`, which is known of each contract at another time",
        ),
    ],
)
def test_a_feature_that_does_not_fit_the_tables_is_refused(company, features, says):
    people = [{"customer_id": "ada", "segment": "a", "size": 1.0}]
    with pytest.raises(ConfigError, match=says):
        company(customers=people, events=VISITS, contracts=TERMS).frame(features, [("ada", "2024-03-11")])


def test_a_plan_survives_json(company):
    features = [of_events("mean", "value - cost", window_days=7, where="channel = 'web'"), Segment(name="s", of="a")]
    plan = feature_plan(
        features, company(customers=[{"customer_id": "ada", "segment": "a"}], events=VISITS).tables.kinds
    )
    assert Plan.from_json(plan.to_json()) == plan
