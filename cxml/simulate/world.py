"""The world around the company: regions with an economy, a competitor and a climate, month by month."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxml.simulate.columns import labels, times
from cxml.simulate.timeline import Floats, Timeline

REGIONS = ("north", "north_east", "east", "south_east", "south", "south_west", "west", "centre")

DEPOT_DELAY_DAYS = np.array([0.5, -0.3, 0.2, 1.0, -0.5, 0.0, -0.2, 0.4])
"""Mean days a region's depot adds to every delivery: the company's own, lasting differences."""

CONFIDENCE_MEAN = 100.0
"""Long-run mean of the index, as in the OECD's consumer confidence index (amplitude adjusted, long-term mean 100)."""

CONFIDENCE_PERSISTENCE = 0.9
CONFIDENCE_SHOCK = 2.0
"""Monthly shock: with the persistence above the index's standard deviation is 4.6 points."""

COMPETITOR_DRIFT = 0.003
"""Monthly log growth of the competitor's prices: 3.7% a year, close to what this company adds at a renewal."""

COMPETITOR_SHOCK = 0.008


@dataclass(frozen=True)
class World:
    """What every region lives through; arrays of shape (n_regions, months).

    Attributes
    ----------
    competitor_price_index
        100 is the competitor's price level at the calendar's start.
    peak
        How far each calendar month is in the gift season, 0-1; shape (months,).
    """

    unemployment: Floats
    consumer_confidence: Floats
    competitor_price_index: Floats
    inflation: Floats
    rain_mm: Floats
    temperature_c: Floats
    peak: Floats


def world(months: int, rng: np.random.Generator) -> World:
    """Draw the regional series: economies revert to their mean, the competitor's prices are a random walk."""
    shape = (len(REGIONS), months)
    season = 2 * np.pi * (np.arange(months) % 12) / 12
    # A national shock shared by all regions plus a regional one of the same size.
    shocks = (rng.normal(size=(1, months)) + rng.normal(size=shape)) / np.sqrt(2)
    confidence = CONFIDENCE_MEAN + _mean_reverting(CONFIDENCE_SHOCK * shocks, CONFIDENCE_PERSISTENCE)
    jobless = rng.uniform(4.5, 8.5, size=(len(REGIONS), 1)) - 0.12 * (confidence - CONFIDENCE_MEAN)
    walk = np.cumsum(COMPETITOR_DRIFT + COMPETITOR_SHOCK * rng.normal(size=shape), axis=1)
    return World(
        unemployment=np.clip(jobless + rng.normal(0, 0.15, size=shape), 1.5, None),
        consumer_confidence=confidence,
        competitor_price_index=100 * np.exp(walk + rng.normal(0, 0.02, size=(len(REGIONS), 1))),
        inflation=3.0 + _mean_reverting(rng.normal(0, 0.3, size=shape), 0.85),
        rain_mm=rng.gamma(4.0, (60 + 25 * np.cos(season)) / 4.0, size=shape),
        temperature_c=12 - 9 * np.cos(season) + rng.normal(0, 1.5, size=shape),
        peak=np.isin(np.arange(months) % 12, (10, 11)).astype(np.float64),
    )


def environment_table(world: World, timeline: Timeline, rng: np.random.Generator) -> pd.DataFrame:
    """Return one row per region and month, measured at the month's last noon and published 10-20 days later."""
    region = np.repeat(np.arange(len(REGIONS)), timeline.months)
    ends = np.tile(timeline.starts_of(np.arange(1, timeline.months + 1)), len(REGIONS))
    observed = ends - 12 * 3600
    known = observed + rng.integers(10 * 86_400, 20 * 86_400, size=observed.size)
    table = pd.DataFrame(
        {
            "observed_time": times(observed),
            "known_time": times(known),
            "region": labels(REGIONS, region),
            "unemployment": world.unemployment.ravel().round(2),
            "consumer_confidence": world.consumer_confidence.ravel().round(2),
            "competitor_price_index": world.competitor_price_index.ravel().round(2),
            "inflation": world.inflation.ravel().round(2),
            "rain_mm": world.rain_mm.ravel().round(1),
            "temperature_c": world.temperature_c.ravel().round(1),
        }
    )
    return table[known < timeline.as_of].reset_index(drop=True)


def _mean_reverting(shocks: Floats, persistence: float) -> Floats:
    series = np.empty_like(shocks)
    series[:, 0] = shocks[:, 0] / np.sqrt(1 - persistence**2)
    for month in range(1, shocks.shape[1]):
        series[:, month] = persistence * series[:, month - 1] + shocks[:, month]
    return series
