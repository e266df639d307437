"""What a policy does not do for the company's customers: rules that fire for nobody, limits that they cannot reach."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import mask, numbers
from cxml.conditions.coded import Coded
from cxml.prescriptive.checking.policy_coverage import Met, option_coverage
from cxml.prescriptive.options import limit_use
from cxml.prescriptive.policy import RULES, Weight
from cxml.schema import columns as c
from cxml.schema.findings import Finding

_SMALL_GROUP: Final = 20
"""Of so few customers a share moves by 5 points with each of them."""
_SMALL_SHARE: Final = 100
"""Of so many, a share is known to within 10 points (95%, at worst): 1.96 x sqrt(.25 / 100)."""


def observed_findings(met: Met, ids: Collection[str]) -> Iterator[Finding]:
    """Give what is found where the policy meets its customers.

    Parameters
    ----------
    met : the policy and the customers of the moment
    ids : of all customers that there are, also of those who are not customers at the moment
    """
    yield from _options(met)
    yield from _consents(met)
    yield from _weights(met)
    yield from _limits(met)
    yield from _fairness(met)
    yield from _lists(met, ids)
    yield from _shares(met)


def _options(met: Met) -> Iterator[Finding]:
    checked, policy = met.checked, met.checked.policy
    for j, row in enumerate(option_coverage(met).to_dict("records")):
        label, n = row[c.OPTION], int(row[c.N_CUSTOMERS])
        if j == policy.nothing or j in checked.dead or row[c.N_NOT_VALID] == n:
            continue
        if not row[c.N_FIRED]:
            yield Finding(
                "never-fired", checked.places[j], f"{label!r} fires for none of {n:,} customers: {_why(met, j)}."
            )
        elif not row[c.N_CHOSEN]:
            yield Finding(
                "never-chosen",
                checked.places[j],
                f"{label!r} fires for {int(row[c.N_FIRED]):,} customers and is worth most to none; most often, "
                f"{int(row[c.N_BEATEN]):,} times, {row[c.BEATEN_BY]!r} is worth more. Narrow that, or take this out.",
            )
        if row[c.N_NO_WORTH]:
            yield Finding(
                "unknown-worth",
                checked.places[j],
                f"cost, use or worth of {label!r} is unknown, or cost or use below 0, for {int(row[c.N_NO_WORTH]):,} "
                f"customers whose rule is true: they cannot get it. Say what holds then, as in COALESCE(value, 0).",
            )


def _why(met: Met, j: int) -> str:
    """Return what most customers fail: the condition that is true of the fewest, or what suppresses the rest."""
    n, rules = met.run.n_rows, [w for w in met.checked.written if w.role in RULES and j in w.options]
    if rules:
        counted = [(met.counts(written.tree), written) for written in rules]
        (true, false, unknown), least = min(counted, key=lambda pair: pair[0][0])
        if true < n:
            return f"{least.where} is true of {true:,}, false of {false:,} and unknown of {unknown:,}"
    stops = met.checked.policy.options[j].stops
    if stops:
        stop = max(stops, key=lambda stop: met.counts(stop.tree)[0])
        if true := met.counts(stop.tree)[0]:
            return f"{stop.label!r} suppresses it for {true:,}"
    return "its cost, use or worth is unknown, or its conditions are never true of the same customer"


def _consents(met: Met) -> Iterator[Finding]:
    for written in met.checked.written:
        if written.role == "consent" and met.checked.can_be_true(written.tree):
            true, false, unknown = met.counts(written.tree)
            if not true:
                yield Finding(
                    "no-consent",
                    written.where,
                    f"nobody has agreed: {written.text!r} is false of {false:,} customers and unknown of {unknown:,}. "
                    f"Nothing can be sent over this channel.",
                )


def _weights(met: Met) -> Iterator[Finding]:
    """Give a finding for each weight that is below 0 or unknown for somebody."""
    seen: list[tuple[Weight, str]] = []
    for option, where in zip(met.checked.policy.options, met.checked.places, strict=True):
        seen += [(w, where) for w in option.weights if w.amount[0] != "number" and all(w != known for known, _ in seen)]
    columns, n = met.run.columns, met.run.n_rows
    for weight, where in seen:
        amount = numbers(weight.amount, columns, n)
        about = np.ones(n, dtype=bool) if weight.when is None else mask(weight.when, columns, n)
        below, unknown = int((amount[about] < 0).sum()), int(np.isnan(amount[about]).sum())
        said = [f"below 0 for {below:,}, which counts as 0"] * bool(below)
        said += [f"unknown for {unknown:,}, which counts as 1"] * bool(unknown)
        if said:
            yield Finding("odd-weight", where, f"a weight is {' and '.join(said)}, of {int(about.sum()):,} customers.")


def _limits(met: Met) -> Iterator[Finding]:
    """Give a finding for each limit that these customers cannot reach, whatever they get."""
    policy = met.checked.policy
    for i, limit in enumerate(policy.limits):
        use = np.broadcast_to(limit_use(policy, limit, met.run.columns, met.look.cost), met.fired.shape)
        most = float(np.where(met.fired, use, 0.0).max(axis=1, initial=0.0).sum())
        daily = limit.per_day is None or limit.per_day >= most
        if most > 0 and limit.amount >= most and daily:
            yield Finding(
                "loose-limit",
                f"policy.limits[{i}]",
                f"{limit.name!r} allows {limit.amount:,.6g} {limit.of}, and all customers together could take "
                f"{most:,.6g} at most. Lower it, or leave it for a day with more of them.",
            )


def _fairness(met: Met) -> Iterator[Finding]:
    """Give a finding for each fairness limit between fewer than two groups, small ones, or such as a rule shuts out."""
    for i, rule in enumerate(met.checked.policy.fairness):
        where = f"policy.guard_rails.fairness[{i}]"
        column = met.run.columns[rule.by]
        values = (column.values[column.codes] if isinstance(column, Coded) else column).tolist()
        groups: dict[object, list[int]] = {}
        for row, value in enumerate(values):
            if value is not None and value == value:
                groups.setdefault(value, []).append(row)
        if len(groups) < 2:
            what = f"all have the same {rule.by}" if groups else f"{rule.by} is unknown of everybody"
            yield Finding("thin-group", where, f"there are no two groups to be fair between: {what}. Take it out.")
            continue
        small = sorted((len(rows), str(group)) for group, rows in groups.items() if len(rows) < _SMALL_GROUP)
        if small:
            n, group = small[0]
            yield Finding(
                "thin-group",
                where,
                f"{len(small)} of {len(groups)} groups have fewer than {_SMALL_GROUP} customers (smallest: {group!r} "
                f"with {n:,}): whoever of them gets it moves their share by {1 / n:.0%}. Join groups in a feature.",
            )
        any_fired: NDArray[np.bool_] = np.asarray(met.fired[:, list(rule.options)].any(axis=1))
        shut = sorted(str(group) for group, rows in groups.items() if not any_fired[rows].any())
        if shut and any_fired.any():
            more = f" and {len(shut) - 1:,} more" if len(shut) > 1 else ""
            yield Finding(
                "one-sided",
                where,
                f"of the {rule.by} {shut[0]!r}{more} nobody may get it, "
                f"so of the others at most {rule.max_difference:.0%} can. Widen the rule, or the limit.",
            )


def _lists(met: Met, ids: Collection[str]) -> Iterator[Finding]:
    known = frozenset(ids)
    for name, listed in met.checked.policy.lists.items():
        if missing := [customer for customer in listed if customer not in known]:
            yield Finding(
                "unknown-customers",
                f"policy.guard_rails.{name}",
                f"{len(missing):,} of {len(listed):,} listed are no customers (first: {missing[0]!r}). "
                f"Correct their ids.",
            )


def _shares(met: Met) -> Iterator[Finding]:
    config, n = met.checked.config, met.run.n_rows
    for key, share in (("holdout_share", config.holdout_share), ("exploration_share", config.exploration_share)):
        if 0 < share * n < _SMALL_SHARE:
            yield Finding(
                "thin-share",
                f"policy.{key}",
                f"{share:g} of {n:,} customers are about {share * n:.0f}; with fewer than {_SMALL_SHARE} in a run, "
                f"what an action changes is lost in chance for long. Raise it, or be patient.",
            )
