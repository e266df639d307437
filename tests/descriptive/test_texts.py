import pandas as pd

from cxml.descriptive.texts import texts_at

SURVEYS = [
    {"customer_id": "ada", "response_time": "2024-01-05", "instrument": "nps", "score": 3, "comment": "late"},
    {"customer_id": "ada", "response_time": "2024-02-05", "instrument": "nps", "score": 9, "comment": "better"},
    {"customer_id": "bob", "response_time": "2024-01-05", "instrument": "nps", "score": 7, "comment": None},
]


def moments(*pairs):
    frame = pd.DataFrame(pairs, columns=["customer_id", "as_of"], index=[7 + i for i in range(len(pairs))])
    return frame.assign(as_of=pd.to_datetime(frame["as_of"]))


def test_comments_are_those_known_strictly_before_the_moment_latest_first(company):
    tables = company(surveys=SURVEYS).tables
    asked = moments(("ada", "2024-01-05"), ("ada", "2024-01-06"), ("ada", "2024-03-01"), ("bob", "2024-03-01"))
    found = texts_at(tables, asked)
    assert list(found.index) == [7, 8, 9, 10]
    assert [None if pd.isna(text) else text for text in found["surveys.comment"]] == [None, "late", "better late", None]


def test_a_comment_that_became_known_later_is_not_known_earlier(company):
    late = [{**SURVEYS[0], "known_time": "2024-05-01"}, {**SURVEYS[1], "known_time": None}]
    found = texts_at(company(surveys=late).tables, moments(("ada", "2024-03-01"), ("ada", "2024-06-01")))
    assert found["surveys.comment"].tolist() == ["better", "better late"]


def test_without_comments_there_are_no_texts(company):
    surveys = [{name: value for name, value in row.items() if name != "comment"} for row in SURVEYS]
    assert texts_at(company(surveys=surveys).tables, moments(("ada", "2024-03-01"))).shape == (1, 0)
