"""Companies of public data, from their configs alone; each is skipped by name where its files are not here.

What is read is compared with what plain Python or pandas makes of the same files.
"""

import csv
import gzip
import io
from collections import Counter
from datetime import datetime

import duckdb
import pandas as pd
import pytest

from cxml.config.features import Aggregate
from cxml.config.load import example_config, load_config
from cxml.config.tables import TableConfig
from cxml.descriptive.defaults import features_of
from cxml.descriptive.features import feature_frame
from cxml.descriptive.raw import read_raw
from cxml.errors import SourceError
from cxml.pipeline import check, train

COMPANIES = ["online_retail", "cdnow", "telco_extended", "sfo", "garden_centre", "ecom", "hillstrom"]


def read(name):
    """Return a company's tables, without a fault in them or in what is learnt from them, and what queries them."""
    tables = check(load_config(example_config(f"{name}.yaml")))
    assert tables.faults == ()
    return tables, lambda query: tables.con.execute(query).fetchall()


def quick(name):
    """Return a company whose models are trained in a hurry: fewer trees, most of the skill."""
    config = load_config(example_config(f"{name}.yaml"))
    models = config.models.model_copy(update={"learning_rate": 0.2, "max_trees": 60})
    return config.model_copy(update={"models": models})


def rows(path, encoding="utf-8"):
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(content.decode(encoding), newline="")))


def test_purchase_lines_without_a_customer_and_those_twice_are_left_out(real_data):
    frame = pd.read_parquet(real_data("online_retail.parquet"))
    tables, query = read("online_retail")
    lines = frame.drop_duplicates()
    known = lines.dropna(subset="CustomerID")
    bought = known[known["UnitPrice"] > 0]
    assert [warning.split(" rows ")[0] for warning in tables.warnings] == [
        f"events: {len(frame) - len(lines):,} of {len(frame):,}",
        f"events.customer_id: {len(lines) - len(known):,} of {len(lines):,}",
        f"events: {len(known) - len(bought):,} of {len(known):,}",
    ]
    assert query("SELECT count(*) FROM customers") == [(bought["CustomerID"].nunique(),)]
    returned = bought["InvoiceNo"].str.startswith("C")
    assert dict(query("SELECT event_type, count(*) FROM events GROUP BY 1")) == {
        "cancellation": returned.sum(), "purchase": (~returned).sum()
    }  # fmt: skip
    ((value, first),) = query("SELECT sum(value), min(event_time) FROM events")
    assert value == pytest.approx((bought["Quantity"] * bought["UnitPrice"]).sum())
    assert first == bought["InvoiceDate"].min()  # London in December is UTC
    assert query("SELECT customer_id FROM customers ORDER BY 1 LIMIT 1") == [("12346",)]


def test_american_dates_are_read_with_the_month_first(real_data):
    lines = rows(real_data("cdnow_transactions.csv"))
    tables, query = read("cdnow")
    kept = {tuple(line.values()): None for line in lines}
    bought = [line for line in kept if float(line[3]) > 0]
    assert [warning.split(" rows ")[0] for warning in tables.warnings] == [
        f"events: {len(lines) - len(kept):,} of {len(lines):,}", f"events: {len(kept) - len(bought):,} of {len(kept):,}"
    ]  # fmt: skip
    expected = Counter(datetime.strptime(line[1], "%m/%d/%Y").date() for line in bought)
    midnights = "timezone('America/New_York', timezone('UTC', event_time))"
    assert dict(query(f"SELECT CAST({midnights} AS DATE), count(*) FROM events GROUP BY 1")) == expected
    assert query("SELECT count(*) FROM customers") == [(len({line[0] for line in bought}),)]


def test_five_files_are_one_company_and_zip_codes_join_the_environment(real_data):
    folder = real_data("telco_extended/status.csv").parent
    parts = {name: pd.read_csv(folder / f"{name}.csv") for name in ("demographics", "location", "services", "status")}
    tables, query = read("telco_extended")
    assert tables.warnings == ()
    whole = parts["demographics"]
    for part in ("location", "services", "status"):
        whole = whole.merge(parts[part], on="Customer ID", validate="one_to_one", suffixes=("", f"_{part}"))
    found = dict(query('SELECT customer_id, (region, "Total Charges", satisfaction, churned) FROM customers'))
    expected = whole[["Customer ID", "Zip Code", "Total Charges", "Satisfaction Score", "Churn Label"]]
    assert found == {
        i: (str(z), charges, score, lost) for i, z, charges, score, lost in expected.itertuples(index=False)
    }
    population = pd.read_csv(folder / "population.csv").set_index("Zip Code")["Population"]
    ((lived_in,),) = query("SELECT sum(Population) FROM customers JOIN environment USING (region)")
    assert lived_in == whole["Zip Code"].map(population).sum()
    leaks = {"Customer Status", "Churn Value", "Churn Score", "Churn Category", "Churn Reason", "CLTV"}
    assert not leaks & set(tables.kinds["customers"])


def test_eight_years_of_a_survey_are_one_table_whatever_each_called_its_columns(real_data):
    folder = real_data("sfo_airport/2017.csv").parent
    years = {year: rows(folder / f"{year}.csv", encoding="utf-8") for year in range(2010, 2018)}
    _, query = read("sfo")
    by_year = query("SELECT split_part(customer_id, '|', 1), count(*) FROM customers GROUP BY 1 ORDER BY 1")
    assert by_year == [(str(year), len(lines)) for year, lines in years.items()]
    answered = Counter(float(line["NETPRO"]) for line in years[2017] if line["NETPRO"] not in ("", "11"))
    assert dict(query("SELECT nps, count(*) FROM customers WHERE nps IS NOT NULL GROUP BY 1")) == answered
    overall = ["Q6N", "Q8N", "Q8N_WHOLE", "Q7O_WHOLE", *["Q7ALL"] * 4]
    rated = {
        str(year): Counter(float(line[name]) for line in years[year] if line[name] not in ("", "0", "6", "Blank"))
        for (year, name) in zip(years, overall, strict=True)
    }
    found = query("SELECT split_part(customer_id, '|', 1), rate_overall FROM customers WHERE rate_overall IS NOT NULL")
    assert {year: Counter(rating for y, rating in found if y == year) for year in rated} == rated
    ages = "SELECT age_group, count(*) FROM customers WHERE customer_id LIKE '{}|%' GROUP BY 1"
    assert dict(query(ages.format(2016)))["25-34"] == sum(line["Q19AGE"] == "25-34" for line in years[2016])
    assert dict(query(ages.format(2010)))["25-34"] == sum(line["AGE"] == "29.5" for line in years[2010])
    assert dict(query(ages.format(2017)))["25-34"] == sum(line["Q19AGE"] == "3" for line in years[2017])


def test_french_comments_are_read_byte_by_byte(real_data):
    answers = rows(real_data("garden_centre_nps.csv"), encoding="latin-1")
    tables, query = read("garden_centre")
    known = {answer["id"]: answer for answer in answers if answer["nps"] != "NA"}
    assert tables.warnings[0].startswith(f"surveys.score: {len(answers) - len(known)} of {len(answers):,} rows are")
    comments = dict(query("SELECT customer_id, comment FROM surveys WHERE comment IS NOT NULL"))
    assert comments == {i: answer["explication"] for i, answer in known.items() if answer["explication"] != "NA"}
    spent = dict(query("SELECT customer_id, spend FROM customers"))
    assert spent == {answer["id"]: float(answer["CaTicket"]) for answer in answers}
    # 1-10 on the scale of nps keeps its classes: 1-6 detractor, 7-8 passive, 9-10 promoter
    classes = Counter(0 if int(a["nps"]) <= 6 else 1 if int(a["nps"]) <= 8 else 2 for a in known.values())
    found = "SELECT CASE WHEN score <= 6 THEN 0 WHEN score <= 8 THEN 1 ELSE 2 END, count(*) FROM surveys GROUP BY 1"
    assert dict(query(found)) == classes


def test_users_of_a_click_stream_are_customers_once(real_data):
    clicks = rows(real_data("retentioneering/ecom.csv.gz"), encoding="utf-8")
    _, query = read("ecom")
    users = {(click["user_id"], click["acquisition_channel"], click["user_cohort"]) for click in clicks}
    assert set(query("SELECT customer_id, acquisition, cohort FROM customers")) == users
    assert query("SELECT count(*) FROM customers") == [(len(users),)]
    expected = Counter((click["event"], click["platform"]) for click in clicks)
    found = query("SELECT event_type, channel, count(*) FROM events GROUP BY ALL")
    assert {(event, platform): n for event, platform, n in found} == expected


def test_the_stories_of_a_click_stream_show_in_one_line_features(real_data):
    """A bug of the mobile checkout in April and May, a payment outage from May on; nobody said so in the config."""
    clicks = pd.read_csv(real_data("retentioneering/ecom.csv.gz"), parse_dates=["timestamp"])
    count = {"table": "events", "aggregate": "count", "window_days": 30}
    features = [
        Aggregate(name="bug_mobile", where="event_type = 'checkout_bug' AND channel = 'mobile'", **count),
        Aggregate(name="bug_elsewhere", where="event_type = 'checkout_bug' AND channel <> 'mobile'", **count),
        Aggregate(name="payment_error", where="event_type = 'payment_error'", **count),
    ]
    tables, _ = read("ecom")
    days = pd.to_datetime(["2024-04-01", "2024-05-01", "2024-06-01", "2024-06-30"])
    everyone = pd.MultiIndex.from_product(
        [clicks["user_id"].astype(str).unique(), days], names=["customer_id", "as_of"]
    )
    frame = feature_frame(tables, features, everyone.to_frame(index=False))
    found = frame.groupby("as_of")[["bug_mobile", "bug_elsewhere", "payment_error"]].sum()
    mobile = clicks["platform"] == "mobile"
    for day in days:
        month = clicks[(clicks["timestamp"] < day) & (clicks["timestamp"] >= day - pd.Timedelta(days=30))]["event"]
        expected = [((month == "checkout_bug") & mobile).sum(), ((month == "checkout_bug") & ~mobile).sum(),
                    (month == "payment_error").sum()]  # fmt: skip
        assert list(found.loc[day.tz_localize("UTC")]) == expected
    assert list(found["bug_mobile"] > 0) == [False, True, True, False]
    assert list(found["bug_elsewhere"]) == [0, 0, 0, 0]
    assert list(found["payment_error"] > 0) == [False, False, True, True]


def test_reviews_and_tweets_are_read_as_surveys(real_data):
    reviews = rows(real_data("airline_reviews.csv"), encoding="utf-8")
    tweets = rows(real_data("airline_tweets.csv"), encoding="utf-8")
    review = {
        "path": "${CXML_DATA}/airline_reviews.csv",
        "columns": {
            "customer_id": "Name",
            "score": "OverallRating",
            "response_time": "Datetime",
            "comment": "ReviewBody",
        },
        "time_format": "%d %B %Y",
        "constants": {"instrument": "nps"},
        "scale": [1, 10],
        "drop_missing": ["customer_id", "response_time"],
        "ignore": ["[A-Z]*", "column_1"],
    }
    moods = {"1": "mood = 'negative'", "3": "mood = 'neutral'", "5": "mood = 'positive'"}
    tweet = {
        "path": "${CXML_DATA}/airline_tweets.csv",
        "columns": {
            "customer_id": "name",
            "response_time": "tweet_created",
            "comment": "text",
            "mood": "airline_sentiment",
        },
        "time_format": "%d-%m-%Y %H.%M",
        "constants": {"instrument": "csat"},
        "derive": {"score": moods},
        "ignore": ["tweet_*", "airline*", "negative*", "retweet_count", "user_timezone", "mood"],
    }
    found = {}
    for name, survey in (("reviews", review), ("tweets", tweet)):
        with duckdb.connect() as con:
            raw = read_raw(con, "surveys", TableConfig.model_validate(survey), None)
            assert raw.faults == ()
            found[name] = con.execute("SELECT customer_id, response_time, score, comment FROM raw_surveys").fetchall()
    given = [review for review in reviews if review["Name"] and review["Datetime"]]
    assert [row[3] for row in found["reviews"]] == [review["ReviewBody"] or None for review in given]
    days = [" ".join([r["Datetime"].split()[0][:-2], *r["Datetime"].split()[1:]]) for r in given]
    assert [row[1] for row in found["reviews"]] == [datetime.strptime(day, "%d %B %Y") for day in days]
    times = [datetime.strptime(tweet["tweet_created"], "%d-%m-%Y %H.%M") for tweet in tweets]
    points = {"negative": 1.0, "neutral": 3.0, "positive": 5.0}
    assert [row[1:] for row in found["tweets"]] == [
        (time, points[tweet["airline_sentiment"]], tweet["text"] or None)
        for time, tweet in zip(times, tweets, strict=True)
    ]


def test_every_customer_of_an_experiment_had_one_of_three_treatments(real_data):
    lines = rows(real_data("hillstrom.csv"), encoding="utf-8")
    tables, query = read("hillstrom")
    assert tables.warnings == ()
    names = {"Mens E-Mail": "mens_mail", "Womens E-Mail": "womens_mail", "No E-Mail": "no_action"}
    expected = Counter((names[line["segment"]], int(line["visit"]), float(line["spend"])) for line in lines)
    found = "SELECT action, visit, spend, count(*) FROM actions JOIN customers USING (customer_id) GROUP BY ALL"
    assert {(action, visit, spend): n for action, visit, spend, n in query(found)} == expected
    features = features_of(load_config(example_config("hillstrom.yaml")), tables, until=None)
    before = {"recency", "history_segment", "history", "mens", "womens", "zip_code", "newbie", "channel"}
    assert {feature.name for feature in features} == before


# What is learnt. The floors are those of LightGBM with default settings.


def test_extended_telco_is_learnt_without_what_tells_the_outcome(real_data, tmp_path):
    real_data("telco_extended/status.csv")
    config = quick("telco_extended")
    labels = config.labels.model_copy(update={"nps": None})
    features = config.features.model_copy(update={"drop": (*config.features.drop, "satisfaction")})
    config = config.model_copy(update={"labels": labels, "features": features})
    auc = train(config, models=tmp_path).evaluations["renewal"].by_name["auc"]
    assert auc.high >= 0.911
    assert auc.value <= 0.93  # more would be a leak


def test_the_answer_of_2017_is_learnt_from_a_table_of_eight_years(real_data, tmp_path):
    real_data("sfo_airport/2017.csv")
    found = train(quick("sfo"), models=tmp_path).evaluations["nps"].by_name
    assert found["auc"].high >= 0.8
    assert found["log_loss"].high < found["base_log_loss"].low


def test_who_buys_no_more_is_learnt_from_purchase_lines(real_data, tmp_path):
    real_data("online_retail.parquet")
    found = train(quick("online_retail"), models=tmp_path).evaluations["renewal"].by_name
    assert found["auc"].low >= 0.723
    assert found["log_loss"].high < found["base_log_loss"].low


def test_what_mails_of_an_experiment_change_on_average_is_the_difference_of_means(real_data, tmp_path, monkeypatch):
    frame = pd.read_csv(real_data("hillstrom.csv")).iloc[::8]  # all 64,000 take a minute
    frame.to_csv(tmp_path / "hillstrom.csv", index=False)
    monkeypatch.setenv("CXML_DATA", str(tmp_path))
    config = quick("hillstrom")
    models = config.models.model_copy(update={"learning_rate": 0.3, "max_trees": 30})
    trained = train(config.model_copy(update={"models": models}), models=tmp_path)
    found = trained.effects.set_index(["outcome", "action"])
    none = frame[frame["segment"] == "No E-Mail"]
    for outcome, column in (("renewal", "visit"), ("value", "spend")):
        for action, name in (("mens_mail", "Mens E-Mail"), ("womens_mail", "Womens E-Mail")):
            mailed = frame[frame["segment"] == name]
            error = (mailed[column].var() / len(mailed) + none[column].var() / len(none)) ** 0.5
            effect = found.loc[outcome, action]
            assert effect["value"] == pytest.approx(mailed[column].mean() - none[column].mean(), abs=error / 4)
            assert effect["high"] - effect["low"] == pytest.approx(2 * 1.96 * error, rel=0.05)
            assert (effect["n_treated"], effect["n_untreated"]) == (len(mailed), len(none))


@pytest.mark.parametrize("name", COMPANIES)
def test_without_its_files_a_company_says_what_they_are(name, monkeypatch):
    monkeypatch.delenv("CXML_DATA", raising=False)
    with pytest.raises(SourceError, match=r"needs the environment variable CXML_DATA, which is not set\. It is "):
        check(load_config(example_config(f"{name}.yaml")))
