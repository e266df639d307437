"""The features written by hand for pandas: customers numbered once, one group-by per aggregate over masked columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.engines.company import CHANNELS, MEASURES, WINDOWS_DAYS

NAMES = ("customers", "events", "moments")
DAY = pd.Timedelta(days=1)


def tables(folder: Path) -> Any:
    return [pd.read_parquet(folder / f"{name}.parquet") for name in NAMES]


def features(tables: Any) -> pd.DataFrame:
    customers, events, moments = tables
    row = pd.Index(moments["customer_id"]).get_indexer(events["customer_id"])
    as_of = moments["as_of"].to_numpy()
    before = events["event_time"].to_numpy() < as_of[row]
    return frame(customers, events[before], moments, row[before])


def from_files(folder: Path) -> pd.DataFrame:
    return features(tables(folder))


def write(found: pd.DataFrame, path: str) -> None:
    found.to_parquet(path)


def frame(customers: pd.DataFrame, events: pd.DataFrame, moments: pd.DataFrame, row: Any) -> pd.DataFrame:
    """Return the features from the events before the cut-offs, in the order of time; ``row`` is that of the moment."""
    age = moments["as_of"].to_numpy()[row] - events["event_time"].to_numpy()
    days = age / DAY
    day = events["event_time"].to_numpy().astype("datetime64[D]")
    recent = {n: age <= n * DAY for n in (*WINDOWS_DAYS, 180)}
    is_type = {name: (events["event_type"] == name).to_numpy() for name in MEASURES}
    measured = {name: events[measure].to_numpy() for name, measure in MEASURES.items()}
    channel = events["channel"]

    counted = {f"{name}_count_{n}d": is_type[name] & recent[n] for name in MEASURES for n in WINDOWS_DAYS}
    counted |= {f"{name}_before": is_type[name] & recent[180] & ~recent[90] for name in MEASURES}
    counted |= {f"channel_{name}": (channel == name).to_numpy(bool) & recent[365] for name in CHANNELS}
    counted |= {"events": np.ones(len(row), bool), "events_count_365d": recent[365]}
    counted |= {"channels": channel.notna().to_numpy() & recent[365]}
    counts = pd.DataFrame(counted).groupby(row).sum().reindex(range(len(moments)), fill_value=0).astype(float)

    masked = {
        (name, n): np.where(is_type[name] & recent[n], measured[name], np.nan) for name in MEASURES for n in (90, 365)
    }
    means = pd.DataFrame({f"{n}_{MEASURES[n]}_mean_{w}d": v for (n, w), v in masked.items()}).groupby(row).mean()
    sums = pd.DataFrame({f"{n}_{MEASURES[n]}_sum_365d": masked[n, 365] for n in MEASURES}).groupby(row).sum(min_count=1)
    of_type = {f"days_since_{name}": np.where(is_type[name], days, np.nan) for name in MEASURES}
    oldest_and_newest = pd.Series(days).groupby(row).agg(days_since_event="min", days_since_first_event="max")
    newest = pd.DataFrame(of_type).groupby(row).min()
    last = {f"{n}_{MEASURES[n]}_last": np.where(is_type[n], measured[n], np.nan) for n in MEASURES}
    lasts = pd.DataFrame(last).assign(channel_last=channel.to_numpy()).groupby(row).last()
    firsts = pd.DataFrame({"channel_first": channel.to_numpy()}).groupby(row).first()
    decayed = pd.Series(0.5 ** (days / 90)).groupby(row).sum().rename("events_decayed")

    found = moments.merge(customers, on="customer_id", how="left")
    found["tenure_days"] = ((found["as_of"] - found["since"]) / DAY).where(found["since"] < found["as_of"])
    found = found.drop(columns="since").join([counts, means, sums, newest, oldest_and_newest, lasts, firsts, decayed])
    found["events_decayed"] = found["events_decayed"].fillna(0)
    for name, mask in (("events_days_active", slice(None)), ("events_days_active_365d", recent[365])):
        distinct = pd.DataFrame({"row": row[mask], "day": day[mask]}).drop_duplicates()
        found[name] = distinct.groupby("row").size().reindex(found.index, fill_value=0).astype(float)
    return _made_of(found)


def _made_of(found: pd.DataFrame) -> pd.DataFrame:
    """Add the features that are made of aggregates."""
    for name, measure in MEASURES.items():
        found[f"{name}_trend_90d"] = found[f"{name}_count_90d"] - found[f"{name}_before"]
        total = f"{name}_{measure}_sum_365d"
        found[total] = found[total].mask(found[f"{name}_count_365d"] == 0, 0)
    gap = (found["days_since_first_event"] - found["days_since_event"]) / (found["events"] - 1).where(
        found["events"] > 1
    )
    found["events_mean_gap_days"] = gap
    found["events_overdue"] = found["days_since_event"] / gap.where(gap != 0)
    shares = found[[f"channel_{name}" for name in CHANNELS]].div(found["channels"].where(found["channels"] > 0), axis=0)
    for name in CHANNELS:
        found[f"channel_{name}_share_365d"] = shares[f"channel_{name}"]
    bits = -(shares * np.log2(shares.where(shares > 0))).sum(axis=1)
    found["channel_entropy_365d"] = bits.where(found["channels"] > 0)
    angle = found["as_of"].dt.dayofyear * (2 * np.pi) / 365.2425
    found["season_sin"], found["season_cos"] = np.sin(angle), np.cos(angle)
    counted = [f"{name}_before" for name in MEASURES] + [f"channel_{name}" for name in CHANNELS]
    return found.drop(columns=[*counted, "events", "channels"])
