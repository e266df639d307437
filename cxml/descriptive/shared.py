"""What many customers share, as DuckDB SQL: the state of the environment of each region, and the facts of a segment.

It is computed once for all of them, into tables of its own; the query of each customer looks it up.
"""

from __future__ import annotations

from cxml.descriptive.cells import SPINE, value_sql, where_sql
from cxml.descriptive.plan import FACT_TIME, LEFT_BY_ROUNDING, Plan
from cxml.schema import columns as c
from cxml.schema.sql import quoted

REGION_STATES = "region_states"
"""From each moment that anything became known of a region: its latest known value of each measure."""

NATIONAL_STATES = "national_states"
"""From the same moments: the mean over the regions of their latest known values."""


def segment_days(place: int) -> str:
    """Return the name of the table of what all customers of a segment add up to on each day."""
    return f"segment_days_{place}"


def segment_sizes(by: str) -> str:
    """Return the name of the table of how many customers of each segment began on each day."""
    return f"segment_sizes_{by}"


def shared_statements(plan: Plan) -> dict[str, str]:
    """Return for each shared table that a plan needs the statement that makes it."""
    found = {}
    if plan.lookups:
        found[REGION_STATES] = _region_states(plan)
        if any(lookup.national for lookup in plan.lookups):
            found[NATIONAL_STATES] = _national_states(plan)
    for i, mean in enumerate(plan.segments):
        found[segment_days(i)] = _segment_days(i, plan)
        found.setdefault(segment_sizes(mean.by), _segment_sizes(mean.by, plan))
    return found


def lookup_joins(plan: Plan) -> list[str]:
    """Return the joins that give each moment the states of its region; they read the customer as ``k``."""
    if not plan.lookups:
        return []
    joins = []
    for days in dict.fromkeys([None, *(lookup.change_days for lookup in plan.lookups)]):
        state, moment = _state(days), f"s.{c.AS_OF}" if days is None else f"s.{c.AS_OF} - INTERVAL {days} DAY"
        on = f"{state}.{c.REGION} = k.{c.REGION} AND {moment} > {state}.since"
        joins.append(f"ASOF LEFT JOIN {REGION_STATES} {state} ON {on}")
    if any(lookup.national for lookup in plan.lookups):
        joins.append(f"ASOF LEFT JOIN {NATIONAL_STATES} national ON s.{c.AS_OF} > national.since")
    return joins


def lookup_sql(place: int, plan: Plan) -> str:
    """Return the SQL of one lookup."""
    lookup = plan.lookups[place]
    column = quoted(lookup.column)
    if lookup.national:
        return f"(now.{column} - national.{column})"
    return f"now.{column}" if lookup.change_days is None else f"(now.{column} - {_state(lookup.change_days)}.{column})"


def segment_queries(plan: Plan) -> dict[str, str]:
    """Return the query of each mean over segments: for each segment and day of the spine, the facts of everyone."""
    found = {}
    for i, mean in enumerate(plan.segments):
        cell, by = plan.cells[mean.total], quoted(mean.by)
        sizes = quoted(segment_sizes(mean.by))
        found[f"segment_{i}"] = (
            f"    SELECT p.name, p.day, coalesce(sum(d.total), 0) AS total, coalesce(sum(d.n), 0) AS n,\n"
            f"        (SELECT sum(z.n) FROM {sizes} z WHERE z.name = p.name AND z.day < p.day) AS customers\n"
            f"    FROM (SELECT DISTINCT k.{by} AS name, CAST(s.{c.AS_OF} AS DATE) AS day\n"
            f"        FROM {SPINE} s JOIN customers k ON k.{c.CUSTOMER_ID} = s.{c.CUSTOMER_ID}) p\n"
            f"        LEFT JOIN {segment_days(i)} d ON d.name = p.name AND d.day < p.day "
            f"AND d.day >= p.day - INTERVAL {cell.begin_days} DAY AND d.known_day < p.day\n    GROUP BY p.name, p.day"
        )
    return found


def segment_join(place: int, plan: Plan) -> str:
    """Return the join of a mean over segments to the customer ``k`` at the moment ``s``."""
    name, by = f"segment_{place}", quoted(plan.segments[place].by)
    return f"LEFT JOIN {name} ON {name}.name = k.{by} AND {name}.day = CAST(s.{c.AS_OF} AS DATE)"


def segment_sql(place: int, plan: Plan, total: str, n: str | None) -> str:
    """Return the SQL of a mean over the others of the segment, from one's own total and number of values."""
    name, day = f"segment_{place}", f"CAST(s.{c.AS_OF} AS DATE)"
    if c.KNOWN_TIME in plan.kinds["customers"]:  # one's own facts are among those of all from when one was known
        known = f"coalesce(k.{c.KNOWN_TIME} < {day}, TRUE)"
        total, n = f"CASE WHEN {known} THEN {total} ELSE 0 END", n and f"CASE WHEN {known} THEN {n} ELSE 0 END"
    counted = f"CASE WHEN {_begun_day(plan, 'k')} < {day} THEN 1 ELSE 0 END"
    others = f"{name}.customers - {counted}" if n is None else _left(f"{name}.n", n)
    return f"({_left(f'{name}.total', total)} / nullif({others}, 0))"


def _left(total: str, own: str) -> str:
    """Return the SQL of what is left of a total without one's own part."""
    return f"(CASE WHEN abs({total} - {own}) > {LEFT_BY_ROUNDING!r} * abs({total}) THEN {total} - {own} ELSE 0 END)"


def _state(days: int | None) -> str:
    return "now" if days is None else f"before_{days}"


def _measures(plan: Plan) -> list[str]:
    return [quoted(column) for column in dict.fromkeys(lookup.column for lookup in plan.lookups)]


def _region_states(plan: Plan) -> str:
    """Of a measure that was restated, the statement that became known last counts, of the latest time observed."""
    late = c.KNOWN_TIME in plan.kinds["environment"]
    stated = f"coalesce({c.KNOWN_TIME}, {c.OBSERVED_TIME})" if late else c.OBSERVED_TIME
    values = {m: f"CAST({m} AS DOUBLE)" for m in _measures(plan)}
    if c.CONFIDENCE in plan.kinds["environment"]:
        values |= {
            _weight(m): f"CASE WHEN {m} IS NOT NULL THEN coalesce({c.CONFIDENCE}, 1.0) END" for m in list(values)
        }
    latest = ", ".join(
        f"arg_max({value}, {{'observed': {c.OBSERVED_TIME}, 'stated': stated, 'place': place}}) OVER known AS {name}"
        for name, value in values.items()
    )
    return (
        f"SELECT DISTINCT {c.REGION}, since, {latest}\n"
        f"FROM (SELECT *, {stated} AS stated, greatest({c.OBSERVED_TIME}, stated) AS since, rowid AS place "
        f"FROM environment)\n"
        f"WINDOW known AS (PARTITION BY {c.REGION} ORDER BY since RANGE UNBOUNDED PRECEDING)"
    )


def _national_states(plan: Plan) -> str:
    """Each region counts for the confidence of its statement, where the table has one."""
    weighted = c.CONFIDENCE in plan.kinds["environment"]
    means = ", ".join(
        f"{f'sum(r.{m} * r.{_weight(m)}) / nullif(sum(r.{_weight(m)}), 0)' if weighted else f'avg(r.{m})'} AS {m}"
        for m in _measures(plan)
    )
    return (
        f"SELECT t.since, {means}\n"
        f"FROM (SELECT DISTINCT since FROM {REGION_STATES}) t\n"
        f"    CROSS JOIN (SELECT DISTINCT {c.REGION} FROM {REGION_STATES}) g\n"
        f"    ASOF LEFT JOIN {REGION_STATES} r ON r.{c.REGION} = g.{c.REGION} AND t.since >= r.since\nGROUP BY t.since"
    )


def _weight(measure: str) -> str:
    """Return the column of how far the state of a (quoted) measure is to be trusted."""
    return f'"confidence of {measure[1:]}'


def _segment_days(place: int, plan: Plan) -> str:
    """Return what all customers of a segment add up to on each day, and how many values that is.

    A fact is known of the segment from when it was known that it is a fact, and that its customer is of the segment.
    """
    mean = plan.segments[place]
    cell, by = plan.cells[mean.total], quoted(mean.by)
    time = f"t.{FACT_TIME[cell.table]}"
    late = c.KNOWN_TIME in plan.kinds[cell.table] and cell.table != "invitations"
    known = f"coalesce(t.{c.KNOWN_TIME}, {time})" if late else time
    if c.KNOWN_TIME in plan.kinds["customers"]:
        known = f"greatest({known}, k.{c.KNOWN_TIME})"
    value = value_sql(cell)
    weight = f"coalesce(t.{c.CONFIDENCE}, 1.0)" if c.CONFIDENCE in plan.kinds[cell.table] else "1.0"
    has_value = f"CASE WHEN {value} IS NOT NULL THEN {weight} END"
    total = has_value if cell.aggregate == "count" else f"{value} * {weight}"
    return (
        f"SELECT k.{by} AS name, CAST({time} AS DATE) AS day, CAST({known} AS DATE) AS known_day,\n"
        f"    sum({total}) AS total, sum({has_value}) AS n\n"
        f"FROM {cell.table} t JOIN customers k ON k.{c.CUSTOMER_ID} = t.{c.CUSTOMER_ID}\n"
        f"WHERE k.{by} IS NOT NULL AND {time} IS NOT NULL AND {where_sql(cell)}\nGROUP BY 1, 2, 3"
    )


def _segment_sizes(by: str, plan: Plan) -> str:
    name = quoted(by)
    return (
        f"SELECT k.{name} AS name, {_begun_day(plan, 'k')} AS day, count(*) AS n\n"
        f"FROM customers k WHERE k.{name} IS NOT NULL GROUP BY 1, 2"
    )


def _begun_day(plan: Plan, alias: str) -> str:
    """Return the SQL of the day on which someone became known as a customer."""
    times = [f"{alias}.{column}" for column in (c.SINCE, c.KNOWN_TIME) if column in plan.kinds["customers"]]
    return f"coalesce(CAST(greatest({', '.join(times)}) AS DATE), DATE '0001-01-01')" if times else "DATE '0001-01-01'"
