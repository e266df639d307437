import typing

import pytest

from cxml.config.features import Aggregate, Contract, Feature, Season, features_from_json
from cxml.predictive.item_words import item_label, known_label
from cxml.predictive.items import Item, Source, items_of
from cxml.predictive.number_words import days_text, number_text, percent_text, points_text
from cxml.predictive.sentences import Said, points_said
from cxml.predictive.templates import LABELS, SENTENCES
from cxml.predictive.vocabulary import LANGUAGES, instrument_name, touchpoint_name

CONTACT, DELIVERY = "event_type = 'contact'", "event_type = 'delivery'"
NPS = "instrument = 'nps' AND score IS NOT NULL"


def reason_sentence(feature, value, points, language, features=()):
    return Said(feature, language, features).reason(value, points)


def change_sentence(feature, before, after, points, language, features=()):
    return points_said(Said(feature, language, features).happened(before, after), points, language)


def events(aggregate, where=None, window_days=None, **more):
    given = {"where": where, "window_days": window_days}
    found = {"kind": "aggregate", "name": "f", "table": "events", "aggregate": aggregate, **more}
    return found | {key: value for key, value in given.items() if value is not None}


def recency(where=None, **more):
    return {"kind": "recency", "name": "f", "table": "events", **({"where": where} if where else {}), **more}


def trend(aggregate, where, **more):
    return events(aggregate, where, 90, **more) | {"kind": "trend"}


def share(of, where=None, **more):
    return {"kind": "share", "name": "f", "table": "events", "of": of, **({"where": where} if where else {}), **more}


OTHERS = [
    events("rows", None, 365, name="answered", table="surveys"),
    events("count", None, 365, name="invited", table="invitations"),
    events("mean", NPS, 365, name="nps_mean", table="surveys", column="score"),
    recency(name="since"),
    events("mean_gap_days", name="gap"),
]
unsolved = events("count", f"{CONTACT} AND solved = FALSE", 30)


@pytest.mark.parametrize(
    ("feature", "value", "english", "portuguese"),
    [
        (unsolved, 3, "3 support contacts unsolved in 30 days", "3 contactos por resolver em 30 dias"),
        (unsolved, "1", "1 support contact unsolved in 30 days", "1 contacto por resolver em 30 dias"),
        (
            events("count", f"{CONTACT} AND solved", 1),
            0,
            "no support contacts solved in 1 day",
            "nenhum contacto resolvido em 1 dia",
        ),
        (
            events("count", f"{DELIVERY} AND delay_days > 0 AND value > 9.5", 90),
            2,
            "2 deliveries late (value above 9.5) in 90 days",
            "2 entregas com atraso (valor acima de 9,5) em 90 dias",
        ),
        (
            events("count", "event_type IN ('contact', 'complaint') AND channel = 'phone'"),
            1,
            "1 support contact or complaint by phone",
            "1 contacto ou reclamação por telefone",
        ),
        (
            events("count", "event_type = 'voucher_used'", 90),
            5,
            "5 voucher used events in 90 days",
            "5 eventos voucher used em 90 dias",
        ),
        (
            events("mean", DELIVERY, 90, column="delay_days"),
            2.26,
            "mean delay of deliveries in 90 days is 2.3 days",
            "atraso médio de entregas em 90 dias é 2,3 dias",
        ),
        (
            events("mean", DELIVERY, 90, column="delay_days"),
            float("nan"),
            "no delivery with known delay in 90 days",
            "nenhuma entrega com atraso conhecido em 90 dias",
        ),
        (
            events("mean", CONTACT, 90, column="solved"),
            0.8,
            "80% of support contacts solved in 90 days",
            "80% dos contactos resolvidos em 90 dias",
        ),
        (
            events("last", CONTACT, column="solved"),
            0,
            "last support contact: unsolved",
            "último contacto: por resolver",
        ),
        (events("last", NPS, table="surveys", column="score"), None, "no NPS answer yet", "ainda sem resposta NPS"),
        (events("last", NPS, table="surveys", column="score"), 9, "last NPS answer is 9", "última resposta NPS é 9"),
        (OTHERS[2], 6.5, "mean NPS score in 365 days is 6.5", "pontuação média NPS em 365 dias é 6,5"),
        (
            events("last", column="channel"),
            "phone",
            "channel of the last event is phone",
            "canal do último evento é telefone",
        ),
        (recency("event_type = 'visit'"), 1, "1 day since the last visit", "1 dia desde a última visita"),
        (recency("event_type = 'visit'"), "unknown", "no visit yet", "ainda sem visita"),
        (
            trend("count", CONTACT),
            3,
            "3 more support contacts in 90 days than in the 90 days before",
            "mais 3 contactos em 90 dias do que nos 90 dias anteriores",
        ),
        (
            trend("sum", "event_type = 'purchase'", column="value"),
            -30,
            "total value of purchases in 90 days fell by 30 against the 90 days before",
            "valor total de compras em 90 dias desceu 30 face aos 90 dias anteriores",
        ),
        (
            share("channel = 'web'", window_days=365),
            0.4,
            "40% of events on the web in 365 days",
            "40% dos eventos na web em 365 dias",
        ),
        (
            {**share("", DELIVERY), "kind": "promise", "column": "delay_days", "promise": 0.0},
            0.6,
            "60% of deliveries on time",
            "60% das entregas a tempo",
        ),
        (
            {"kind": "ratio", "name": "f", "numerator": "answered", "denominator": "invited"},
            0.5,
            "survey answers per survey invitation in 365 days is 0.5",
            "respostas a inquéritos por convite para inquéritos em 365 dias é 0,5",
        ),
        (
            {"kind": "ratio", "name": "f", "numerator": "since", "denominator": "gap"},
            2.114,
            "2.11 times the usual days between events since the last",
            "2,11 vezes os dias habituais entre eventos desde o último",
        ),
        (
            {"kind": "ratio", "name": "f", "numerator": "since", "denominator": "invited"},
            None,
            "days since the last event divided by number of survey invitations in 365 days is unknown",
            "sem informação sobre dias desde o último evento a dividir por número de convites para inquéritos em 365 "
            "dias",
        ),
        (
            {"kind": "contract", "name": "f", "measure": "days_to_end"},
            21.3,
            "contract ends in 21 days",
            "contrato termina dentro de 21 dias",
        ),
        (
            {"kind": "contract", "name": "f", "measure": "price_change"},
            -2.5,
            "price fell by 2.5 at the last renewal",
            "preço desceu 2,5 na última renovação",
        ),
        (
            {"kind": "contract", "name": "f", "measure": "days_to_end"},
            None,
            "no contract in force",
            "sem contrato em vigor",
        ),
        (
            {"kind": "environment", "name": "f", "column": "unemployment", "against": "national"},
            1.2,
            "unemployment in the region is 1.2 above the national mean",
            "desemprego na região está 1,2 acima da média nacional",
        ),
        (
            {"kind": "segment", "name": "f", "of": "nps_mean", "by": "region"},
            7.2,
            "mean NPS score in 365 days of others in the same region is 7.2",
            "pontuação média NPS em 365 dias dos outros clientes da mesma região é 7,2",
        ),
        ({"kind": "season", "name": "f", "part": "month"}, 3, "it is March", "estamos em março"),
        (
            {"kind": "season", "name": "f", "part": "quarter"},
            3,
            "it is quarter 3 of the year",
            "estamos no 3.º trimestre",
        ),
        ({"kind": "season", "name": "f", "part": "weekday"}, 7, "it is Sunday", "é domingo"),
        ({"kind": "season", "name": "f", "part": "year"}, 12, "it is December", "estamos em dezembro"),
        ({"kind": "season", "name": "f", "part": "year_sin"}, 0.86, "time of year", "época do ano"),
        (
            {"kind": "attribute", "name": "contract_type", "column": "contract_type"},
            "month-to-month",
            "contract type is month-to-month",
            "tipo de contrato é month-to-month",
        ),
        (
            {"kind": "attribute", "name": "tenure_days", "column": "since"},
            400,
            "customer for 400 days",
            "cliente há 400 dias",
        ),
    ],
)
def test_what_is_said_of_a_feature(feature, value, english, portuguese):
    assert reason_sentence(feature, value, -8, "en", OTHERS) == f"{english}: -8 points"
    assert reason_sentence(feature, value, -8, "pt", OTHERS) == f"{portuguese}: -8 pontos"


def every_kind():
    """Give definitions of each kind of feature, with each aggregate, measure and part that the config knows."""
    where = f"{CONTACT} AND (solved OR duration > 3) AND NOT (channel LIKE 'w%') AND plan IS NULL AND value <> -2"
    for table in ("events", "surveys", "invitations", "contracts", "actions"):
        for aggregate in typing.get_args(Aggregate.model_fields["aggregate"].annotation):
            half = {"half_life_days": 30} if aggregate == "decay" else {}
            for window in (None, 90):
                yield events(aggregate, where, window, table=table, column="solved", **half)
                yield events(aggregate, None, window, table=table, column="delay_days - value", **half)
                if aggregate in ("count", "rows", "days_active", "mean_gap_days", "decay"):
                    yield events(aggregate, "~", window, table=table, **half)
        for aggregate in ("count", "sum", "mean"):
            yield trend(aggregate, where, table=table, column="duration")
        for since in ("last", "first"):
            yield recency(where, table=table, since=since)
        yield share("channel IN ('web', 'kiosk') AND value > 3", table=table)
        yield share(CONTACT, table=table, where="touchpoint = 'delivery'")
        for promise in (0.0, 2.0, "promised_days"):
            yield {**share("", table=table), "kind": "promise", "column": "delay_days", "promise": promise}
    yield {"kind": "contract", "name": "f", "column": "price"}
    for measure in typing.get_args(Contract.model_fields["measure"].annotation):
        if measure != "value":
            yield {"kind": "contract", "name": "f", "measure": measure}
    for more in ({}, {"change_days": 90}, {"against": "national"}):
        yield {"kind": "environment", "name": "f", "column": "rain_mm", **more}
    for part in typing.get_args(Season.model_fields["part"].annotation):
        yield {"kind": "season", "name": "f", "part": part}
    for of, by in (("nps_mean", "segment"), ("nobody", "store_type")):
        yield {"kind": "segment", "name": "f", "of": of, "by": by}
        yield {"kind": "ratio", "name": "f", "numerator": of, "denominator": "answered"}
    for name, column in (("tenure_days", "since"), ("seen_days", "seen"), ("age", "age"), ("delay_days", "delay_days")):
        yield {"kind": "attribute", "name": name, "column": column}


def test_every_kind_of_feature_has_its_words():
    kinds = {kind.model_fields["kind"].default for kind in typing.get_args(typing.get_args(Feature)[0])}
    definitions = list(every_kind())
    assert {definition["kind"] for definition in definitions} == kinds
    for definition in definitions:
        labels = {language: Said(definition, language, OTHERS).label for language in LANGUAGES}
        assert labels["en"] != labels["pt"]
        for value in (0, 1, 2.5, -1.0, 1234.5, None, "gold"):
            if definition["kind"] == "season" and value not in (1, None, "gold"):
                continue
            said = {k: reason_sentence(definition, value, 2, k, OTHERS) for k in LANGUAGES}
            assert said["en"].endswith(": +2 points")
            assert said["pt"].endswith(": +2 pontos")
            assert said["en"] != said["pt"]
            for text in (*said.values(), *labels.values()):
                assert not set("{}_") & set(text)
                assert "  " not in text
                assert text == text.strip()
            change_sentence(definition, value, None, 2, "en", OTHERS)


def test_both_languages_have_the_same_templates():
    assert LABELS["en"].keys() == LABELS["pt"].keys()
    assert SENTENCES["en"].keys() == SENTENCES["pt"].keys()


def test_features_as_the_bundle_stores_them_have_words():
    stored = [feature.model_dump(exclude_none=True) for feature in features_from_json([unsolved, *OTHERS])]
    assert reason_sentence(stored[0], 3, -8, "en", stored) == "3 support contacts unsolved in 30 days: -8 points"


def test_a_change_names_both_values():
    assert (
        change_sentence(unsolved, 1, 3, -5, "en")
        == "number of support contacts unsolved in 30 days went from 1 to 3: -5 points"
    )
    assert (
        change_sentence(unsolved, None, 3, 5, "pt")
        == "número de contactos por resolver em 30 dias passou de desconhecido para 3: +5 pontos"
    )


def season(part):
    return {"kind": "season", "name": "f", "part": part}


@pytest.mark.parametrize(
    ("feature", "before", "after", "english", "portuguese"),
    [
        (season("month"), 3, 5, "month went from March to May", "mês passou de março para maio"),
        (season("quarter"), 1, 2, "quarter went from 1 to 2", "trimestre passou de 1 para 2"),
        (season("year"), 3, 5, "time of year went from March to May", "época do ano passou de março para maio"),
        (season("year"), 3, 3, "time of year changed", "época do ano mudou"),
        (season("year_cos"), 1, 0.86, "time of year changed", "época do ano mudou"),
        (season("year_cos"), None, 0.86, "time of year changed", "época do ano mudou"),
        (
            events("last", CONTACT, column="solved"),
            0,
            1,
            "solution of the last support contact went from no to yes",
            "resolução do último contacto passou de não para sim",
        ),
    ],
)
def test_a_change_is_told_without_numbers_that_nobody_reads(feature, before, after, english, portuguese):
    assert change_sentence(feature, before, after, -5, "en") == f"{english}: -5 points"
    assert change_sentence(feature, before, after, -5, "pt") == f"{portuguese}: -5 pontos"


def test_a_change_that_words_do_not_show_is_told_without_them():
    assert change_sentence(OTHERS[2], 6.501, 6.502, 1, "en") == "mean NPS score in 365 days changed: +1 point"


@pytest.mark.parametrize(
    ("feature", "english", "portuguese"),
    [
        ({"kind": "attribute", "name": "Partner", "column": "Partner"}, "partner: {}", "partner: {}"),
        (
            {"kind": "contract", "name": "f", "column": "autopay"},
            "autopay of the contract: {}",
            "autopay do contrato: {}",
        ),
        (
            {"kind": "environment", "name": "f", "column": "strike"},
            "strike in the region: {}",
            "strike na região: {}",
        ),
        (events("last", column="gift"), "gift of the last event: {}", "valor de gift do último evento: {}"),
    ],
)
def test_a_flag_is_yes_or_no(feature, english, portuguese):
    for value, yes, sim in ((1.0, "yes", "sim"), (0, "no", "não")):
        assert Said(feature, "en", flag=True).reason(value, 2) == f"{english.format(yes)}: +2 points"
        assert Said(feature, "pt", flag=True).reason(value, 2) == f"{portuguese.format(sim)}: +2 pontos"
    assert Said(feature, "en", flag=True).happened(0.0, 1.0).endswith(" went from no to yes")
    assert Said(feature, "pt", flag=True).happened(0.0, 1.0).endswith(" passou de não para sim")
    assert Said(feature, "en").reason(1.0, 2).endswith(" is 1: +2 points")
    assert Said(feature, "en", flag=True).reason(0.5, 2).endswith(" is 0.5: +2 points")


def test_a_number_that_was_never_above_1_is_no_flag():
    assert Said(events("count", CONTACT, 30), "en", flag=True).reason(1, 2) == "1 support contact in 30 days: +2 points"
    thumb = events("last", "instrument = 'thumb'", table="surveys", column="score")
    assert Said(thumb, "en", flag=True).reason(1, 2) == "last thumb answer is 1: +2 points"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_item_has_a_name(language):
    for source in typing.get_args(Source):
        assert item_label(Item(source, "delivery" if source in ("event", "column") else ""), language)


def test_items_are_called_after_what_they_tell_of():
    (item,) = items_of([events("count", DELIVERY)]).items
    assert [item_label(item, language) for language in LANGUAGES] == ["deliveries", "entregas"]
    assert item_label(Item("column", "MonthlyCharges"), "en") == "monthly charges"


def test_a_model_that_begins_to_speak_is_told():
    assert known_label("renewal", 1, "en") == "renewal risk is known now"
    assert known_label("nps", -1, "pt") == "a classe NPS deixou de ser conhecida"


@pytest.mark.parametrize(
    ("made", "english", "portuguese"),
    [
        (lambda k: number_text(1234567.8, k), "1,234,568", "1\u00a0234\u00a0568"),
        (lambda k: number_text(-0.004, k), "-0.004", "-0,004"),
        (lambda k: number_text(-1e-9, k), "0", "0"),
        (lambda k: number_text(100.0, k), "100", "100"),
        (lambda k: days_text(1.0, k), "1 day", "1 dia"),
        (lambda k: days_text(9.96, k), "10 days", "10 dias"),
        (lambda k: percent_text(0.004, k), "0.4%", "0,4%"),
        (lambda k: percent_text(1.0, k), "100%", "100%"),
        (lambda k: points_text(0.0, k), "0 points", "0 pontos"),
        (lambda k: points_text(0.97, k), "+1 point", "+1 ponto"),
        (lambda k: points_text(-0.04, k), "0 points", "0 pontos"),
    ],
)
def test_numbers_are_read_as_in_the_language(made, english, portuguese):
    assert (made("en"), made("pt")) == (english, portuguese)


def test_words_need_nothing_heavy():
    import json
    import subprocess
    import sys

    program = (
        "import sys, json, cxml.predictive.sentences, cxml.predictive.item_words, cxml.predictive.health_items, "
        "cxml.predictive.contributions; print(json.dumps([n for n in ('pandas', 'sqlglot', 'pydantic', 'sklearn', "
        "'lightgbm', 'scipy', 'duckdb') if n in sys.modules]))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == []


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [("ticket", "tickets"), ("stay", "stays"), ("email", "e-mails"), ("page_view", "page view events")],
)
def test_usual_types_of_events_have_a_noun_and_others_are_made_readable(event_type, expected):
    assert item_label(Item("event", event_type), "en") == expected


def test_instruments_that_are_abbreviations_are_in_capitals_and_others_are_words():
    assert [instrument_name(name, "en") for name in ("nps", "csat", "ces", "stars")] == ["NPS", "CSAT", "CES", "stars"]
    assert instrument_name("stars", "pt") == "estrelas"


@pytest.mark.parametrize("points", [-0.04, -0.0, 0.0, 0.04])
def test_points_that_are_shown_as_nothing_have_no_minus(points):
    assert points_text(points, "en").lstrip("+") == "0 points"
    assert number_text(-0.00001, "pt") == "0"


def test_a_usual_column_has_its_words_in_whatever_case_it_is_written():
    assert [item_label(Item("column", name), "pt") for name in ("Age", "gender", "SEGMENT")] == [
        "idade",
        "género",
        "segmento",
    ]


@pytest.mark.parametrize(
    ("touchpoint", "expected"), [("stay", "estadia"), ("relationship", "relação"), ("Balcão 7", "Balcão 7")]
)
def test_what_an_answer_is_about_has_the_noun_of_an_event_or_its_own_name(touchpoint, expected):
    assert touchpoint_name(touchpoint, "pt") == expected
