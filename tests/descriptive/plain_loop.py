"""What each feature should be, by going through the rows one by one: the oracle of the property tests."""

import statistics
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, log2, pi, sin
from operator import itemgetter

from random_histories import CONDITIONS, DAY, EXPRESSIONS

from cxml.config.features import (
    Aggregate,
    Attribute,
    Contract,
    Environment,
    Promise,
    Ratio,
    Recency,
    Season,
    Segment,
    Share,
)

TIME = {"events": "event_time", "surveys": "response_time", "invitations": "sent_time", "contracts": "start_time",
        "actions": "action_time", "environment": "observed_time"}  # fmt: skip
WEIGHTED = ("surveys", "actions")


def is_known(table, row, as_of):
    """Return whether a row happened before a moment and was known before it."""
    time = row[TIME[table]] if table in TIME else datetime.min
    return time is not None and time < as_of and (row.get("known_time") or time) < as_of


def invitations(surveys):
    """Return surveys as they were sent; one whose sending is not known counts from when its answer was known."""
    found = []
    for row in surveys:
        sent, answered = row["sent_time"], row["response_time"]
        if sent is None and answered is not None:
            sent = max(answered, row["known_time"] or answered)
        if sent is not None:
            names = {name: row[name] for name in ("customer_id", "instrument", "touchpoint")}
            found.append(names | {"sent_time": sent})
    return found


@dataclass(frozen=True)
class Loop:
    """A history, and the features by name that may be asked of it."""

    history: dict
    features: dict

    def value(self, feature, customer, as_of):
        """Return what a feature is."""
        if isinstance(feature, Season):
            return season(feature.part, as_of)
        if isinstance(feature, Ratio):
            a, b = (
                self.value(self.features[name], customer, as_of) for name in (feature.numerator, feature.denominator)
            )
            return a / b if a is not None and b else None
        (person,) = (row for row in self.history["customers"] if row["customer_id"] == customer)
        person = person if is_known("customers", person, as_of) else dict.fromkeys(person)
        if isinstance(feature, Attribute):
            found = person[feature.column]
            if isinstance(found, datetime):
                return (as_of - found) / DAY if found < as_of else None
            return found
        if isinstance(feature, Environment):
            return self.environment(feature, person["region"], as_of)
        if isinstance(feature, Segment):
            return self.segment(feature, customer, person[feature.by], as_of)
        if isinstance(feature, Contract):
            return contract(feature, self.facts("contracts", customer, as_of), as_of)
        return of_facts(feature, self.facts(feature.table, customer, as_of), as_of)

    def facts(self, table, customer, as_of):
        """Return the facts of a customer known before a moment, the later ones last."""
        rows = invitations(self.history["surveys"]) if table == "invitations" else self.history[table]
        rows = [row for row in rows if row["customer_id"] == customer and is_known(table, row, as_of)]
        if table == "contracts":
            rows = [row if row["end_time"] < as_of else row | {"renewed": None} for row in rows]
            return sorted(rows, key=lambda row: (row["start_time"], row["contract_id"]))
        return sorted(rows, key=lambda row: row[TIME[table]])

    def environment(self, feature, region, as_of):
        def state(region, before):
            rows = [
                ((row["observed_time"], row["known_time"] or row["observed_time"], place), row)
                for place, row in enumerate(self.history["environment"])
                if row["region"] == region and is_known("environment", row, before) and row[feature.column] is not None
            ]
            row = max(rows, key=itemgetter(0))[1] if rows else None
            return row and (float(row[feature.column]), 1.0 if row["confidence"] is None else row["confidence"])

        now = state(region, as_of)
        if feature.against == "national":
            regions = {row["region"] for row in self.history["environment"]}
            states = [found for name in regions if (found := state(name, as_of)) is not None]
            weights = sum(weight for _, weight in states)
            other = (sum(value * weight for value, weight in states) / weights, 1.0) if weights else None
        elif feature.change_days is None:
            return now and now[0]
        else:
            other = state(region, as_of - feature.change_days * DAY)
        return None if now is None or other is None else now[0] - other[0]

    def segment(self, feature, customer, name, as_of):
        if name is None:
            return None
        of, midnight = self.features[feature.of], datetime(as_of.year, as_of.month, as_of.day)
        rows, others = [], 0
        for row in self.history["customers"]:
            if row["customer_id"] == customer or row[feature.by] != name:
                continue
            others += all(row[time] is None or row[time] < midnight for time in ("since", "known_time"))
            if is_known("customers", row, midnight):
                facts = self.facts(of.table, row["customer_id"], midnight)
                rows += [fact for fact in facts if fact[TIME[of.table]] >= midnight - of.window_days * DAY]
        rows = [row for row in rows if of.where is None or CONDITIONS[of.where](row) is True]
        found = aggregate(of, rows, midnight)
        if of.aggregate == "mean":
            return found
        return (found or 0) / others if others else None


def season(part, as_of):
    angle = 2 * pi * (as_of - datetime(as_of.year - 1, 12, 31)).days / 365.2425
    found = {"year_sin": sin(angle), "year_cos": cos(angle), "month": as_of.month, "weekday": as_of.weekday() + 1}
    return found.get(part, (as_of.month + 2) // 3)


def of_facts(feature, rows, as_of):
    time = TIME[feature.table]
    rows = [row for row in rows if feature.where is None or CONDITIONS[feature.where](row) is True]
    if isinstance(feature, Recency):
        edge = max if feature.since == "last" else min
        return (as_of - edge(row[time] for row in rows)) / DAY if rows else None
    window = timedelta(days=feature.window_days or 999)
    late = [row for row in rows if row[time] >= as_of - window]
    if isinstance(feature, Share | Promise):
        return share(feature, late)
    if isinstance(feature, Aggregate):
        return aggregate(feature, late, as_of)
    early = [row for row in rows if as_of - 2 * window <= row[time] < as_of - window]
    now, before = aggregate(feature, late, as_of), aggregate(feature, early, as_of)
    return None if now is None or before is None else now - before


def share(feature, rows):
    yes = all_known = 0.0
    for row in rows:
        if isinstance(feature, Share):
            found = CONDITIONS[feature.of](row)
        else:
            bound = row[feature.promise] if isinstance(feature.promise, str) else feature.promise
            found = None if row[feature.column] is None or bound is None else row[feature.column] <= bound
        if found is not None:
            yes, all_known = yes + weight(feature, row) * found, all_known + weight(feature, row)
    return yes / all_known if all_known else None


def weight(feature, row):
    """Return how much a fact counts: what its confidence says, where its table has one."""
    return row["confidence"] if feature.table in WEIGHTED and row["confidence"] is not None else 1.0


def aggregate(feature, rows, as_of):
    """Return an aggregate of rows that are in order of time."""
    time, name = TIME[feature.table], feature.aggregate
    if name == "rows":
        return len(rows)
    if name == "days_active":
        return len({row[time].date() for row in rows})
    if name == "mean_gap_days":
        return (rows[-1][time] - rows[0][time]) / DAY / (len(rows) - 1) if len(rows) > 1 else None
    known = [(row, found) for row in rows if (found := worth(feature, row)) is not None]
    values, weights = [found for _, found in known], [weight(feature, row) for row, _ in known]
    if name == "count":
        return sum(weights)
    if name == "decay":
        ages = [(as_of - row[time]) / DAY for row, _ in known]
        weights = [w * 0.5 ** (age / feature.half_life_days) for w, age in zip(weights, ages, strict=True)]
    if name in ("sum", "decay"):
        total = sum(w * x for w, x in zip(weights, values, strict=True))
        return 0 if not rows else total if known else None
    if name == "mean":
        return sum(w * x for w, x in zip(weights, values, strict=True)) / sum(weights) if sum(weights) else None
    if name == "distinct":
        return len(set(values))
    if name == "std":
        return statistics.stdev(map(float, values)) if len(values) > 1 else None
    if name == "entropy":
        shares = [n / len(values) for n in Counter(values).values()]
        return abs(sum(p * log2(p) for p in shares)) if shares else None
    of = {"min": min, "max": max, "first": lambda found: found[0], "last": lambda found: found[-1]}[name]
    return of(values) if values else None


def worth(feature, row):
    if feature.column is None:
        return 1.0
    return EXPRESSIONS[feature.column](row) if feature.column in EXPRESSIONS else row[feature.column]


def contract(feature, rows, as_of):
    if feature.measure == "tenure_days":
        return (as_of - rows[0]["start_time"]) / DAY if rows else None
    if feature.measure == "renewals":
        return sum(row["renewed"] is True for row in rows)
    places = [place for place, row in enumerate(rows) if row["end_time"] >= as_of]
    if not places:
        return None
    latest = rows[places[-1]]
    if feature.measure == "value":
        return latest[feature.column]
    if feature.measure == "price_change":
        before = rows[places[-1] - 1]["price"] if places[-1] else None
        return None if latest["price"] is None or before is None else latest["price"] - before
    return (as_of - latest["start_time"] if feature.measure == "days_since_start" else latest["end_time"] - as_of) / DAY
