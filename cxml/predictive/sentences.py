"""Why, in one sentence: what a feature says of a customer, and the points of health that it adds or takes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from cxml.predictive.filter_words import clause_text, column_measure, facts, flag_words, promise_words, share_words
from cxml.predictive.items import Definition
from cxml.predictive.number_words import days_text, number_text, percent_text, points_text
from cxml.predictive.templates import LABELS, MONTHS, SENTENCES, WEEKDAYS
from cxml.predictive.time_of_year import WAVES
from cxml.predictive.vocabulary import FLAGS, Language, Measure, category, readable, table_noun
from cxml.schema import columns as c

Value = float | str | None
"""A feature's value: a number, a name, or unknown (None, NaN); a number may come as text that shows it."""

# Features whose value is one that a column has, and nothing that was reckoned from several.
_OWN_VALUES: Final = ("attribute", "contract", "environment", "last", "first")
_NAMES: Final = {"month": MONTHS, "year": MONTHS, "weekday": WEEKDAYS}


class Said:
    """What is said of one feature in one language: for many customers, its words are found once.

    Parameters
    ----------
    feature : its definition, as the bundle stores it
    language : ``en`` or ``pt``
    features : the definitions that a ratio or a segment's feature may be made of
    flag : whether it was true or false in training, told as 1 or 0; this says something of a column's own values alone

    Attributes
    ----------
    label : what the feature is, without a value, such as ``number of support contacts in 30 days``

    Examples
    --------
    >>> unsolved = {"kind": "aggregate", "name": "unsolved_30d", "table": "events", "aggregate": "count",
    ...             "where": "event_type = 'contact' AND solved = FALSE", "window_days": 30}
    >>> Said(unsolved, "en").reason(3, -8)
    '3 support contacts unsolved in 30 days: -8 points'
    >>> Said(unsolved, "pt").reason(3, -8)
    '3 contactos por resolver em 30 dias: -8 pontos'
    """

    def __init__(
        self,
        feature: Definition,
        language: Language,
        features: Iterable[Definition] = (),
        depth: int = 0,
        *,
        flag: bool = False,
    ) -> None:
        self.feature, self.language = feature, language
        self.kind: str = feature["kind"]
        self._by_name = {other["name"]: other for other in features}
        self._depth = depth
        self.column: str | None = feature.get("column")
        self.measure = column_measure(self.column, language) if self.column else Measure("")
        self.fields = self._fields()
        self.flag = self._label_key() in _OWN_VALUES and (flag or self.column in FLAGS)
        self.label = LABELS[language][self._label_key()].format(**self.fields)

    def reason(self, value: Value, points: float) -> str:
        """Return the sentence of a reason: the feature's value, and the points of health that it adds or takes."""
        return points_said(self.sentence(value), points, self.language)

    def happened(self, before: Value, after: Value) -> str:
        """Return the sentence of a feature's change, without points."""
        old, new = (self.value(_read(value)) for value in (before, after))
        # Where words do not tell the two apart, that it went from one to the other says nothing.
        key = "change.untold" if "" in (old, new) or old == new else "change"
        return self._template(key, before=old, after=new)

    def sentence(self, value: Value) -> str:
        """Return the sentence of a value, without points."""
        value = _read(value)
        if value is None:
            return self._template(self._unknown_key())
        fields = {"label": self.label, "v": self.value(value)}
        key = "is"
        if isinstance(value, float):
            found, more = self._numeric(value)
            key, fields = found or key, {**fields, **more}
        return self._template(key, **fields)

    def value(self, value: Value) -> str:
        """Return a value in words, with its unit; the height of a wave of the year has no words."""
        if value is None:
            return {"en": "unknown", "pt": "desconhecido"}[self.language]
        if isinstance(value, str):
            return category(self.column, value, self.language)
        if self.flag and value in (0.0, 1.0):
            return clause_text(["flag", value == 1.0], self.language)
        if self.kind == "season" and (part := self.feature["part"]) != "quarter":
            return "" if part in WAVES else _NAMES[part][self.language][int(value) - 1]
        aggregate = self.feature.get("aggregate")
        if self.kind in ("share", "promise") or (aggregate == "mean" and self.column in FLAGS):
            return percent_text(value, self.language)
        in_days = self.kind == "recency" or aggregate == "mean_gap_days"
        in_days |= self.feature.get("measure") in ("days_since_start", "days_to_end", "tenure_days")
        in_days |= self.measure.unit == "days" and aggregate not in ("count", "distinct", "entropy")
        in_days |= self.kind == "attribute" and self._label_key() != "attribute"
        return (days_text if in_days else number_text)(value, self.language)

    def _numeric(self, value: float) -> tuple[str | None, dict[str, str]]:
        """Return the template of a number, if it is not "`label` is `v`", and what it needs."""
        feature, language = self.feature, self.language
        aggregate = feature.get("aggregate")
        n = number_text(value, language)
        counted = {"n": n, "noun": self.fields["one" if n == "1" else "many"], "s": "" if n == "1" else "s"}
        if self.kind == "aggregate":
            if aggregate in ("count", "rows"):
                known = self._label_key() == "count.known"
                return ("count.none" if n == "0" else "count.known" if known else "count"), counted
            if aggregate == "days_active":
                return ("days_active.none" if n == "0" else "days_active"), {"days": days_text(value, language)}
            if aggregate == "decay" and self.column is None:
                return "decay", {}
            if aggregate == "mean_gap_days":
                return "mean_gap_days", {"days": days_text(value, language)}
            if aggregate == "mean" and self.column in FLAGS:
                return "mean.flag", {"p": percent_text(value, language)}
            if aggregate in ("last", "first") and self.column and self.column in FLAGS and value in (0.0, 1.0):
                said = flag_words(self.column, feature, language, true=value == 1.0, many=False)
                return f"{aggregate}.flag", {"flag": said}
        if self.kind == "recency":
            return self._label_key(), {"days": days_text(value, language)}
        if self.kind == "trend":
            size = number_text(abs(value), language)
            if aggregate == "count":
                noun = self.fields["one" if size == "1" else "many"]
                return f"trend.{_way(value, 'more', 'fewer', 'same')}", {"n": size, "noun": noun}
            of_aggregate = Said({**feature, "kind": "aggregate"}, language).label
            return f"trend.{_way(value)}", {"label": of_aggregate, "v": self.value(abs(value))}
        if self.kind in ("share", "promise"):
            return "share", {"p": percent_text(value, language)}
        if self.kind == "contract" and self.column is None:
            if feature["measure"] == "price_change":
                return f"contract.price_change.{_way(value)}", {"v": number_text(abs(value), language)}
            if feature["measure"] == "renewals":
                contract = table_noun("contracts", language)
                noun = contract.one if n == "1" else contract.many
                return "contract.renewals.none" if n == "0" else "contract.renewals", {**counted, "noun": noun}
            return f"contract.{feature['measure']}", {"days": days_text(value, language)}
        if self.kind == "environment" and (key := self._label_key()) != "environment":
            return f"{key}.{_way(value)}", {"v": number_text(abs(value), language)}
        if self.kind == "ratio" and "usual" in self.fields:
            return "ratio.overdue", {}
        if self.kind == "season":
            return self._label_key(), {}
        if self.kind == "attribute" and (key := self._label_key()) != "attribute":
            return key, {"days": days_text(value, language)}
        return "flag" if self.flag and value in (0.0, 1.0) else None, {}

    def _label_key(self) -> str:
        """Return the template of the label."""
        feature = self.feature
        if self.kind in ("aggregate", "trend"):
            if self.kind == "trend" and "label" in self.fields:
                return "trend"
            return self._aggregate_key(feature["aggregate"])
        if self.kind == "recency":
            return f"recency.{feature.get('since', 'last')}"
        if self.kind == "contract":
            return "contract" if self.column else f"contract.{feature['measure']}"
        if self.kind == "environment":
            if feature.get("change_days"):
                return "environment.change"
            return "environment.against" if feature.get("against") else "environment"
        if self.kind == "season":
            return f"season.{feature['part']}"
        if self.kind == "attribute":
            if self.column == c.SINCE:
                return "attribute.since"
            # The days since a time that is a column are called after it (`cxml.descriptive.defaults`).
            return "attribute.time" if feature["name"] == f"{self.column}_days" else "attribute"
        if self.kind == "ratio":
            kind = "count" if "of_one" in self.fields else "overdue" if "usual" in self.fields else ""
            return f"ratio.{kind}" if kind else "ratio"
        return "share" if self.kind == "promise" else self.kind

    def _aggregate_key(self, aggregate: str) -> str:
        if aggregate in ("count", "rows"):
            return "count" if self.column in (None, c.SCORE) else "count.known"
        if aggregate == "decay":
            return "decay.column" if self.column else "decay"
        if aggregate == "mean" and self.column in FLAGS:
            return "mean.flag"
        if self.column == c.SCORE and (
            aggregate in ("last", "first") or (aggregate == "mean" and self.fields["score"])
        ):
            return f"{aggregate}.score"
        return aggregate

    def _unknown_key(self) -> str:
        if self.kind == "contract" and self.column is None:
            key = f"unknown.contract.{self.feature['measure']}"
            return key if key in SENTENCES[self.language] else "unknown.contract"
        if "table" not in self.feature:
            return "unknown"
        aggregate = self.feature.get("aggregate")
        if self.kind == "recency" or (aggregate in ("last", "first") and not self.fields["window"]):
            return "unknown.yet"
        return "unknown.facts" if self.column in (None, c.SCORE) else "unknown.known"

    def _template(self, key: str, **more: str) -> str:
        return SENTENCES[self.language][key].format(**{"label": self.label, **self.fields, **more})

    def _fields(self) -> dict[str, str]:
        """Return what templates may name, but for what depends on the value."""
        feature, language, measure = self.feature, self.language, self.measure
        fields = {
            "col": measure.name + measure.rest,
            "head": measure.name,
            "rest": measure.rest,
            "alone": measure.alone,
            "co": "a" if measure.feminine else "o",
            "one": "",
            "many": "",
            "window": "",
            "score": "",
        }
        if "table" in feature:
            found = facts(feature, language)
            fields |= {"one": found.one, "many": found.many, "score": found.instrument or ""}
            fields |= {"o": "a" if found.feminine else "o", "a": "a" if found.feminine else ""}
            if self.column and self.column in FLAGS:
                fields["flag"] = flag_words(self.column, feature, language, true=True, many=True)
        if days := feature.get("window_days") or feature.get("change_days"):
            fields["days"] = days_text(days, language)
            fields["window"] = {"en": " in ", "pt": " em "}[language] + fields["days"]
        if half := feature.get("half_life_days"):
            fields["half"] = days_text(half, language)
        if self.kind == "share":
            fields["of"] = share_words(feature["of"], feature, language)
        elif self.kind == "promise":
            fields["of"] = promise_words(feature, language)
        elif self.kind == "trend":
            self.fields = fields
            fields["label"] = LABELS[language][self._aggregate_key(feature["aggregate"])].format(**fields)
        elif self.kind == "ratio":
            fields |= self._ratio_fields()
        elif self.kind == "segment":
            by = column_measure(feature.get("by", c.SEGMENT), language)
            fields |= {"label": self._label_of(feature["of"]), "col": by.alone, "alone": by.alone}
            fields["co"] = "a" if by.feminine else "o"
        return fields

    def _ratio_fields(self) -> dict[str, str]:
        """Return what the templates of ratios may name: of two counts, of one recency and its usual gap, or of any."""
        above, below = (self._by_name.get(self.feature[key], {}) for key in ("numerator", "denominator"))
        fields = {key: self._label_of(self.feature[key]) for key in ("numerator", "denominator")}
        counts = [
            of.get("aggregate") in ("count", "rows") and of.get("column") in (None, c.SCORE) for of in (above, below)
        ]
        if all(counts) and above.get("window_days") == below.get("window_days"):
            of = Said(below, self.language)
            return {**fields, **Said(above, self.language).fields, "of_one": of.fields["one"]}
        same = [(of.get("table"), of.get("where")) for of in (above, below)]
        if above.get("kind") == "recency" and below.get("aggregate") == "mean_gap_days" and same[0] == same[1]:
            return {**fields, **Said(below, self.language).fields, "usual": ""}
        return fields

    def _label_of(self, name: str) -> str:
        other = self._by_name.get(name)
        if other is None or self._depth > len(self._by_name):
            return readable(name)
        return Said(other, self.language, self._by_name.values(), self._depth + 1).label


def points_said(sentence: str, points: float, language: Language) -> str:
    """Return a sentence with the points of health that what it says adds or takes."""
    return SENTENCES[language]["points"].format(sentence=sentence, points=points_text(points, language))


def _way(value: float, up: str = "rose", down: str = "fell", still: str = "still") -> str:
    return up if value > 0 else down if value < 0 else still


def _read(value: Value) -> Value:
    """Return a value as it is meant: text that shows a number is that number, and what is unknown is None."""
    if value is None or value == "unknown":
        return None
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        return number if f"{number:.6g}" == value else value
    return None if math.isnan(value) else float(value)
