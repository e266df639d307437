"""What each feature means: the one translation of the feature algebra into DuckDB SQL.

Every query reads facts strictly before ``as_of``: those that happened before it and, where the table says when a row
became known, were known before it. What a row only gets later (whether a contract was renewed) is NULL until then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from cxml.conditions.parse import condition
from cxml.conditions.sql import sql as condition_sql
from cxml.config.features import Aggregate, Attribute, Contract, Environment, Feature, Recency, Season, Trend
from cxml.errors import ConditionError, ConfigError, listed, near_miss
from cxml.schema import columns as c
from cxml.schema.sql import quoted
from cxml.schema.tables import Kind

Kinds = Mapping[str, Mapping[str, Kind]]

SPINE: Final = "spine"
"""The table of the moments that features are wanted for: one row per (customer_id, as_of)."""

_FACT_TIME: Final = {
    "events": c.EVENT_TIME,
    "surveys": c.RESPONSE_TIME,
    "contracts": c.START_TIME,
    "actions": c.ACTION_TIME,
}
_DAY_US: Final = 86_400_000_000.0
_YEAR_DAYS: Final = 365.2425  # mean Gregorian year
_IN_FORCE: Final = f"f.{c.START_TIME} < f.spine_as_of AND f.{c.END_TIME} >= f.spine_as_of"
_AGGREGATES: Final = {
    "sum": "CASE WHEN count(f.{row}) FILTER (WHERE {rows}) = 0 THEN 0 ELSE sum({value}) FILTER (WHERE {rows}) END",
    "mean": "avg({value}) FILTER (WHERE {rows})",
    "min": "min({value}) FILTER (WHERE {rows})",
    "max": "max({value}) FILTER (WHERE {rows})",
    "std": "stddev_samp({value}) FILTER (WHERE {rows})",
    "distinct": "count(DISTINCT {value}) FILTER (WHERE {rows})",
    "last": "arg_max({value}, (f.{time}, {value})) FILTER (WHERE {rows} AND {value} IS NOT NULL)",
    "count": "count({counted}) FILTER (WHERE {rows})",
}


def feature_sql(features: Sequence[Feature], kinds: Kinds) -> str:
    """Return the query that computes features for every row of the table ``spine``.

    Parameters
    ----------
    features : the features, in the order of the columns
    kinds : for each table that is there, the kind of each of its columns

    Returns
    -------
    str
        DuckDB SQL; its result has the columns ``customer_id``, ``as_of`` and one per feature: numbers as DOUBLE, names
        as VARCHAR; ordered by key.

    Raises
    ------
    ConfigError
        If a feature names a table or a column that is not there, or one of the wrong kind; all faults together.
    """
    _check(features, kinds)
    ctes, joined = [], [f"FROM {SPINE}"]
    source: dict[str, str] = {}
    for table, part in _by_table(features).items():
        if table == SPINE:
            source |= {feature.name: _season(feature) for feature in part if isinstance(feature, Season)}
            continue
        ctes.append(f"of_{table} AS (\n{_table_query(table, part, kinds)}\n)")
        joined.append(f"LEFT JOIN of_{table} USING ({c.CUSTOMER_ID}, {c.AS_OF})")
        source |= {feature.name: f"of_{table}.{quoted(feature.name)}" for feature in part}
    selected = [f"{SPINE}.{c.CUSTOMER_ID}", f"{SPINE}.{c.AS_OF}"]
    selected += [f"{source[feature.name]} AS {quoted(feature.name)}" for feature in features]
    head = "WITH " + ",\n".join(ctes) + "\n" if ctes else ""
    columns = ",\n    ".join(selected)
    return (
        f"{head}SELECT\n    {columns}\n" + "\n".join(joined) + f"\nORDER BY {SPINE}.{c.CUSTOMER_ID}, {SPINE}.{c.AS_OF}"
    )


def feature_kind(feature: Feature, kinds: Kinds) -> Kind:
    """Return whether a feature is a number or a name (``category``)."""
    if isinstance(feature, Trend) or getattr(feature, "aggregate", "last") not in ("last", "min", "max"):
        return "number"
    if (column := getattr(feature, "column", None)) is None:
        return "number"
    kind = kinds[_table(feature)][column]
    return "category" if kind in ("category", "key", "text") else "number"


def _table(feature: Feature) -> str:
    if isinstance(feature, Aggregate | Recency | Trend):
        return feature.table
    if isinstance(feature, Contract):
        return "contracts"
    if isinstance(feature, Environment):
        return "environment"
    return "customers" if isinstance(feature, Attribute) else SPINE


def _by_table(features: Iterable[Feature]) -> dict[str, list[Feature]]:
    parts: dict[str, list[Feature]] = {}
    for feature in features:
        parts.setdefault(_table(feature), []).append(feature)
    return parts


def _table_query(table: str, features: list[Feature], kinds: Kinds) -> str:
    columns = ",\n        ".join(f"{_expression(f, kinds)} AS {quoted(f.name)}" for f in features)
    key = f"f.spine_customer AS {c.CUSTOMER_ID}, f.spine_as_of AS {c.AS_OF}"
    group = "GROUP BY f.spine_customer, f.spine_as_of"
    if table == "customers":
        return (
            f"    SELECT f.{c.CUSTOMER_ID}, f.spine_as_of AS {c.AS_OF},\n        {columns}\n"
            f"    FROM (SELECT s.{c.AS_OF} AS spine_as_of, t.* FROM {SPINE} s JOIN customers t "
            f"ON t.{c.CUSTOMER_ID} = s.{c.CUSTOMER_ID}{_known('customers', None, kinds)}) f"
        )
    if table == "environment":
        return (
            f"    SELECT {key},\n        {columns}\n"
            f"    FROM (SELECT s.{c.CUSTOMER_ID} AS spine_customer, s.{c.AS_OF} AS spine_as_of, t.* FROM {SPINE} s "
            f"JOIN customers k ON k.{c.CUSTOMER_ID} = s.{c.CUSTOMER_ID}{_known('customers', None, kinds, 'k')}\n"
            f"        JOIN environment t ON t.{c.REGION} = k.{c.REGION} "
            f"AND t.{c.OBSERVED_TIME} < s.{c.AS_OF}{_known('environment', c.OBSERVED_TIME, kinds)}) f\n    {group}"
        )
    time = _FACT_TIME[table]
    later = (
        f" REPLACE (CASE WHEN t.{c.END_TIME} < s.{c.AS_OF} THEN t.{c.RENEWED} END AS {c.RENEWED})"
        if table == "contracts"
        else ""
    )
    return (
        f"    SELECT {key},\n        {columns}\n"
        f"    FROM (SELECT s.{c.CUSTOMER_ID} AS spine_customer, s.{c.AS_OF} AS spine_as_of, t.*{later}\n"
        f"        FROM {SPINE} s LEFT JOIN {table} t ON t.{c.CUSTOMER_ID} = s.{c.CUSTOMER_ID} "
        f"AND t.{time} < s.{c.AS_OF}{_known(table, time, kinds)}) f\n    {group}"
    )


def _known(table: str, time: str | None, kinds: Kinds, alias: str = "t") -> str:
    """Return the SQL condition that a row was known before ``as_of``; one without a known time was from its time on."""
    if c.KNOWN_TIME not in kinds[table]:
        return ""
    otherwise = f"{alias}.{time}" if time else "TIMESTAMP '-infinity'"
    known = f"coalesce({alias}.{c.KNOWN_TIME}, {otherwise})"
    return f" AND {known} < s.{c.AS_OF}"


def _expression(feature: Feature, kinds: Kinds) -> str:
    if isinstance(feature, Attribute):
        return _attribute(feature, kinds)
    if isinstance(feature, Contract):
        return _contract(feature, kinds)
    if isinstance(feature, Environment):
        return _environment(feature, kinds)
    if isinstance(feature, Recency):
        edge = "max" if feature.since == "last" else "min"
        time = f"f.{_FACT_TIME[feature.table]}"
        return _days(f"{edge}({time}) FILTER (WHERE {_rows(feature, kinds)})", "f.spine_as_of")
    if isinstance(feature, Trend):
        now, before = f"INTERVAL {feature.window_days} DAY", f"INTERVAL {2 * feature.window_days} DAY"
        time = f"f.{_FACT_TIME[feature.table]}"
        rows = _rows(feature, kinds)
        late = _aggregated(feature, f"{rows} AND {time} >= f.spine_as_of - {now}", kinds)
        window = f"{time} < f.spine_as_of - {now} AND {time} >= f.spine_as_of - {before}"
        return f"({late} - {_aggregated(feature, f'{rows} AND {window}', kinds)})"
    if isinstance(feature, Aggregate):
        return _aggregated(feature, _rows(feature, kinds), kinds)
    raise AssertionError(f"{feature.kind} has no SQL")


def _rows(feature: Aggregate | Recency | Trend, kinds: Kinds) -> str:
    """Return the SQL condition on the facts that a feature looks at."""
    parts = [f"f.{c.CUSTOMER_ID} IS NOT NULL"]
    if isinstance(feature, Aggregate) and feature.window_days:
        parts.append(f"f.{_FACT_TIME[feature.table]} >= f.spine_as_of - INTERVAL {feature.window_days} DAY")
    if feature.where:
        where = f"features.{feature.name}.where"
        parts.append(condition_sql(condition(feature.where, kinds[feature.table], where=where).tree, "f"))
    return " AND ".join(parts)


def _aggregated(feature: Aggregate | Trend, rows: str, kinds: Kinds) -> str:
    value, cast = "", "CAST({} AS DOUBLE)"
    if feature.column:
        kind = kinds[feature.table][feature.column]
        value = f"f.{quoted(feature.column)}"
        if kind == "flag":
            value = f"CAST({value} AS INTEGER)"
        if feature.aggregate in ("last", "min", "max") and kind not in ("number", "flag"):
            cast = "{}"
    aggregate = _AGGREGATES[feature.aggregate]
    time = _FACT_TIME[feature.table]
    return cast.format(
        aggregate.format(row=c.CUSTOMER_ID, rows=rows, value=value, time=time, counted=value or f"f.{c.CUSTOMER_ID}")
    )


def _attribute(feature: Attribute, kinds: Kinds) -> str:
    kind, column = kinds["customers"][feature.column], f"f.{quoted(feature.column)}"
    if kind == "time":
        return _days(f"CASE WHEN {column} < f.spine_as_of THEN {column} END", "f.spine_as_of")
    return f"CAST({column} AS DOUBLE)" if kind in ("number", "flag") else column


def _contract(feature: Contract, kinds: Kinds) -> str:
    """Return a value of the contract in force, NULL where that contract does not have it."""
    if feature.column is not None:
        value = f"f.{quoted(feature.column)}"
        cast = "CAST({} AS DOUBLE)" if kinds["contracts"][feature.column] in ("number", "flag") else "{}"
    else:
        cast = "{}"
        value = (
            _days(f"f.{c.START_TIME}", "f.spine_as_of")
            if feature.measure == "days_since_start"
            else _days("f.spine_as_of", f"f.{c.END_TIME}")
        )
    latest = f"(f.{c.START_TIME}, f.{c.CONTRACT_ID})"
    return cast.format(f"(arg_max({{'v': {value}}}, {latest}) FILTER (WHERE {_IN_FORCE})).v")


def _environment(feature: Environment, kinds: Kinds) -> str:
    """Return the latest known value; of a measure that was restated, the statement that became known last."""
    column, order = f"f.{quoted(feature.column)}", f"f.{c.OBSERVED_TIME}"
    if c.KNOWN_TIME in kinds["environment"]:
        order = f"({order}, coalesce(f.{c.KNOWN_TIME}, {order}))"
    latest = f"CAST(arg_max({column}, {order}) FILTER (WHERE {column} IS NOT NULL) AS DOUBLE)"
    if feature.change_days is None:
        return latest
    earlier = f"f.{c.OBSERVED_TIME} < f.spine_as_of - INTERVAL {feature.change_days} DAY"
    return f"({latest} - CAST(arg_max({column}, {order}) FILTER (WHERE {column} IS NOT NULL AND {earlier}) AS DOUBLE))"


def _season(feature: Season) -> str:
    as_of = f"{SPINE}.{c.AS_OF}"
    if feature.part in ("month", "quarter"):
        return f"CAST({feature.part}({as_of}) AS DOUBLE)"
    wave = "sin" if feature.part == "year_sin" else "cos"
    return f"{wave}(2 * pi() * dayofyear({as_of}) / {_YEAR_DAYS})"


def _days(start: str, end: str) -> str:
    return f"(date_diff('microsecond', {start}, {end}) / {_DAY_US!r})"


def _check(features: Sequence[Feature], kinds: Kinds) -> None:
    names = [feature.name for feature in features]
    folded = [name.casefold() for name in names]
    faults = [
        f"features: {name!r} is the name of two features, or differs from another in case alone. Rename one."
        for i, name in enumerate(names)
        if folded[i] in folded[:i]
    ]
    for feature in features:
        table = _table(feature)
        if table == SPINE:
            continue
        if table not in kinds or (table == "environment" and c.REGION not in kinds["customers"]):
            needs = " and `customers.region`" if table == "environment" else ""
            faults.append(f"features.{feature.name}: needs the table {table!r}{needs}, which the config does not have.")
            continue
        faults += _column_faults(feature, table, kinds[table])
        if where := getattr(feature, "where", None):
            try:
                condition(where, kinds[table], where=f"features.{feature.name}.where")
            except ConditionError as error:
                faults.append(str(error))
    if faults:
        raise ConfigError(listed(faults))


def _column_faults(feature: Feature, table: str, columns: Mapping[str, Kind]) -> Iterator[str]:
    column = getattr(feature, "column", None)
    if column is None:
        return
    if column not in columns:
        yield f"features.{feature.name}: {table} has no column {column!r}{near_miss(column, columns) or '.'}"
        return
    kind, measured = columns[column], getattr(feature, "aggregate", "value")
    if kind not in ("number", "flag") and (measured in ("sum", "mean", "std") or isinstance(feature, Environment)):
        yield f"features.{feature.name}: {table}.{column} is a {kind}; only a number has a {measured}."
    elif kind == "time" and measured != "count" and not isinstance(feature, Attribute):
        yield f"features.{feature.name}: {table}.{column} is a time; use kind `recency` for the days since."
