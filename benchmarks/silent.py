"""The NPS of all customers from those who answered: is the truth inside the interval, whoever answers?

Each company is simulated with a seed of its own; everyone's true NPS is known. ``as simulated`` is the sample company
as it is: the unhappy and the extreme answer more. For the other rows everyone answers first, and who stays silent is
drawn anew from what they would have answered, from who they are, or from nothing; cxml is never told which. In the last
row who answers is drawn from nothing, but the unhappy are asked more often. Beside the NPS of all customers, that of
each segment and region is judged. ``respondents`` is that of the answers of a year.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final
from unittest import mock

import numpy as np
import pandas as pd

from benchmarks.figures import Figures

if TYPE_CHECKING:
    from cxml.simulate import Simulation

CUSTOMERS: Final = {"small": 800, "full": 1_500}
COMPANIES: Final = {"small": 1, "full": 50}
# Each takes as long as the first row; fewer companies are enough to see a mechanism that is not held.
COMPANIES_OTHERWISE: Final = {"small": 1, "full": 5}
FIRST_SEED: Final = 100
_HIGHEST: Final = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}

Answering = Callable[[pd.DataFrame, pd.DataFrame, np.random.Generator], np.ndarray]


def _at_random(surveys: pd.DataFrame, customers: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    return np.full(len(surveys), 0.2)


def _who_they_are(surveys: pd.DataFrame, customers: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Older people answer more, some regions do, and everyone has a habit; nobody's answer matters."""
    place = pd.Index(customers["customer_id"]).get_indexer(pd.Index(surveys["customer_id"]))
    age = customers["age"].fillna(customers["age"].mean()).to_numpy()
    region = customers["region"].astype("category").cat.codes.to_numpy()
    logit = -1.7 + 0.03 * (age - age.mean()) + 0.4 * (region % 3 - 1) + rng.normal(0, 0.7, size=len(customers))
    return np.asarray(1 / (1 + np.exp(-logit[place])))


def _the_happy(surveys: pd.DataFrame, customers: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(1.4 - 0.8 * _position(surveys))))


def _the_extremes(surveys: pd.DataFrame, customers: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(2.0 - 0.9 * np.abs(_position(surveys)))))


def _asked_when_unhappy(surveys: pd.DataFrame, customers: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Who would mostly give low answers is asked more often, as where each complaint brings an invitation."""
    mood = pd.Series(_position(surveys)).groupby(surveys["customer_id"].to_numpy()).transform("mean").to_numpy()
    asked = rng.random(len(surveys)) < 1 / (1 + np.exp(0.8 + 1.5 * mood))
    return np.where(asked, 0.3, np.nan)


def _position(surveys: pd.DataFrame) -> np.ndarray:
    """Return each answer as standard deviations from the mean of its instrument."""
    scores = surveys.groupby("instrument", observed=True)["score"]
    return ((surveys["score"] - scores.transform("mean")) / scores.transform("std")).to_numpy()


OTHERWISE: Final[Mapping[str, Answering]] = {
    "at random": _at_random,
    "by who they are": _who_they_are,
    "the happy, by their answer": _the_happy,
    "the extremes, by their answer": _the_extremes,
    "at random, the unhappy asked more": _asked_when_unhappy,
}
"""P(answer) of each invitation, in the order of the rows; NaN where there is no invitation."""


def run(scale: str) -> Figures:
    first = FIRST_SEED
    rows = [_judged("as simulated", None, range(first, first + COMPANIES[scale]), scale)]
    for name, mechanism in OTHERWISE.items():
        rows.append(_judged(name, mechanism, range(first, first + COMPANIES_OTHERWISE[scale]), scale))
    return rows


def _judged(name: str, mechanism: Answering | None, seeds: range, scale: str) -> dict[str, str | float]:
    started = time.perf_counter()
    found = pd.concat([_company(seed, mechanism, CUSTOMERS[scale]) for seed in seeds], ignore_index=True)
    everyone, groups = found[found["by"] == "all"], found[found["by"] != "all"]
    respondents, ours = (float((everyone[x] - everyone["truth"]).abs().mean()) for x in ("respondents", "predicted"))
    segments, regions = groups[groups["by"] == "segment"], groups[groups["by"] == "region"]
    return {
        "who answers": name,
        "companies": str(len(everyone)),
        "truth inside": f"{int(_inside(everyone).sum())} of {len(everyone)}",
        "error, respondents": respondents,
        "error, cxml": ours,
        "times smaller": respondents / ours,
        "mean error": float((everyone["predicted"] - everyone["truth"]).mean()),
        "width": float((everyone["high"] - everyone["low"]).mean()),
        "segments inside": f"{_inside(segments).mean():.0%}",
        "error": float((segments["predicted"] - segments["truth"]).abs().mean()),
        "regions inside": f"{_inside(regions).mean():.0%}",
        "error ": float((regions["predicted"] - regions["truth"]).abs().mean()),
        "seconds": time.perf_counter() - started,
    }


def _inside(rows: pd.DataFrame) -> pd.Series[bool]:
    return (rows["low"] <= rows["truth"]) & (rows["truth"] <= rows["high"])


def _company(seed: int, mechanism: Answering | None, n_customers: int) -> pd.DataFrame:
    """Return truth, respondents' NPS and prediction of everyone and of each segment and region."""
    from cxml.config.load import example_config, load_config
    from cxml.pipeline import population_nps

    sample = _simulated(seed, mechanism, n_customers)
    found = population_nps(load_config(example_config("sample.yaml")), frames=sample.tables).frame
    who = sample.truth.merge(sample.tables["customers"], on="customer_id")
    net = 100 * (who["p_promoter"] - who["p_detractor"])
    truth = {("all", "all"): net.mean()}
    for column in ("segment", "region"):
        truth |= {(column, str(group)): x for group, x in net.groupby(who[column].astype(str)).mean().items()}
    frame = pd.DataFrame(
        {
            "by": found["by"],
            "truth": [truth[by, group] for by, group in zip(found["by"], found["group"], strict=True)],
            "respondents": found["respondents_nps"],
            "predicted": found["predicted_nps"],
            "low": found["predicted_low"],
            "high": found["predicted_high"],
        }
    )
    everyone = frame.iloc[0]
    said = ", ".join(f"{name} {everyone[name]:+.1f}" for name in ("truth", "respondents", "predicted", "low", "high"))
    print(f"# {seed}: {said}", file=sys.stderr, flush=True)
    return frame


def _simulated(seed: int, mechanism: Answering | None, n_customers: int) -> Simulation:
    from cxml.simulate import simulate, surveys

    if mechanism is None:
        return simulate(n_customers, random_state=seed)
    with mock.patch.object(surveys, "p_response", lambda satisfaction: np.ones(np.shape(satisfaction))):
        sample = simulate(n_customers, random_state=seed)
    rng, tables = np.random.default_rng(seed), dict(sample.tables)
    rows = tables["surveys"].copy()
    waiting = rows["score"].isna().to_numpy()  # invitations of the last days
    p = mechanism(rows, tables["customers"], rng)
    silent = waiting | (rng.random(len(rows)) >= np.nan_to_num(p))
    for column in ("response_time", "score", "comment"):
        rows[column] = rows[column].mask(silent)
    rows = rows[~np.isnan(p) | waiting]
    return type(sample)(tables=tables | {"surveys": rows}, truth=sample.truth, as_of=sample.as_of)
