"""What featuretools has of the features, by deep feature synthesis with a cut-off time for each customer.

It computes customer by customer, so a sample of them is measured; only the sample's events are handed over. One call
for each window, as ``training_window`` is one for all primitives of a call. Left out is what it has no primitive for
(decay, season) and what it defines otherwise: the last and the first value also where they are missing, a sum of
unknown values that is 0, an entropy in nats to which missing values add; and what would need a further window (trend).
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.engines.company import CHANNELS, MEASURES

NAMES = ("customers", "events", "moments")
SECONDS_A_DAY = 86_400.0


def tables(folder: Path, n_customers: int) -> Any:
    """Return the tables of the first customers."""
    customers, events, moments = (pd.read_parquet(folder / f"{name}.parquet") for name in NAMES)
    moments = moments.head(n_customers)
    who = moments["customer_id"]
    return customers[customers["customer_id"].isin(who)], events[events["customer_id"].isin(who)], moments


def features(tables: Any) -> pd.DataFrame:
    """Return the features of the sample; the entity set is made in the same breath, as it is part of the way there."""
    import featuretools as ft

    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    customers, events, moments = tables
    entities = ft.EntitySet("company")
    entities.add_dataframe(dataframe_name="customers", dataframe=customers, index="customer_id", time_index="since",
                           logical_types={"customer_id": "Categorical"})  # fmt: skip
    entities.add_dataframe(dataframe_name="events", dataframe=events.reset_index(names="event"), index="event",
                           time_index="event_time", logical_types={"event_type": "Categorical",
                                                                   "channel": "Categorical"})  # fmt: skip
    entities.add_relationship("customers", "customer_id", "events", "customer_id")
    entities.add_interesting_values(dataframe_name="events",
                                    values={"event_type": list(MEASURES), "channel": list(CHANNELS)})  # fmt: skip
    entities.add_last_time_indexes()  # or a window leaves out the customers who came before it
    cutoffs = moments.rename(columns={"as_of": "time"})

    def computed(window: str | None, every: list[str], of_type: list[str]) -> pd.DataFrame:
        found, _ = ft.dfs(
            entityset=entities, target_dataframe_name="customers", cutoff_time=cutoffs, training_window=window,
            include_cutoff_time=False, agg_primitives=every, where_primitives=of_type, trans_primitives=[],
            max_depth=1, n_jobs=1, verbose=False,
        )  # fmt: skip
        return found.droplevel("time") if "time" in found.index.names else found

    week, month = computed("7 days", ["count"], ["count"]), computed("30 days", ["count"], ["count"])
    quarter = computed("90 days", ["count", "mean"], ["count", "mean"])
    year_every = ["count", "mean", "n_unique_days"]
    year = computed("365 days", year_every, ["count", "mean"])
    ever_every = ["time_since_last", "time_since_first", "avg_time_between", "n_unique_days"]
    ever = computed(None, ever_every, ["time_since_last"])
    return _named(week, month, quarter, year, ever)


def write(found: pd.DataFrame, path: str) -> None:
    found.reset_index().to_parquet(path)


def _named(
    week: pd.DataFrame, month: pd.DataFrame, quarter: pd.DataFrame, year: pd.DataFrame, ever: pd.DataFrame
) -> Any:
    """Return the columns that mean the same as those of cxml, under their names."""
    found: dict[str, Any] = {}
    for name, measure in MEASURES.items():
        of_type = f"WHERE event_type = {name})"
        for days, frame in ((7, week), (30, month), (90, quarter), (365, year)):
            found[f"{name}_count_{days}d"] = frame[f"COUNT(events {of_type}"]
        for days, frame in ((90, quarter), (365, year)):
            found[f"{name}_{measure}_mean_{days}d"] = frame[f"MEAN(events.{measure} {of_type}"]
        found[f"days_since_{name}"] = ever[f"TIME_SINCE_LAST(events.event_time {of_type}"] / SECONDS_A_DAY
    found["events_count_365d"] = year["COUNT(events)"]
    found["events_days_active_365d"] = year["N_UNIQUE_DAYS(events.event_time)"]
    found["events_days_active"] = ever["N_UNIQUE_DAYS(events.event_time)"]
    found["days_since_event"] = ever["TIME_SINCE_LAST(events.event_time)"] / SECONDS_A_DAY
    found["days_since_first_event"] = ever["TIME_SINCE_FIRST(events.event_time)"] / SECONDS_A_DAY
    found["events_mean_gap_days"] = ever["AVG_TIME_BETWEEN(events.event_time)"] / SECONDS_A_DAY
    channels = {name: year[f"COUNT(events WHERE channel = {name})"].astype(float) for name in CHANNELS}
    known = sum(channels.values())
    for name in CHANNELS:
        found[f"channel_{name}_share_365d"] = channels[name] / known.where(known > 0)
    return pd.DataFrame(found)
