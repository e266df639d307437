"""A customer's story as text and as a picture, from a story written by hand."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest

from cxml.errors import SchemaError
from cxml.report.customer_picture import health_over_time_picture
from cxml.report.customer_text import customer_text
from cxml.report.story_words import WORDS
from cxml.schema.rows import ExplainedChange, Explanation, HealthItem, Prediction, Reason, Recommendation
from cxml.schema.story import CustomerStory

JUNE, JULY = datetime(2024, 6, 1, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC)
NAN = float("nan")


def item(name, label, points, *sentences):
    return HealthItem(name, label, points, tuple(Reason(f"f{i}", "1", 3.0, s) for i, s in enumerate(sentences)))


def day(text):
    return pd.Timestamp(text)


@pytest.fixture
def story():
    items = (item("event:visit", "visits", 10.5, "8 visits in 90 days: +3 points"), item("answers", "answers", -4.0))
    frame = pd.DataFrame({"customer_id": "c7", "as_of": pd.to_datetime([JUNE, JULY])})
    return CustomerStory(
        company="acme",
        currency="EUR",
        language="en",
        customer_id="c7",
        as_of=JULY,
        in_force=True,
        profile=pd.DataFrame(
            {
                "attribute": ["segment", "age", "vip"],
                "kind": ["category", "number", "flag"],
                "value": ["family", "37.5", "no"],
            }
        ),
        outcomes=pd.DataFrame({"attribute": [], "kind": [], "value": []}),
        touchpoints=pd.DataFrame(
            {
                "event_type": ["visit"],
                "last_year": [17],
                "in_all": [44],
                "last_time": [day("2024-06-30")],
                "channels": ["web, store"],
            }
        ),
        answers=pd.DataFrame(
            {
                "sent_time": [day("2024-03-16"), day("2023-02-13")],
                "response_time": [pd.NaT, day("2023-02-16")],
                "instrument": ["nps", "csat"],
                "touchpoint": [None, "contact"],
                "score": [NAN, 1.0],
                "comment": [None, "Terrible waiting time."],
            }
        ),
        contracts=pd.DataFrame(
            {
                "contract_id": ["k2", "k1"],
                "start_time": [day("2023-08-16"), day("2022-08-16")],
                "end_time": [day("2024-08-16"), day("2023-08-16")],
                "price": [25.5, NAN],
                "auto pay": [True, None],
                "renewed": [None, True],
            }
        ),
        actions=pd.DataFrame({"action_time": [day("2024-06-20")], "action": ["call"], "channel": ["phone"]}),
        prediction=Prediction("c7", JULY, 0.2, 0.3, 0.5, "promoter", 0.19, 66.5, 306.0, (), (), "m1"),
        explanation=Explanation("c7", JULY, 66.5, 60.0, items),
        health=pd.DataFrame(
            {
                "customer_id": "c7",
                "as_of": pd.to_datetime([JUNE] * 3 + [JULY] * 3),
                "item": ["base", "event:visit", "answers"] * 2,
                "points": [60.0, 4.5, -4.0, 60.0, 10.5, -4.0],
            }
        ),
        predictions=frame.assign(health=[60.5, 66.5]),
        changes=(
            ExplainedChange("c7", JUNE, JULY, 6.0, (item("event:visit", "visits", 6.0, "visits went up: +3 points"),)),
        ),
        labels={"event:visit": "visits", "answers": "answers"},
        names={("event_type", "visit"): "visits", ("instrument", "nps"): "NPS", ("instrument", "csat"): "CSAT"},
        recommendation=Recommendation(
            "c7", JULY, "discount", "mail", JULY, 12.5, 5.0, 20.0, "assumed", 0.0, 30.0, 12.5, "renewal_risk > 0.1",
            "call", 5.25, "renewal_risk <= 0.1 -> call",
            '{"fired": ["discount", "call"], "not_met": {"gift": "eligibility"}, "not_applicable": {},'
            ' "suppressed": {"letter": "1 contact by mail in 30 days"}}',
            0.95, False, False, "discount", "p1", "m1", "d1",
        ),
    )  # fmt: skip


EXPECTED = """\
acme: customer c7 as of 2024-07-01, model m1

Who           segment family, age 37.5, vip no

Contract      2023-08-16 to 2024-08-16, 25.50 EUR, ends in 46 days, auto pay yes
              2022-08-16 to 2023-08-16, renewed, auto pay unknown

Touchpoints                        last year   in all  last
              visits                      17       44  2024-06-30  (web, store)

Answers       2023-02-16  CSAT (contact): 1  “Terrible waiting time.”
              1 of 2 invitations unanswered, the last of 2024-03-16

Actions       2024-06-20  call, phone

Predicted     NPS: detractor 20%, passive 30%, promoter 50%
              renewal risk 19%
              value over the horizon 306 EUR

Health        66.5 of 100: 60.0 before anything is known, and
               +10.5  visits
                        8 visits in 90 days: +3 points
                -4.0  answers

Over time     2024-06-01   60.5
              2024-07-01   66.5   +6.0  visits +6.0
                            visits went up: +3 points
              What was known at each moment, as the models of today see it.

Next          discount, mail: worth 12.50 EUR net of cost
              because renewal_risk > 0.1
              runner-up: call, worth 7.25 EUR
              rule not met: gift
              held back: letter (1 contact by mail in 30 days)
              smallest change for another decision: renewal_risk <= 0.1 -> call
              the contract ends on 2024-08-16"""


def test_the_whole_story(story):
    assert customer_text(story) == EXPECTED


def test_lines_stay_within_100_columns(story):
    long = replace(
        story, profile=pd.DataFrame({"attribute": [f"attribute_{i}" for i in range(30)], "kind": "text", "value": "x"})
    )
    assert max(map(len, customer_text(long).splitlines())) <= 100


def test_who_is_no_customer_any_more_is_told_of_the_last_moment(story):
    gone = customer_text(replace(story, in_force=False, recommendation=None, as_of=datetime(2025, 1, 1, tzinfo=UTC)))
    assert "not a customer on 2025-01-01: the last contract ended on 2024-08-16. Predictions and" in gone
    assert "health are those of 2024-07-01." in " ".join(gone.split())
    assert "worth" not in gone
    assert "Next" not in gone  # the last contract has ended


def test_of_who_left_long_ago_no_health_is_told(story):
    long_ago = replace(
        story, in_force=False, as_of=datetime(2030, 1, 1, tzinfo=UTC), prediction=None, explanation=None, changes=(),
        health=story.health.head(0), predictions=story.predictions.head(0), recommendation=None,
    )  # fmt: skip
    text = customer_text(long_ago)
    headings = [line.split()[0] for line in text.splitlines()[1:] if line and line[0] != " "]
    assert headings == ["Who", "Contract", "Touchpoints", "Answers", "Actions"]
    assert text.startswith("acme: customer c7 as of 2030-01-01\n")
    assert "not a customer on 2030-01-01: the last contract ended on 2024-08-16.\n" in text


def test_a_snapshot_of_a_customer_without_anything_else(story):
    nothing = pd.DataFrame()
    bare = replace(
        story, profile=nothing, touchpoints=nothing, answers=nothing, contracts=nothing, actions=nothing,
        predictions=story.predictions.tail(1), changes=(), recommendation=None,
        explanation=Explanation("c7", JULY, None, None, ()),
    )  # fmt: skip
    headings = [line.split()[0] for line in customer_text(bare).splitlines()[1:] if line and line[0] != " "]
    assert headings == ["Who", "Predicted", "Health"]
    assert "nothing is known but the id" in customer_text(bare)
    assert "not known: no model speaks of this customer" in customer_text(bare)


def test_portuguese_says_the_same_in_other_words(story):
    names = {
        ("attribute", "segment"): "segmento", ("attribute", "age"): "idade", ("event_type", "visit"): "visitas",
        ("channel", "store"): "loja", ("channel", "mail"): "correio", ("touchpoint", "contact"): "contacto",
    }  # fmt: skip
    prediction = replace(story.prediction, value=18_525.5)
    text = customer_text(replace(story, language="pt", names=names, prediction=prediction))
    told = " ".join(line.strip() for line in text.splitlines())
    for said in (
        "acme: cliente c7 em 2024-07-01, modelo m1",
        "segmento family, idade 37,5, vip não",
        "2023-08-16 a 2024-08-16, 25,50 EUR, termina dentro de 46 dias, auto pay sim",
        "(web, loja)",
        "(contacto): 1",
        "valor no horizonte 18\N{NO-BREAK SPACE}526 EUR",
        "66,5 de 100: 60,0 antes de se saber alguma coisa, e +10,5  visits",
        "2024-07-01   66,5   +6,0  visits +6,0",
        "discount, correio: vale 12,50 EUR",
    ):
        assert said in told
    assert WORDS["en"].keys() == WORDS["pt"].keys()


def of_items(story, *points):
    items = tuple(item(f"column:x{i}", f"x{i}", p) for i, p in enumerate(points))
    return customer_text(replace(story, explanation=Explanation("c7", JULY, 66.5, 60.0, items)))


@pytest.mark.parametrize(
    ("rest", "expected"), [((0.4,), "+0.4  1 other item\n"), ((-0.4, 0.2), "-0.2  2 other items\n")]
)
def test_items_that_are_not_listed_are_one_line_in_the_singular_or_plural(story, rest, expected):
    assert expected in of_items(story, *[1.0] * 8, *rest)


@pytest.mark.parametrize("rest", [(), (0.04,), (-0.04,), (0.4, -0.4)])
def test_items_that_come_to_nothing_have_no_line(story, rest):
    text = of_items(story, *[1.0] * 8, *rest)
    assert "other item" not in text
    assert "0.0  " not in text.partition("Health")[2].partition("Over time")[0].partition("\n")[2]


def test_a_change_of_nothing_has_no_sign(story):
    still = ExplainedChange("c7", JUNE, JULY, -0.01, ())
    assert "2024-07-01   66.5    0.0\n" in customer_text(replace(story, changes=(still,)))


def test_a_single_invitation_and_a_single_day_are_in_the_singular(story):
    told = customer_text(
        replace(
            story,
            language="pt",
            answers=story.answers.head(1),
            contracts=story.contracts.head(1),
            as_of=datetime(2024, 8, 15, tzinfo=UTC),
        )
    )
    assert "o único convite, de 2024-03-16, está sem resposta" in told
    assert "termina dentro de 1 dia," in told


def test_what_the_models_foretell_is_told_as_the_outcome(story):
    outcomes = pd.DataFrame({"attribute": ["Exited"], "kind": ["number"], "value": ["0"]})
    assert "\nOutcome       Exited 0\n" in customer_text(replace(story, outcomes=outcomes))
    assert "Outcome" not in customer_text(story)


def test_the_picture_stacks_items_that_add_up_to_health_less_its_base(story):
    above, below = health_over_time_picture(story.health, story.labels).axes
    assert above.lines[0].get_ydata().tolist() == [60.5, 66.5]
    heights = {bars.get_label(): [bar.get_height() for bar in bars] for bars in below.containers}
    assert heights == {"visits": [4.5, 10.5], "answers": [-4.0, -4.0], "all others": [0.0, 0.0]}


def test_the_picture_has_the_same_bytes_twice(story):
    written = []
    for _ in range(2):
        file = io.BytesIO()
        health_over_time_picture(story.health, story.labels).savefig(file, format="png")
        written.append(file.getvalue())
    assert written[0] == written[1]


def test_the_picture_is_of_one_customer_whose_health_is_known(story):
    both = pd.concat([story.health, story.health.assign(customer_id="c8")])
    with pytest.raises(SchemaError, match="it is of 2, and known in 12 of 12 rows"):
        health_over_time_picture(both, {})
    with pytest.raises(SchemaError, match="it is of 1, and known in 0 of 6 rows"):
        health_over_time_picture(story.health.assign(points=NAN), {})
