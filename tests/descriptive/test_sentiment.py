import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from cxml.config.features import Aggregate
from cxml.config.load import parse_config
from cxml.descriptive import sentiment as module
from cxml.descriptive.defaults import features_of
from cxml.descriptive.features import feature_frame
from cxml.descriptive.sentiment import english_sentiment, learned_sentiment
from cxml.descriptive.sources import inspected_tables, read_tables
from cxml.descriptive.tone import is_enough, term_counts, tone_model
from cxml.errors import ConfigError
from cxml.simulate.comments import COMMENTS, TOUCHPOINTS, comment_codes

START = pd.Timestamp("2024-01-01")


def written(n, *, months=6, seed=0):
    """Return about n scored comments of the sample company over some months, as `learned_sentiment` takes them.

    ``tone`` is the true tone of the text; the scores of one in ten have another.
    """
    rng = np.random.default_rng(seed)
    score = rng.integers(0, 11, size=4 * n)
    code = comment_codes(rng.integers(0, len(TOUCHPOINTS), size=4 * n), score / 10, rng)
    kept = np.flatnonzero(code >= 0)[:n]
    time = START + pd.to_timedelta(rng.integers(0, months * 30 * 24 * 60, size=len(kept)), unit="min")
    late = pd.to_timedelta(rng.exponential(2.0, size=len(kept)).round(3), unit="D")
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in rng.integers(0, n // 2, size=len(kept))],
            "comment": [COMMENTS[i] for i in code[kept]],
            "response_time": time.astype("datetime64[us]"),
            "known_time": (time + late).astype("datetime64[us]"),
            "position": np.where(rng.random(len(kept)) < 0.1, np.nan, score[kept] / 10),
            "tone": code[kept] // (len(COMMENTS) // 9) % 3 - 1,
        }
    )


def at_once(n, seed=0):
    """Return comments that all carry one moment."""
    return written(n, seed=seed).assign(response_time=START, known_time=START)


def flipped(rows, which):
    return rows.assign(position=rows["position"].where(~which, 1 - rows["position"]))


@pytest.mark.parametrize("rows", [written(1_500), at_once(1_500)], ids=["over months", "at one moment"])
def test_the_true_tone_of_simulated_comments_is_found_though_one_score_in_ten_is_off(rows):
    found = learned_sentiment(rows)
    read = rows[found.notna()].assign(sentiment=found)
    assert len(read) > 0.7 * len(rows)
    assert roc_auc_score(read["tone"] == -1, -read["sentiment"]) > 0.98
    assert roc_auc_score(read["tone"] == 1, read["sentiment"]) > 0.98
    means = read.groupby("tone")["sentiment"].mean()
    assert means[-1] < -0.5 < means[0] < 0.0 < 0.25 < means[1]  # drawn to the middle: few of the scores are positive


@pytest.mark.parametrize(("most", "block"), [(30_000, 20_000), (150, 64)])
def test_it_is_what_a_plain_loop_over_the_months_gives(monkeypatch, most, block):
    monkeypatch.setattr(module, "MAX_COMMENTS", most)
    monkeypatch.setattr(module, "_BLOCK", block)
    rows = written(700, months=8, seed=3)
    rows.loc[rows.index % 50 == 0, "known_time"] += pd.Timedelta(days=70)  # some scores come much later
    expected, model, learned = pd.Series(np.nan, index=rows.index), None, 0
    for month in pd.date_range("2024-01-01", "2024-09-01", freq="MS"):
        past = rows[(rows["known_time"] < month) & rows["position"].notna()].sort_values("known_time")
        last = past.tail(most)
        tones = np.select([last["position"] < 0.65, last["position"] < 0.85], [-1, 0], 1)
        if len(past) >= 1.25 * learned and is_enough(tones):
            model, learned = tone_model(term_counts(last["comment"].tolist()), tones), len(past)
        inside = rows["response_time"].between(month, month + pd.offsets.MonthBegin(1), inclusive="left")
        if model is not None and inside.any():
            expected[inside] = model.sentiment(term_counts(rows.loc[inside, "comment"].tolist()))
    found = learned_sentiment(rows)
    assert found.isna().tolist() == expected.isna().tolist()
    assert 0 < found.isna().sum() < len(rows) / 2
    np.testing.assert_allclose(found, expected, atol=0.02)  # rows in another order: the fits stop a little elsewhere


@pytest.mark.parametrize("make", [written, at_once])
def test_a_score_has_no_part_in_the_sentiment_of_its_own_comment(make):
    rows = make(400)
    before = learned_sentiment(rows)
    for i in range(0, 400, 40):
        after = learned_sentiment(flipped(rows, rows.index == i))
        assert after[[i]].equals(before[[i]])


def test_at_one_moment_no_score_of_the_same_customer_has_a_part_but_those_of_others_do():
    rows = at_once(400)
    before = learned_sentiment(rows)
    mine = rows["customer_id"] == rows["customer_id"].mode()[0]
    after = learned_sentiment(flipped(rows, mine))
    assert mine.sum() > 1
    assert after[mine].equals(before[mine])
    assert (after != before).sum() > 200


EARLIER = written(450, months=5, seed=5)
SENTIMENT = learned_sentiment(EARLIER)


@settings(max_examples=15, deadline=None)
@given(
    month=st.integers(2, 5),
    seed=st.integers(0, 2**16),
    what=st.sampled_from(["dropped", "flipped", "rewritten", "added", "restated"]),
)
def test_nothing_at_or_after_the_start_of_a_month_changes_an_earlier_sentiment(month, seed, what):
    start, rng = pd.Timestamp(2024, month, 1), np.random.default_rng(seed)
    late = (EARLIER["response_time"] >= start) | (EARLIER["known_time"] >= start)
    some = late & (rng.random(len(EARLIER)) < 0.7)
    if what == "dropped":
        rows = EARLIER[~some]
    elif what == "flipped":
        rows = flipped(EARLIER, some)
    elif what == "rewritten":
        rows = EARLIER.assign(comment=EARLIER["comment"].where(~some, "Nothing of the kind"))
    elif what == "added":
        more = written(300, months=3, seed=seed)
        shift = start - START
        rows = pd.concat([EARLIER, more.assign(response_time=more["response_time"] + shift,
                                               known_time=more["known_time"] + shift)], ignore_index=True)  # fmt: skip
    else:
        rows = EARLIER.assign(
            known_time=EARLIER["known_time"].where(~some, EARLIER["known_time"] + pd.Timedelta("40D"))
        )
    before = EARLIER.index[EARLIER["response_time"] < start]
    kept = before[~some[before]] if what in ("dropped", "rewritten") else before
    assert learned_sentiment(rows)[kept].equals(SENTIMENT[kept])


def test_a_later_wave_does_not_change_the_sentiment_of_the_first():
    first = at_once(300)
    later = at_once(300, seed=1).assign(
        response_time=START + pd.Timedelta("366D"), known_time=START + pd.Timedelta("366D")
    )
    both = learned_sentiment(pd.concat([first, later], ignore_index=True))
    assert both[:300].equals(learned_sentiment(first))
    alone = learned_sentiment(pd.concat([first, later[:10]], ignore_index=True))
    assert alone[300:].tolist() == both[300:310].tolist()  # the first alone has taught what reads the second


@pytest.mark.parametrize("make", [written, at_once])
def test_the_order_of_the_rows_makes_no_difference(make):
    rows = pd.concat([make(300), make(300)[:40]], ignore_index=True)
    shuffled = rows.sample(frac=1, random_state=0)
    assert learned_sentiment(shuffled).sort_index().equals(learned_sentiment(rows))


def test_a_score_that_became_known_after_the_month_began_is_not_used_in_it():
    rows = written(300, months=1).assign(response_time=pd.Timestamp("2024-01-15"))
    asked = rows[:1].assign(response_time=pd.Timestamp("2024-02-03"), known_time=pd.Timestamp("2024-02-03"))

    def read(known):
        both = pd.concat([rows.assign(known_time=pd.Timestamp(known)), asked], ignore_index=True)
        return learned_sentiment(both).iloc[-1]

    assert not np.isnan(read("2024-01-31T23:59:59.999999"))
    assert np.isnan(read("2024-02-01"))


@pytest.mark.parametrize("earlier", [pd.NaT, pd.Timestamp("2020-01-01")])
def test_a_score_without_a_later_known_time_is_known_from_the_response_on(earlier):
    rows = written(300)
    plain = learned_sentiment(rows.assign(known_time=rows["response_time"]))
    assert learned_sentiment(rows.assign(known_time=earlier)).equals(plain)
    assert plain.notna().sum() > 100


@pytest.mark.parametrize("make", [written, at_once])
@pytest.mark.parametrize("position", [np.nan, 0.0, 0.7, 1.0])
def test_without_scores_of_either_kind_the_sentiment_is_unknown(make, position):
    assert learned_sentiment(make(400).assign(position=position)).isna().all()


@pytest.mark.parametrize("make", [written, at_once])
def test_with_too_few_scores_the_sentiment_is_unknown(make):
    assert learned_sentiment(make(99).assign(position=np.arange(99) % 2)).isna().all()


def test_no_comments_have_no_sentiment():
    assert learned_sentiment(written(100)[:0]).tolist() == []


def tables_of(surveys=None, customers=None, *, inspect=False, **keys):
    frames = {} if surveys is None else {"surveys": surveys}
    if customers is None:
        customers = pd.DataFrame({"customer_id": surveys["customer_id"].unique()})
    config = parse_config(
        {"company": "sample", "timezone": "UTC", "tables": {"customers": {}}, "labels": {"nps": {}}} | keys
    )
    return (inspected_tables if inspect else read_tables)(config, {"customers": customers, **frames}), config


def in_order(rows):
    """Return rows in the order in which the tables keep them: by customer, by time."""
    keys = [key for key in ("customer_id", "response_time") if key in rows]
    return rows.sort_values(keys, kind="stable").reset_index(drop=True)


def answers(n=400, **columns):
    rows = in_order(written(n)).drop(columns="tone")
    score = (10 * rows["position"]).round()
    return (
        rows.drop(columns="position")
        .assign(instrument="nps", score=score, known_time=rows["known_time"])
        .assign(**columns)
    )


def sentiments(tables, table="surveys"):
    return [value for (value,) in tables.con.execute(f"SELECT sentiment FROM {table}").fetchall()]


def test_surveys_get_the_learned_sentiment_row_by_row():
    surveys = answers()
    tables, _ = tables_of(surveys)
    assert tables.kinds["surveys"]["sentiment"] == "number"
    expected = learned_sentiment(in_order(written(400)).assign(position=surveys["score"] / 10))
    assert sentiments(tables) == [None if np.isnan(value) else value for value in expected]
    kept = tables.con.execute("SELECT customer_id, comment FROM surveys").fetchall()
    assert kept == list(zip(surveys["customer_id"], surveys["comment"], strict=True))


def test_a_score_is_read_on_the_scale_of_its_instrument():
    rows, surveys = in_order(written(400)), answers(instrument="csat")
    csat = rows["position"].map(lambda p: np.nan if np.isnan(p) else 3 if p < 0.65 else 4 if p < 0.85 else 5)
    tables, _ = tables_of(surveys.assign(score=csat))
    as_nps, _ = tables_of(surveys.assign(instrument="nps", score=csat.map({3: 2, 4: 7, 5: 9})))
    assert sentiments(tables) == sentiments(as_nps)


def test_unanswered_and_empty_comments_have_no_sentiment():
    surveys = answers()
    last = surveys["response_time"].nlargest(4).index
    surveys.loc[last, "comment"] = [None, "", " \n\t", "\xa0"]
    found = pd.Series(sentiments(tables_of(surveys)[0]))
    assert found[last].isna().all()
    assert found.notna().sum() > 200


def test_a_column_that_the_company_brings_is_kept():
    tables, _ = tables_of(answers(sentiment=0.25))
    assert set(sentiments(tables)) == {0.25}


def test_a_sentiment_off_its_scale_is_a_fault():
    tables, _ = tables_of(answers(sentiment=3.0), inspect=True)
    (fault,) = tables.faults
    assert fault.startswith("surveys.sentiment: must be -1 to 1; 400 of 400 rows are not (first: row 0, customer ")


def test_none_makes_no_sentiment():
    assert "sentiment" not in tables_of(answers(), sentiment="none")[0].kinds["surveys"]


def test_without_comments_nothing_is_made_or_imported(monkeypatch):
    monkeypatch.setattr(module, "learned_sentiment", None)
    tables, _ = tables_of(answers().drop(columns="comment"))
    assert "sentiment" not in tables.kinds["surveys"]


def test_the_sentiment_of_answers_is_a_measure_for_features():
    surveys = answers()
    who = surveys["customer_id"].mode()[0]
    tables, config = tables_of(surveys)
    mean = Aggregate(name="mood", table="surveys", aggregate="mean", column="sentiment", window_days=90)
    moments = pd.DataFrame({"customer_id": [who], "as_of": [pd.Timestamp("2024-06-01")]})
    (found,) = feature_frame(tables, [mean], moments)["mood"]
    rows = surveys.assign(sentiment=sentiments(tables))
    rows = rows[(rows["customer_id"] == who) & (rows["known_time"] < "2024-06-01")]
    assert found == pytest.approx(rows[rows["response_time"].between("2024-03-03", "2024-06-01")]["sentiment"].mean())
    assert "comment" not in {getattr(feature, "column", None) for feature in features_of(config, tables, until=None)}


def snapshot(n=400):
    rows = at_once(n).drop_duplicates("customer_id")
    return in_order(
        pd.DataFrame(
            {"customer_id": rows["customer_id"], "answer": (10 * rows["position"]).round(), "comment": rows["comment"]}
        )
    )


LABEL = {"labels": {"nps": {"column": "answer"}}, "as_of": "2024-06-01"}


def test_a_snapshot_of_customers_gets_a_sentiment_that_its_own_answer_has_no_part_in():
    customers = snapshot()
    tables, config = tables_of(customers=customers, **LABEL)
    before = sentiments(tables, "customers")
    assert tables.kinds["customers"]["comment"] == "text"
    assert None not in before
    i = customers["answer"].idxmin()
    other = customers.assign(answer=customers["answer"].where(customers.index != i, 10))
    after = sentiments(tables_of(customers=other, **LABEL)[0], "customers")
    assert after[i] == before[i]
    assert after != before
    assert [feature.name for feature in features_of(config, tables, until=None)] == ["sentiment"]


def test_a_snapshot_without_answers_has_nothing_to_learn_from():
    tables, _ = tables_of(customers=snapshot(), labels={"renewal": {}}, as_of="2024-06-01")
    assert "sentiment" not in tables.kinds["customers"]


def test_english_without_scores_is_read_by_vader():
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    customers = snapshot().drop(columns="answer")
    tables, _ = tables_of(customers=customers, labels={"renewal": {}}, as_of="2024-06-01", sentiment="english")
    vader = SentimentIntensityAnalyzer()
    expected = [vader.polarity_scores(comment)["compound"] for comment in customers["comment"]]
    assert sentiments(tables, "customers") == expected
    assert english_sentiment(pd.Series(["Terrible service", "I love it"], index=[5, 6])).to_dict() == {
        5: -0.4767,
        6: 0.6369,
    }


def test_english_where_vader_is_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    with pytest.raises(ConfigError, match=r"sentiment: 'english' needs .*pip install cxml\[text\]"):
        tables_of(answers(), sentiment="english")


@pytest.mark.parametrize(
    ("name", "columns", "positions", "floor"),
    [
        (
            "airline_tweets.csv",
            {"name": "customer_id", "text": "comment", "airline_sentiment": "score"},
            {"negative": 0.0, "neutral": 0.7, "positive": 1.0},
            0.913,
        ),
        (
            "garden_centre_nps.csv",
            {"id": "customer_id", "explication": "comment", "nps": "score"},
            {score: score / 10 for score in range(1, 11)},
            0.679,
        ),
    ],
)
def test_the_tone_of_real_comments_is_found_better_than_by_a_plain_model(real_data, name, columns, positions, floor):
    raw = pd.read_csv(real_data(name), encoding="utf-8" if "tweets" in name else "latin-1")[[*columns]]
    rows = raw.rename(columns=columns).dropna().assign(response_time=START, known_time=START)
    rows["position"] = rows["score"].map(positions)
    found = learned_sentiment(rows)
    assert found.notna().all()
    assert roc_auc_score(rows["position"] < 0.65, -found) > floor
