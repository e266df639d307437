import numpy as np
import pandas as pd
import pytest

from cxml.config.labels import NpsLabel, RenewalLabel
from cxml.config.load import parse_config
from cxml.descriptive.labels import answer_classes, nps_labels, renewal_labels, trainable
from cxml.descriptive.sources import read_tables
from cxml.errors import ConfigError, TrainingError
from cxml.schema.tables import INSTRUMENT_SCALES


def survey(customer_id, sent_time, response_time, score, instrument="nps", **more):
    return {"customer_id": customer_id, "sent_time": sent_time, "response_time": response_time, "score": score,
            "instrument": instrument, **more}  # fmt: skip


def term(contract_id, start_time, end_time, renewed, *, customer_id="ada", **more):
    return {"customer_id": customer_id, "contract_id": contract_id, "start_time": start_time, "end_time": end_time,
            "renewed": renewed, **more}  # fmt: skip


def listed(labels):
    """Return labels as (customer, as_of, known_time, label), moments as days where they are at midnight."""
    assert labels.columns.tolist()[:4] == ["customer_id", "as_of", "known_time", "label"]
    times = labels[["as_of", "known_time"]].astype("string").apply(lambda column: column.str.removesuffix(" 00:00:00"))
    return list(zip(labels["customer_id"], times["as_of"], times["known_time"], labels["label"], strict=True))


def nps_of(company, *surveys, **options):
    return listed(nps_labels(company(surveys=list(surveys)).tables, NpsLabel(**options)))


def test_an_answer_is_predicted_from_the_question_and_known_from_the_answer(company):
    found = nps_of(company, survey("bob", "2024-01-10", "2024-01-12", 9), survey("ada", "2024-02-01", "2024-02-03", 3))
    assert found == [("ada", "2024-02-01", "2024-02-03", "detractor"), ("bob", "2024-01-10", "2024-01-12", "promoter")]


def test_an_answer_whose_question_has_no_time_is_predicted_from_the_answer(company):
    found = nps_of(company, survey("ada", None, "2024-01-12", 7), survey("bob", "2024-01-01", "2024-01-12", 8))
    assert found == [("ada", "2024-01-12", "2024-01-12", "passive"), ("bob", "2024-01-01", "2024-01-12", "passive")]


def test_surveys_need_no_sent_time_at_all(company):
    surveys = [{"customer_id": "ada", "response_time": "2024-01-12", "instrument": "nps", "score": 10}]
    assert nps_of(company, *surveys) == [("ada", "2024-01-12", "2024-01-12", "promoter")]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_answers_to_one_question_the_last_counts(company, order):
    answers = [survey("ada", "2024-01-01", "2024-01-05", 2), survey("ada", "2024-01-01", "2024-01-09", 10)]
    assert nps_of(company, *answers[::order]) == [("ada", "2024-01-01", "2024-01-09", "promoter")]


def test_other_instruments_and_questions_without_an_answer_are_no_labels(company):
    surveys = [survey("ada", "2024-01-01", "2024-01-02", 5, "csat"), survey("ada", "2024-02-01", None, None),
               survey("bob", "2024-01-01", "2024-01-03", 0)]  # fmt: skip
    assert nps_of(company, *surveys) == [("bob", "2024-01-01", "2024-01-03", "detractor")]


def test_an_answer_that_became_known_later_is_a_label_from_then_on(company):
    late = survey("ada", "2024-01-01", "2024-01-02", 9, known_time="2024-03-01")
    assert nps_of(company, late) == [("ada", "2024-01-01", "2024-03-01", "promoter")]


def test_classes_are_ordered(company):
    labels = nps_labels(company(surveys=[survey("ada", "2024-01-01", "2024-01-02", 9)]).tables, NpsLabel())
    assert labels["label"].cat.ordered
    assert labels["label"].cat.categories.tolist() == ["detractor", "passive", "promoter"]


CLASSES = {
    "nps": ["detractor"] * 7 + ["passive"] * 2 + ["promoter"] * 2,
    "csat": ["detractor"] * 3 + ["passive", "promoter"],
    "stars": ["detractor"] * 3 + ["passive", "promoter"],
    "smiley": ["detractor"] * 3 + ["passive", "promoter"],
    "ces": ["detractor"] * 4 + ["passive"] * 2 + ["promoter"],
}


@pytest.mark.parametrize("instrument", INSTRUMENT_SCALES)
def test_every_instrument_has_classes_of_its_own(company, instrument):
    low, high = INSTRUMENT_SCALES[instrument]
    asked = [f"2024-01-{day + 1:02d}" for day in range(high - low + 1)]
    surveys = [survey("ada", day, day, low + i, instrument) for i, day in enumerate(asked)]
    other = survey("bob", "2024-01-01", "2024-01-01", 5, "csat" if instrument == "nps" else "nps")
    expected = [("ada", day, day, name) for day, name in zip(asked, CLASSES[instrument], strict=True)]
    assert nps_of(company, *surveys, other, instrument=instrument) == expected


def test_several_instruments_are_learnt_from_together_each_in_its_own_classes(company):
    surveys = [
        survey("ada", "2024-01-01", "2024-01-02", 5, "stars"),
        survey("ada", "2024-02-01", "2024-02-02", 5, "nps"),
        survey("bob", "2024-01-01", "2024-01-02", 5, "ces"),
        survey("bob", "2024-02-01", "2024-02-02", 5, "csat"),
    ]
    assert nps_of(company, *surveys, instrument=["nps", "stars", "ces"]) == [
        ("ada", "2024-01-01", "2024-01-02", "promoter"),
        ("ada", "2024-02-01", "2024-02-02", "detractor"),
        ("bob", "2024-01-01", "2024-01-02", "passive"),
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_instruments_asked_at_once_the_last_answer_counts(company, order):
    answers = [survey("ada", "2024-01-01", "2024-01-05", 5, "stars"), survey("ada", "2024-01-01", "2024-01-09", 6)]
    found = nps_of(company, *answers[::order], instrument=["stars", "nps"])
    assert found == [("ada", "2024-01-01", "2024-01-09", "detractor")]


def test_a_1_to_10_survey_falls_into_the_classes_of_its_own_answers():
    surveys = pd.DataFrame(
        {"customer_id": [f"c{i}" for i in range(1, 11)], "response_time": "2024-01-02", "score": range(1, 11)}
    )
    tables = {"customers": {}, "surveys": {"scale": [1, 10], "constants": {"instrument": "nps"}}}
    config = parse_config({"company": "a", "timezone": "UTC", "tables": tables, "labels": {"nps": {}}})
    read = read_tables(config, {"customers": surveys[["customer_id"]], "surveys": surveys})
    found = nps_labels(read, NpsLabel()).set_index("customer_id")["label"]
    expected = ["detractor"] * 6 + ["passive"] * 2 + ["promoter"] * 2
    assert found[surveys["customer_id"]].tolist() == expected


@pytest.mark.parametrize(
    ("score", "options", "expected"),
    [
        (3.4, {}, "detractor"),
        (3.5, {}, "passive"),
        (4.49, {}, "passive"),
        (4.5, {}, "promoter"),
        (3.4, {"classes": [3, 4]}, "passive"),
        (3.0, {"classes": [3, 4]}, "detractor"),
        (4.01, {"classes": [3, 4]}, "promoter"),
        (2.5, {"classes": [2.5, 4]}, "detractor"),
    ],
)
def test_an_answer_between_two_points_is_the_nearer_unless_the_cuts_are_ones_own(score, options, expected):
    label = NpsLabel(instrument="stars", **options)
    assert answer_classes(pd.Series([score]), pd.Series(["stars"]), label).tolist() == [expected]


def renewal_of(company, *contracts, as_of="2024-04-10", **options):
    options = {"horizon_days": 60, "every_days": 30} | options
    return listed(renewal_labels(company(contracts=list(contracts), as_of=as_of).tables, RenewalLabel(**options)))


def test_a_contract_that_ended_is_a_label_at_each_moment_within_the_horizon(company):
    # Moments back from 10 April every 30 days: 11 March, 10 February, 11 January, 12 December 2023.
    lost = term("k1", "2023-03-01", "2024-03-01", renewed=False)
    assert renewal_of(company, lost) == [
        ("ada", "2024-01-11", "2024-03-01", 1.0),  # 50 days before the end
        ("ada", "2024-02-10", "2024-03-01", 1.0),  # 20 days; 12 December is 80
    ]


def test_a_renewed_contract_is_a_nought(company):
    found = renewal_of(company, term("k1", "2023-03-01", "2024-03-01", renewed=True), horizon_days=30)
    assert found == [("ada", "2024-02-10", "2024-03-01", 0.0)]


@pytest.mark.parametrize(
    ("end_time", "moments"),
    [
        ("2024-02-10", ["2024-01-11"]),  # not after as_of + gap
        ("2024-02-10 00:01", ["2024-01-11", "2024-02-10"]),
        ("2024-03-11", ["2024-01-11", "2024-02-10"]),  # just within 60 days of 11 January
        ("2024-03-11 00:01", ["2024-02-10", "2024-03-11"]),
    ],
)
def test_the_horizon_holds_its_last_moment_and_not_its_first(company, end_time, moments):
    found = renewal_of(company, term("k1", "2024-01-01", end_time, renewed=True))
    assert [as_of for _, as_of, _, _ in found] == moments


def test_a_contract_that_ends_within_the_gap_is_left_alone(company):
    lost = term("k1", "2023-03-01", "2024-03-01", renewed=False)
    assert [row[1] for row in renewal_of(company, lost, gap_days=20)] == ["2023-12-12", "2024-01-11"]
    assert [row[1] for row in renewal_of(company, lost, gap_days=19)] == ["2024-01-11", "2024-02-10"]


def test_a_contract_that_starts_at_a_moment_is_not_yet_in_force(company):
    found = renewal_of(company, term("k1", "2024-02-10", "2024-03-20", renewed=False))
    assert [row[1] for row in found] == ["2024-03-11"]


@pytest.mark.parametrize(
    ("end_time", "renewed"),
    [("2024-03-20", None), ("2024-04-10", True), ("2024-05-01", False)],
    ids=["outcome not known", "ends at the moment of the data", "ends later, though its outcome is told"],
)
def test_a_censored_contract_has_no_row(company, end_time, renewed):
    known = term("k0", "2023-01-01", "2024-03-01", renewed=True, customer_id="bob")
    found = renewal_of(company, term("k1", "2023-01-01", end_time, renewed), known)
    assert {customer for customer, *_ in found} == {"bob"}


def test_a_contract_is_a_label_only_at_moments_that_knew_it(company):
    found = renewal_of(company, term("k1", "2023-03-01", "2024-03-01", renewed=False, known_time="2024-02-01"))
    assert [row[1] for row in found] == ["2024-02-10"]


def test_of_overlapping_contracts_the_one_that_started_last_is_the_label(company):
    first, second = (
        term("k2", "2023-03-01", "2024-03-01", renewed=False),
        term("k1", "2023-06-01", "2024-03-05", renewed=True),
    )
    for contracts in ([first, second], [second, first]):
        assert renewal_of(company, *contracts, horizon_days=30) == [("ada", "2024-02-10", "2024-03-05", 0.0)]


def test_a_contract_that_another_took_over_is_no_label(company):
    over = term("k1", "2023-03-01", "2024-03-01", renewed=False)
    later = term("k2", "2023-06-01", "2025-06-01", renewed=None)
    known = term("k0", "2023-01-01", "2024-03-01", renewed=True, customer_id="bob")
    assert {customer for customer, *_ in renewal_of(company, over, later, known, horizon_days=30)} == {"bob"}


def test_labels_are_by_customer_then_moment(company):
    contracts = [
        term(f"k{i}", "2023-03-01", "2024-03-01", renewed=True, customer_id=who) for i, who in enumerate(["bob", "ada"])
    ]
    assert [row[:2] for row in renewal_of(company, *contracts)] == [
        (who, moment) for who in ("ada", "bob") for moment in ("2024-01-11", "2024-02-10")
    ]


def test_a_missing_table_is_named_with_the_way_out(company):
    tables = company().tables
    with pytest.raises(ConfigError, match=r"labels\.nps: needs the table `surveys`, or `column:`"):
        nps_labels(tables, NpsLabel())
    with pytest.raises(ConfigError, match=r"labels\.renewal: needs the table `contracts`, `event:` .* or `column:`"):
        renewal_labels(tables, RenewalLabel())


@pytest.mark.parametrize(("rows", "fits"), [(99, False), (100, True)])
def test_a_hundred_rows_can_be_learned_from(rows, fits):
    labels = pd.DataFrame({"label": np.arange(rows) % 2.0})
    if fits:
        assert trainable(labels, "renewal") is labels
        return
    with pytest.raises(TrainingError, match=r"labels\.renewal: needs at least 100 rows .* there are 99"):
        trainable(labels, "renewal")


@pytest.mark.parametrize(("value", "shown"), [(0.0, "0.0"), ("promoter", "'promoter'")])
def test_one_class_cannot_be_learned_from(value, shown):
    with pytest.raises(TrainingError, match=rf"labels\.nps: .*two classes; all 1,200 are {shown}\."):
        trainable(pd.DataFrame({"label": [value] * 1200}), "nps")
