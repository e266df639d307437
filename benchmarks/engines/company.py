"""A generated company whose default features are 60: events in the order of time, a cut-off for each customer.

Everything is a hash of the row's number, so the same size gives the same files. A few customers have most events (the
number falls with the square root of a customer's rank); a quarter of the events lies after the customer's cut-off.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cxml.config.company import CompanyConfig

EVENTS_PER_CUSTOMER: Final = 25
MEASURES: Final[Mapping[str, str]] = {
    "visit": "duration",
    "purchase": "value",
    "contact": "duration",
    "return": "value",
}
"""The types of events, and the measure that events of a type have (97% of them)."""
CHANNELS: Final = ("web", "mobile", "store", "phone", "email", "social")
"""The channels; 2% of the events have none."""
WINDOWS_DAYS: Final = (7, 30, 90, 365)
N_FEATURES: Final = 60

_SHARES: Final = {"visit": 0.55, "purchase": 0.25, "contact": 0.13, "return": 0.07}
_CHANNEL_SHARES: Final = (0.35, 0.25, 0.15, 0.11, 0.08, 0.04)
_TWO_YEARS_US: Final = 731 * 86_400_000_000


def write_company(folder: Path, n_events: int) -> None:
    """Write ``customers.parquet``, ``events.parquet`` and ``moments.parquet`` (a cut-off for each customer)."""
    import duckdb

    n = n_events // EVENTS_PER_CUSTOMER
    step = _TWO_YEARS_US // n_events
    customer = f"(CAST(floor({n} * pow({_uniform(3)}, 2)) AS BIGINT) * 7919) % {n}"  # 7919 is prime: ranks are mixed
    queries = {
        "customers": f"SELECT {_id('i')} AS customer_id, {_moment('2020-01-01', 1_000, 1)} AS since FROM range({n}) t(i)",
        "moments": f"SELECT {_id('i')} AS customer_id, {_moment('2024-01-01', 365, 2)} AS as_of FROM range({n}) t(i)",
        "events": f"""
            SELECT customer_id, event_time, event_type, channel,
                CASE WHEN event_type IN ('purchase', 'return') AND filled THEN round(exp(3 + 2 * size), 2) END AS value,
                CASE WHEN event_type IN ('visit', 'contact') AND filled THEN round(exp(1 + 4 * size), 1) END AS duration
            FROM (
                SELECT {_id(customer)} AS customer_id,
                    TIMESTAMP '2023-01-01' + to_microseconds(i * {step} + CAST({_uniform(4)} * {step} AS BIGINT))
                        AS event_time,
                    {_drawn(5, list(_SHARES), list(_SHARES.values()))} AS event_type,
                    {_drawn(6, CHANNELS, _CHANNEL_SHARES)} AS channel,
                    {_uniform(7)} AS size, {_uniform(8)} < 0.97 AS filled
                FROM range({n_events}) t(i)
            )
        """,
    }
    with duckdb.connect() as con:
        for name, query in queries.items():
            con.execute(f"COPY ({query}) TO '{folder / f'{name}.parquet'}'")


def config(folder: Path, memory_limit: str | None = None) -> CompanyConfig:
    """Return the config of the company: its tables, and nothing else."""
    from cxml.config.load import parse_config

    tables = {name: {"path": str(folder / f"{name}.parquet")} for name in ("customers", "events")}
    return parse_config(
        {
            "company": "generated",
            "timezone": "UTC",
            "memory_limit": memory_limit,
            "tables": tables,
            "labels": {"nps": {}},
        }
    )


def _uniform(draw: int) -> str:
    """Return the SQL of a number in [0, 1) that a row and the number of the draw determine.

    The draws of a row are hashes of numbers of their own: hash(i, 1) and hash(i, 2) are not independent.
    """
    return f"(hash(i * 16 + {draw}) / 18446744073709551616.0)"


def _id(number: str) -> str:
    return f"printf('customer-%08d', {number})"


def _moment(first_day: str, days: int, draw: int) -> str:
    return f"TIMESTAMP '{first_day}' + to_microseconds(CAST({_uniform(draw)} * {days * 86_400_000_000} AS BIGINT))"


def _drawn(draw: int, names: list[str] | tuple[str, ...], shares: list[float] | tuple[float, ...]) -> str:
    """Return the SQL of a name drawn with its share, NULL with what the shares leave."""
    bounds = [sum(shares[: i + 1]) for i in range(len(shares))]
    cases = " ".join(f"WHEN {_uniform(draw)} < {b:.4f} THEN '{n}'" for n, b in zip(names, bounds, strict=True))
    return f"CASE {cases} END"
