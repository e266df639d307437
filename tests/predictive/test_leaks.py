"""Each kind of leak in pairs: planted, it is named; left out, or honest and strong, nothing is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxml.predictive.leaks import leak_alarms
from cxml.predictive.splits import FutureSplit

N = 1_200


def company(seed=0, n=N):
    """Return features that explain a third or so of the outcome, the outcome, ids and one moment for all."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({f"x{i}": rng.normal(size=n) for i in range(8)})
    X["plan"] = rng.choice(["basic", "family", "gold"], n)
    latent = 1.2 * X["x0"] + 0.8 * X["x1"] + (X["plan"] == "gold") - 1.2
    y = pd.Series((rng.logistic(size=n) < latent).astype(float))
    return X, y, pd.Series([f"c{i:05d}" for i in rng.permutation(n)])


def alarms(X, y, customers, as_of=None, split=None, **options):
    moments = pd.Series(np.zeros(len(X)) if as_of is None else as_of, index=X.index)
    return leak_alarms(X, y, customers, moments, split, outcomes=("kept", "lost"), **options)


def named(found):
    return [(alarm.kind, alarm.column) for alarm in found]


def filled(y, share, seed=1):
    """Return a reason for a share of the lost, and nothing for the others."""
    drawn = np.random.default_rng(seed).random(len(y)) < share
    return pd.Series(["moved"] * len(y)).where((y == 1) & drawn)


def test_a_clean_company_raises_no_alarm():
    assert alarms(*company()) == ()


@pytest.mark.parametrize("share", [1.0, 0.6, 0.3])
def test_a_reason_filled_for_some_of_the_lost_is_named(share):
    X, y, who = company()
    assert named(alarms(X.assign(reason=filled(y, share)), y, who)) == [("column", "reason")]


def test_the_alarm_says_of_how_many_customers_the_column_is_certain():
    X, y, who = company()
    reason = filled(y, 0.3)
    (alarm,) = alarms(X.assign(reason=reason), y, who)
    assert f"of the {reason.notna().sum()} customers where it is 'moved', 100.0% are lost" in alarm.why


def test_a_reason_filled_for_as_many_of_the_kept_is_none():
    X, y, who = company()
    reason = filled(y, 1.0).sample(frac=1, random_state=0).set_axis(y.index)
    assert alarms(X.assign(reason=reason), y, who) == ()


def test_what_is_missing_can_tell_as_well_as_what_is_there():
    X, y, who = company()
    rng = np.random.default_rng(3)
    visit = pd.Series(rng.integers(1, 90, len(y)).astype(float)).where((y == 0) | (rng.random(len(y)) < 0.5))
    assert named(alarms(X.assign(next_visit=visit), y, who)) == [("column", "next_visit")]


@pytest.mark.parametrize(("shift", "expected"), [(3.0, [("column", "score")]), (0.7, [])])
def test_a_score_alarms_where_it_nearly_decides_and_not_where_it_is_one_more_feature(shift, expected):
    X, y, who = company()
    score = y * shift + np.random.default_rng(4).normal(size=len(y))
    assert named(alarms(X.assign(score=score), y, who)) == expected


def test_an_honest_answer_that_tells_more_than_all_else_is_no_leak_among_few_columns():
    X, y, who = company()
    assert alarms(X[["x0", "x3", "plan"]], y, who) == ()


def test_a_column_that_is_allowed_is_not_asked_again():
    X, y, who = company()
    assert alarms(X.assign(reason=filled(y, 0.6)), y, who, allow=["reason"]) == ()


def test_ordered_classes_have_alarms_too():
    X, _, who = company()
    latent = X["x0"] + np.random.default_rng(5).logistic(size=N)
    names = np.array(["detractor", "passive", "promoter"])
    y = pd.Series(pd.Categorical(names[np.digitize(latent, [-0.5, 0.8])], categories=list(names), ordered=True))
    callback = pd.Series(np.where((y == "detractor") & (np.arange(N) % 3 == 0), 1.0, np.nan))
    moments = pd.Series(np.zeros(N))
    assert leak_alarms(X, y, who, moments, None) == ()
    (alarm,) = leak_alarms(X.assign(callback=callback), y, who, moments, None)
    assert (alarm.kind, alarm.column) == ("column", "callback")
    assert "are detractor" in alarm.why


def panel(seed=0, n_customers=500, n_moments=4):
    """Return a company seen at several moments: a customer is lost at one of them, or never, and has no row after."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(n_customers):
        for moment in range(n_moments):
            x = rng.normal(size=7)
            lost = float(rng.random() < 1 / (1 + np.exp(3 - x[0])))
            rows.append((f"c{customer:04d}", moment, lost, *x))
            if lost:
                break
    frame = pd.DataFrame(rows, columns=["who", "as_of", "y", *(f"x{i}" for i in range(7))])
    order = rng.permutation(n_customers)
    return frame.assign(who=frame["who"].map({f"c{i:04d}": f"c{order[i]:04d}" for i in range(n_customers)}))


def test_a_state_written_over_after_the_last_outcome_is_named():
    frame = panel()
    X, y, who = frame.filter(like="x"), frame["y"], frame["who"]
    gone = who.map(frame.groupby("who")["y"].last()) == 1
    drawn = who.map({w: i % 10 < 5 for i, w in enumerate(sorted(set(who)))})
    state = pd.Series(np.where(gone & drawn, "closed", "open"))
    (alarm,) = alarms(X.assign(state=state), y, who, frame["as_of"])
    assert (alarm.kind, alarm.column) == ("time", "state")
    assert "written over" in alarm.why


def test_an_attribute_that_never_changes_is_no_leak_for_that():
    frame = panel()
    segment = pd.Series([f"s{int(w[1:]) % 3}" for w in frame["who"]])
    assert alarms(frame.filter(like="x").assign(segment=segment), frame["y"], frame["who"], frame["as_of"]) == ()


def late(strength_in_the_future):
    """Return a company over time, and a column that tells the past, and the future by a strength of its own."""
    X, y, who = company(n=2_000)
    as_of = np.repeat(np.arange(10), 200)
    split = FutureSplit(np.flatnonzero(as_of < 7), np.flatnonzero(as_of >= 7), np.datetime64("2024-01-01"))
    strength = np.where(as_of < 7, 0.9, strength_in_the_future)
    dossier = strength * y + np.random.default_rng(6).normal(size=len(y))
    return X.assign(dossier=dossier), y, who, as_of, split


def test_a_column_that_tells_the_past_and_not_the_future_is_named():
    assert named(alarms(*late(0.0))) == [("time", "dossier")]


def test_a_column_that_tells_both_is_not():
    assert alarms(*late(0.9)) == ()


def with_copies(share, noise):
    X, y, who = company()
    rng = np.random.default_rng(7)
    place = rng.choice(N, int(share * N), replace=False)
    copies = X.iloc[place].copy()
    for name in copies.filter(like="x"):
        copies[name] += noise * rng.normal(size=len(place))
    again = "z" + who.iloc[place]
    frames = (pd.concat([a, b], ignore_index=True) for a, b in ((X, copies), (y, y.iloc[place]), (who, again)))
    return *frames, place


@pytest.mark.parametrize(("share", "noise"), [(0.1, 0.0), (0.1, 0.03), (0.05, 0.0)])
def test_customers_who_are_there_twice_are_found(share, noise):
    X, y, who, place = with_copies(share, noise)
    (alarm,) = alarms(X, y, who)
    assert (alarm.kind, alarm.column) == ("twins", "customer_id")
    first, other = alarm.why.split("Most alike are ")[1].split(", equal")[0].split(" and ")
    assert other == f"'z{first[1:]}"
    assert first[1:-1] in set(who.iloc[place])
    outcome = ("kept", "lost")[int(y[who == first[1:-1]].item())]
    assert alarm.why.endswith(f"equal in {'1 of 9' if noise else 'all 9'} columns, and both {outcome}.")
    assert f" of {len(X):,} rows have a twin" in alarm.why


def test_the_twins_that_are_shown_are_a_copy_where_there_is_one_and_share_their_outcome():
    X, y, who, place = with_copies(0.1, 0.03)
    y = y.where((y.index < N) | (y.index % 20 > 0), 1 - y)  # some outcomes were written down wrong
    exact = N + 61
    X.iloc[exact] = X.iloc[place[61]]
    y[exact] = y[place[61]]
    (alarm,) = alarms(X, y, who)
    assert f"'{who[place[61]]}' and '{who[exact]}', equal in all 9 columns" in alarm.why


def test_twins_are_said_to_be_of_a_sample_where_only_that_was_looked_at():
    X, y, who = company(n=3_200)
    frames = (pd.concat([a, a.iloc[:400]], ignore_index=True) for a in (X, y))
    found = alarms(*frames, pd.concat([who, "z" + who.iloc[:400]], ignore_index=True))
    (alarm,) = (alarm for alarm in found if alarm.kind == "twins")
    assert " of 3,000 rows looked at, of 3,600, have a twin under another customer." in alarm.why


def test_a_customer_copied_twice_is_found_too():
    X, y, who, _ = with_copies(0.08, 0.0)
    frames = [pd.concat([of, of.iloc[N:]], ignore_index=True) for of in (X, y)]
    everyone = pd.concat([who, "y" + who.iloc[N:]], ignore_index=True)
    assert named(alarms(*frames, everyone)) == [("twins", "customer_id")]


def test_rows_that_are_equal_by_chance_are_no_twins():
    X, y, who = company()
    coarse = pd.DataFrame({name: np.round(X[name]) for name in ("x0", "x1", "x2")}).assign(plan=X["plan"])
    assert coarse.duplicated().mean() > 0.5
    assert alarms(coarse, y, who) == ()


def test_rows_of_the_same_customer_are_no_twins():
    X, y, who, _ = with_copies(0.1, 0.0)
    assert alarms(X, y, who.str.removeprefix("z"), np.arange(len(X))) == ()


def numbered(y, share):
    """Return numbers that a share of the customers were given in the order of the outcome."""
    rng = np.random.default_rng(8)
    at = np.where(rng.random(len(y)) < share, y + rng.random(len(y)), 2 * rng.random(len(y)))
    return pd.Series(at).rank().astype(int)


@pytest.mark.parametrize(("share", "expected"), [(1.0, True), (0.5, True), (0.0, False)])
def test_customer_ids_in_the_order_of_outcomes_alarm(share, expected):
    X, y, _ = company()
    ids = numbered(y, share).map("K{:06d}".format)
    assert named(alarms(X, y, ids)) == [("identifier", "customer_id")] * expected


@pytest.mark.parametrize(("share", "expected"), [(0.6, True), (0.0, False)])
def test_account_numbers_that_predict_alarm_and_others_do_not(share, expected):
    X, y, who = company()
    X = X.assign(account=70_000 + 13 * numbered(y, share))
    assert named(alarms(X, y, who)) == [("identifier", "account")] * expected


def test_codes_with_another_beginning_for_the_lost_alarm():
    X, y, who = company()
    drawn = np.random.default_rng(9).permutation(N)
    codes = [f"{'AX' if lost and i % 2 else 'AB'}-{i:05d}" for lost, i in zip(y, drawn, strict=True)]
    assert named(alarms(X.assign(file=codes), y, who)) == [("identifier", "file")]


def test_the_order_of_the_source_is_an_identifier():
    X, y, who = company()
    place = pd.DataFrame({"place": y.rank(method="first")})
    assert named(alarms(X, y, who, ids=place)) == [("identifier", "place")]
    assert alarms(X, y, who, ids=place.sample(frac=1, random_state=0).set_axis(y.index)) == ()


PLAIN = {
    "german": ["rechnung gesendet", "adresse geändert", "rückruf erbeten"],
    "japanese": ["請求書を送りました", "住所を変更しました", "電話を希望しています"],
}
TELLING = {"german": "kündigung eingegangen", "japanese": "解約手続き完了"}


def notes(y, language, share):
    rng = np.random.default_rng(10)
    told = (y == 1) & (rng.random(len(y)) < share)
    plain = rng.choice(PLAIN[language], len(y))
    return [
        f"{text} {n} {TELLING[language] if of else ''}" for n, (text, of) in enumerate(zip(plain, told, strict=True))
    ]


@pytest.mark.parametrize("language", ["german", "japanese"])
@pytest.mark.parametrize(("share", "expected"), [(0.8, True), (0.2, True), (0.0, False)])
def test_texts_written_after_the_outcome_alarm_in_any_language(language, share, expected):
    X, y, who = company()
    texts = pd.DataFrame({"notes": notes(y, language, share)})
    assert named(alarms(X, y, who, texts=texts)) == [("text", "notes")] * expected


def test_a_text_among_the_features_is_read_as_one():
    X, y, who = company()
    X = X.assign(notes=notes(y, "german", 0.5))
    (alarm,) = alarms(X, y, who)
    assert (alarm.kind, alarm.column) == ("text", "notes")
    assert "kündigung" in alarm.why


def test_the_same_rows_give_the_same_alarms():
    X, y, who = company()
    X = X.assign(reason=filled(y, 0.6))
    assert alarms(X, y, who) == alarms(X.copy(), y.copy(), who.copy())
