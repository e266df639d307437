"""What a service needs to compute features without a database: what customers share, and their histories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import numpy as np

from cxml.descriptive.history import CustomerHistory
from cxml.descriptive.plan import Plan
from cxml.descriptive.shared import NATIONAL_STATES, REGION_STATES, segment_days, segment_sizes, shared_statements
from cxml.descriptive.sources import Tables
from cxml.descriptive.surroundings import DayTotals, Sizes, States, Surroundings, segment_key
from cxml.errors import SchemaError, broken_by
from cxml.schema import columns as c
from cxml.schema.sql import quoted

_DAY: Final = "date_diff('day', DATE '1970-01-01', {})"
Groups = dict[Any, list[Sequence[Any]]]


def surroundings(tables: Tables, plan: Plan) -> Surroundings:
    """Return what the customers of some tables share, as far as a plan reads it.

    Parameters
    ----------
    tables : Tables
    plan : Plan, over the same tables

    Returns
    -------
    Surroundings
        As of the tables: they hold what was known until then, for any moment up to then.
    """
    made = shared_statements(plan)
    measures = tuple(dict.fromkeys(lookup.column for lookup in plan.lookups))
    with tables.con.cursor() as cursor:
        for name, query in made.items():
            cursor.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS {query}")

        def read(table: str, name: str, *columns: str) -> Groups:
            """Return the columns of a table for each name, sorted by the first."""
            found = f"SELECT {', '.join([name, *columns])} FROM {quoted(table)} ORDER BY 1, 2"
            rows = cursor.execute(found).fetchall()
            return {key: list(zip(*(row[1:] for row in of), strict=True)) for key, of in groupby(rows, itemgetter(0))}

        since = ["epoch_us(since)", *map(quoted, measures)]
        regions = read(REGION_STATES, c.REGION, *since) if REGION_STATES in made else {}
        national = read(NATIONAL_STATES, "TRUE", *since) if NATIONAL_STATES in made else {}
        totals = {
            segment_key(plan, place): read(
                segment_days(place), "name", _DAY.format("day"), _DAY.format("known_day"), "total", "n"
            )
            for place in range(len(plan.segments))
        }
        sizes = {mean.by: read(segment_sizes(mean.by), "name", _DAY.format("day"), "n") for mean in plan.segments}
    return Surroundings(
        measures,
        {name: _states(columns, measures) for name, columns in regions.items()},
        _states(national.get(True, [()] * (1 + len(measures))), measures) if NATIONAL_STATES in made else None,
        {key: {name: _day_totals(columns) for name, columns in of.items()} for key, of in totals.items()},
        {by: {name: Sizes(_whole(day), _whole(n)) for name, (day, n) in of.items()} for by, of in sizes.items()},
    )


def histories(
    tables: Tables, plan: Plan, customer_ids: Iterable[str], shared: Surroundings | None = None
) -> dict[str, CustomerHistory]:
    """Return the histories of some customers, with everything that the tables hold of them.

    Parameters
    ----------
    tables : Tables
    plan : Plan, over the same tables
    customer_ids : their ids
    shared : Surroundings, optional
        What they share, where it was exported already.

    Raises
    ------
    SchemaError
        If one of them is no customer.
    """
    ids = list(dict.fromkeys(customer_ids))
    shared = shared or surroundings(tables, plan)
    customers = {row[c.CUSTOMER_ID]: row for row in _rows(tables, "customers", ids)}
    if strangers := [name for name in ids if name not in customers]:
        raise SchemaError(
            f"customer_ids: must be in customers; {broken_by(len(strangers), len(ids))} (first: {strangers[0]!r})."
        )
    facts: dict[str, dict[str, list[dict[str, Any]]]] = {name: {} for name in ids}
    for table in dict.fromkeys(cell.table for cell in plan.cells):
        for row in _rows(tables, table, ids):
            facts[row[c.CUSTOMER_ID]].setdefault(table, []).append(row)
    return {name: CustomerHistory(plan, customers[name], facts[name], shared) for name in ids}


def _rows(tables: Tables, table: str, ids: list[str]) -> list[dict[str, Any]]:
    """Return the rows of some customers in the order of the table, times as naive UTC datetimes."""
    columns = list(tables.kinds[table])
    found = tables.con.execute(
        f"SELECT {', '.join(map(quoted, columns))} FROM {table} "
        f"WHERE {c.CUSTOMER_ID} IN (SELECT unnest(CAST(? AS VARCHAR[]))) ORDER BY rowid",
        [ids],
    )
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def _states(columns: Sequence[Sequence[Any]], measures: Sequence[str]) -> States:
    since, *values = columns
    return States(_whole(since), dict(zip(measures, map(_floats, values), strict=True)))


def _day_totals(columns: Sequence[Sequence[Any]]) -> DayTotals:
    day, known_day, total, n = columns
    # A day whose facts have no known value adds nothing to the total.
    return DayTotals(_whole(day), _whole(known_day), np.nan_to_num(_floats(total)), np.nan_to_num(_floats(n)))


def _whole(values: Sequence[Any]) -> Any:
    return np.array(values, dtype=np.int64)


def _floats(values: Sequence[Any]) -> Any:
    return np.array(values, dtype=np.float64)  # None becomes NaN
