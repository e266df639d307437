import itertools

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxml.schema.tables import ACTIONS, CONTRACTS, CUSTOMERS, ENVIRONMENT, INSTRUMENT_SCALES, SURVEYS, TABLES

NEW_YEAR = pd.Timestamp("2024-01-01T00:00Z")
DAY = pd.Timedelta(days=1)
SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7), "stars": (1, 5), "smiley": (1, 5)}


def surveys(**columns):
    n = max(len(v) for v in columns.values() if isinstance(v, list))
    ids = [f"c{i}" for i in range(n)]
    return pd.DataFrame({"customer_id": ids, "response_time": NEW_YEAR, "instrument": "nps", "score": 9.0} | columns)


def contracts(**columns):
    term = {"start_time": NEW_YEAR, "end_time": NEW_YEAR + 365 * DAY, "renewed": [True, None]}
    return pd.DataFrame({"customer_id": ["c1", "c1"], "contract_id": ["k1", "k2"]} | term | columns)


def actions(**columns):
    return pd.DataFrame({"customer_id": ["c1", "c2"], "action_time": NEW_YEAR, "action": "call"} | columns)


def test_the_tables_and_their_keys():
    assert {name: schema.unique for name, schema in TABLES.items()} == {
        "customers": ("customer_id",),
        "events": (),
        "surveys": (),
        "contracts": ("contract_id",),
        "environment": ("region", "observed_time", "known_time"),
        "actions": (),
        "outcomes": (),
    }


def test_a_customer_is_there_once(counted, faults):
    assert faults(CUSTOMERS, pd.DataFrame({"customer_id": ["c1", "c2", "C1"]})) == []
    twice = pd.DataFrame({"customer_id": ["c1", "c2", "c1", "c1", "c2"]})
    (fault,) = faults(CUSTOMERS, twice)
    assert fault.endswith("Keep one row of each; `drop_duplicates: customer_id` keeps the first.")
    assert counted(CUSTOMERS, twice) == {("customers.customer_id", "must be unique"): (3, 2)}


def test_a_contract_is_there_once_but_a_customer_may_have_several(counted, faults):
    assert faults(CONTRACTS, contracts()) == []
    assert counted(CONTRACTS, contracts(contract_id="k1")) == {("contracts.contract_id", "must be unique"): (1, 1)}


@pytest.mark.parametrize(("days", "n_faults"), [(1, 0), (0, 1), (-1, 1)])
def test_a_contract_ends_after_it_starts(faults, days, n_faults):
    found = faults(CONTRACTS, contracts(end_time=NEW_YEAR + days * DAY))
    assert len(found) == n_faults
    assert all(f.startswith("contracts.end_time: must be after start_time; 2 of 2 rows are not") for f in found)


def test_a_contract_may_end_in_the_future(faults):
    assert faults(CONTRACTS, contracts(), as_of=(NEW_YEAR + 30 * DAY).tz_localize(None).to_pydatetime()) == []


@pytest.mark.parametrize(("price", "n_faults"), [(0.0, 0), (-0.01, 1)])
def test_a_price_is_not_negative(counted, price, n_faults):
    found = counted(CONTRACTS, contracts(price=[10.0, price]))
    assert list(found) == [("contracts.price", "must be 0 or more")] * n_faults


def test_renewed_is_true_or_false_or_not_yet_known(counted, faults):
    assert faults(CONTRACTS, contracts(renewed=["true", None])) == []
    found = counted(CONTRACTS, contracts(renewed=["true", "perhaps"]))
    assert found == {("contracts.renewed", "must be true or false"): (1, 1)}


def test_a_number_other_than_0_and_1_is_neither_true_nor_false(counted, faults):
    assert faults(CONTRACTS, contracts(renewed=[0, 1])) == []
    assert counted(CONTRACTS, contracts(renewed=[1, 7])) == {("contracts.renewed", "must be true or false"): (1, 1)}


def test_a_region_is_observed_once_at_a_time_unless_later_corrected(counted, faults):
    observed = pd.DataFrame({"observed_time": [NEW_YEAR, NEW_YEAR], "region": "north", "unemployment": [5.0, 5.1]})
    rule = ("environment.region", "must be unique together with observed_time")
    assert counted(ENVIRONMENT, observed) == {rule: (1, 1)}
    assert faults(ENVIRONMENT, observed.assign(region=["north", "south"])) == []
    assert faults(ENVIRONMENT, observed.assign(known_time=[NEW_YEAR, NEW_YEAR + DAY])) == []


@pytest.mark.parametrize("column", ["propensity", "cost"])
def test_what_an_action_cost_and_how_likely_it_was_has_a_range(counted, faults, column):
    assert faults(ACTIONS, actions(**{column: [0.0, 1.0]})) == []
    rule = "must be 0-1" if column == "propensity" else "must be 0 or more"
    assert counted(ACTIONS, actions(**{column: [1.0, -0.1]})) == {(f"actions.{column}", rule): (1, 1)}
    assert len(faults(ACTIONS, actions(**{column: [1.0, 1.1]}))) == (column == "propensity")


def test_the_scales_are_the_published_ones():
    assert dict(INSTRUMENT_SCALES) == SCALES


@pytest.mark.parametrize(("instrument", "scale"), SCALES.items())
def test_scores_keep_to_the_scale_of_their_instrument(counted, faults, instrument, scale):
    low, high = scale
    assert faults(SURVEYS, surveys(instrument=instrument, score=[low, high])) == []
    rule = ("surveys.score", f"must be {low}-{high} for instrument '{instrument}'")
    for score in (low - 1, high + 1):
        assert counted(SURVEYS, surveys(instrument=instrument, score=[low, score])) == {rule: (1, 1)}


def test_a_score_off_the_scale_names_the_customer_the_score_and_the_remedy(faults):
    (fault,) = faults(SURVEYS, surveys(score=[9, 87]))
    assert fault == (
        "surveys.score: must be 0-10 for instrument 'nps'; 1 of 2 rows is not (first: row 1, customer 'c1', 87). "
        "If this survey uses another scale, set `scale: [lowest, highest]` for it in the tables section."
    )


@pytest.mark.parametrize(("instrument", "n_faults"), [("nps", 1), ("csat", 0), ("stars", 0)])
def test_an_nps_answer_is_a_whole_number_and_another_need_not_be(counted, instrument, n_faults):
    found = counted(SURVEYS, surveys(instrument=instrument, score=[3, 4.5]))
    assert list(found) == [("surveys.score", "must be a whole number for instrument 'nps'")] * n_faults


@pytest.mark.parametrize("instrument", ["NPS", "smily", ""])
def test_an_unknown_instrument_is_a_fault_that_lists_the_known(faults, instrument):
    (fault,) = faults(SURVEYS, surveys(instrument=["nps", instrument]))
    known = "nps, csat, ces, stars, smiley"
    assert fault.startswith(f"surveys.instrument: must be one of {known}; 1 of 2 rows is not (first: row 1,")
    assert "`constants: {instrument: nps}`" in fault


def test_an_answer_needs_its_time_and_an_invitation_without_an_answer_does_not(counted, faults):
    times = [NEW_YEAR, None]
    assert faults(SURVEYS, surveys(score=[9, None], response_time=times)) == []
    found = counted(SURVEYS, surveys(score=[9, 8], response_time=times))
    assert found == {("surveys.score", "must have a response_time where there is a score"): (1, 1)}


@pytest.mark.parametrize(("sent_time", "n_faults"), [(NEW_YEAR - DAY, 0), (NEW_YEAR, 0), (NEW_YEAR + DAY, 1)])
def test_nobody_answers_before_being_asked(counted, sent_time, n_faults):
    found = counted(SURVEYS, surveys(sent_time=[sent_time]))
    assert list(found) == [("surveys.response_time", "must be at or after sent_time")] * n_faults


_ANSWER = st.tuples(
    st.sampled_from([*SCALES, "smily"]),
    st.one_of(st.none(), st.integers(-1, 12).map(float), st.just(4.5)),
    st.one_of(st.none(), st.integers(0, 3)),
    st.integers(0, 3),
)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.lists(_ANSWER, min_size=1, max_size=10))
def test_the_rules_of_surveys_find_what_a_plain_loop_finds(counted, answers):
    instruments, scores, answered, sent = (list(values) for values in zip(*answers, strict=True))
    if None in (max(scores, key=lambda s: s is not None), max(answered, key=lambda a: a is not None)):
        return  # an all-null column is another fault
    response_time = [pd.NaT if day is None else NEW_YEAR + day * DAY for day in answered]
    table = surveys(instrument=instruments, score=scores, sent_time=[NEW_YEAR + day * DAY for day in sent])
    found = counted(SURVEYS, table.assign(response_time=pd.to_datetime(response_time, utc=True)))

    expected = {}
    for row, (instrument, score, response, invited) in enumerate(answers):
        low, high = SCALES.get(instrument, (-99, 99))
        broken = {
            ("surveys.instrument", "must be one of nps, csat, ces, stars, smiley"): instrument not in SCALES,
            ("surveys.score", f"must be {low}-{high} for instrument '{instrument}'"): score is not None
            and not low <= score <= high,
            ("surveys.score", "must be a whole number for instrument 'nps'"): instrument == "nps" and score == 4.5,
            ("surveys.score", "must have a response_time where there is a score"): score is not None
            and response is None,
            ("surveys.response_time", "must be at or after sent_time"): response is not None and response < invited,
        }
        for rule in itertools.compress(broken, broken.values()):
            n, first = expected.get(rule, (0, row))
            expected[rule] = (n + 1, first)
    assert found == expected


_VALUES = {
    "number": st.sampled_from([None, -0.5, 0.0, 0.5, 1.0, 4.5, 5.0, 6.0, 7.0, 8.0, 10.0, 10.5, 11.0, 77.0]),
    "category": st.sampled_from([None, *SCALES, "npss", ""]),
    "time": st.sampled_from([None, 0, 1, 2]),
}
_SQL_TYPES = {"number": "DOUBLE", "category": "VARCHAR", "time": "BIGINT"}  # a time is compared as a number is
RULES = [(schema, rule) for schema in TABLES.values() for rule in schema.rules]


@pytest.mark.parametrize(("schema", "rule"), RULES, ids=[f"{schema.name}-{rule.says}" for schema, rule in RULES])
def test_a_rule_says_the_same_of_a_row_in_python_and_in_sql(schema, rule):
    kinds = {name: schema.names[name].kind for name in rule.needs}
    columns = ", ".join(f"CAST(? AS {_SQL_TYPES[kind]}) AS {name}" for name, kind in kinds.items())
    query = f"SELECT coalesce({rule.broken.format(**{name: name for name in kinds})}, FALSE) FROM (SELECT {columns})"

    @settings(max_examples=150, deadline=None, derandomize=True, database=None)
    @given(st.fixed_dictionaries({name: _VALUES[kind] for name, kind in kinds.items()}))
    def check(row):
        (broken,) = con.execute(query, [row[name] for name in kinds]).fetchone()
        assert rule.breaks(row) is broken

    with duckdb.connect() as con:
        check()


@pytest.mark.parametrize(
    ("column", "low", "high"), [("confidence", -0.1, 1.1), ("sentiment", -1.5, 1.5), ("propensity", -1, 2)]
)
def test_a_range_is_worded_as_the_check_words_it(counted, column, low, high):
    schema = SURVEYS if column == "sentiment" else ACTIONS
    rows = surveys(sentiment=[low, high]) if column == "sentiment" else actions(**{column: [low, high]})
    assert counted(schema, rows) == {(f"{schema.name}.{column}", schema.names[column].range_says): (2, 0)}


def test_a_range_without_an_end_is_worded_as_the_check_words_it(counted):
    found = counted(ACTIONS, actions(cost=[-1.0, 1.0]))
    assert found == {("actions.cost", ACTIONS.names["cost"].range_says): (1, 0)}
