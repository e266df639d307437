"""Policy value: intervals on simulated logs with known truth, Open Bandit's two policies, monitoring without an effect.

Open Bandit is read from ``CXML_DATA`` and left out where it is not there. Its `bts` policy draws items from Beta
distributions that are learned as it runs and are not published, so what it would have done is taken from its own log:
how often each item was shown at each position. That is its average over the week, with an error of its own, which
is added to the interval. Its own value is the share of clicks in its own log.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figures
from cxml.prescriptive.evaluating.estimators import policy_values
from cxml.prescriptive.evaluating.intervals import interval
from cxml.prescriptive.evaluating.logged import Logged
from cxml.prescriptive.evaluating.monitoring import monitored
from cxml.prescriptive.evaluating.support import support

Floats = NDArray[np.float64]
Row = Mapping[str, str | float]

LOGS = {"small": 20, "full": 500}
STREAMS = {"small": 20, "full": 2_000}
POWER_STREAMS = {"small": 5, "full": 200}
DAYS = 365
_COLUMNS = ("what", "way", "wanted", "got", "ratio")
_N_ACTIONS = 5
_TASTE = np.array([[0.6, -0.3, 0.2], [-0.5, 0.4, 0.1], [0.2, 0.2, -0.6], [0.0, -0.5, 0.5], [0.3, 0.3, 0.3]])
_LIKED = np.array([1.2, 0.3, 0.0, -0.6, -1.0])
_BETTER = np.array([0.0, 0.2, 0.4, 0.1, -0.2])


@dataclass(frozen=True)
class Design:
    """How logs are simulated: the least probability of an action, what is valued, and with which model."""

    name: str
    reward: str
    n: int = 4_000
    least: float = 0.02
    deterministic: bool = False
    clustered: bool = False
    wrong_model: bool = False


def _designs() -> Sequence[Design]:
    found = []
    for reward in ("binary", "money"):
        found += [
            Design("skewed propensities", reward),
            Design("deterministic policy", reward, deterministic=True),
            Design("clustered by customer", reward, clustered=True),
            Design("wrong outcome model", reward, wrong_model=True),
        ]
    return [
        *found,
        Design("rare reward", "rare", n=10_000),
        Design("weights up to 100", "money", least=0.01, clustered=True),
    ]


def run(scale: str) -> Figures:
    rows = [*_coverage(LOGS[scale]), _plain(LOGS[scale]), *_open_bandit(), *_alarms(STREAMS[scale]),
            *_power(POWER_STREAMS[scale])]  # fmt: skip
    return [{column: row.get(column, "") for column in _COLUMNS} for row in rows]


def simulated(design: Design, rng: np.random.Generator, n: int | None = None) -> tuple[Logged, Floats, Floats, float]:
    """Return a log, the policy to be valued, an outcome model, and what the policy is worth for these very rows."""
    n = n or design.n
    customer = np.repeat(np.arange(n), rng.integers(1, 6, n))[:n] if design.clustered else np.arange(n)
    who = int(customer.max()) + 1
    x = rng.normal(size=(who, 3))[customer]
    taste = np.zeros((n, 1))
    if design.clustered:
        x = x + 0.5 * rng.normal(size=x.shape)
        taste = 0.8 * rng.normal(size=(who, 1))[customer]
    logging = (1 - _N_ACTIONS * design.least) * _softmax(1.5 * x @ _TASTE.T + _LIKED) + design.least
    wish = 2 * x @ np.roll(_TASTE, 1, axis=0).T
    target = np.eye(_N_ACTIONS)[wish.argmax(axis=1)] if design.deterministic else _softmax(wish)
    action = (logging.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    mean, reward = _rewards(design, 0.7 * x @ np.roll(_TASTE, 2, axis=0).T + _BETTER + taste, action, rng)
    model = np.tile(mean.mean(axis=0) * np.linspace(0.6, 1.4, _N_ACTIONS), (n, 1)) if design.wrong_model else mean
    names = tuple("abcde")
    logged = Logged(action, names, logging[np.arange(n), action], reward, customer)
    return logged, target, model, float((target * mean).sum(axis=1).mean())


def _softmax(x: Floats) -> Floats:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    found: Floats = e / e.sum(axis=1, keepdims=True)
    return found


def _rewards(
    design: Design, level: Floats, action: NDArray[np.intp], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return the expected reward of each action, and the reward of the one taken."""
    taken = np.arange(len(action)), action
    p = 1 / (1 + np.exp(-(level - {"binary": 1.0, "rare": 5.0, "money": 0.5}[design.reward])))
    happens = (rng.random(len(action)) < p[taken]).astype(np.float64)
    if design.reward != "money":
        return p, happens
    return p * np.exp(3.5 + 0.5 * level), happens * np.exp(3 + 0.5 * level[taken] + rng.normal(size=len(action)))


def _coverage(n_logs: int) -> Sequence[Row]:
    rows: list[Row] = []
    for number, design in enumerate(_designs()):
        many = [simulated(design, np.random.default_rng([1, number, i]), 20_000)[3] for i in range(2 + n_logs // 5)]
        truth = float(np.mean(many))
        found: dict[str, list[tuple[float, float, float]]] = {}
        for i in range(n_logs):
            logged, target, model, _ = simulated(design, np.random.default_rng([2, number, i]))
            for e in policy_values(logged, target, model):
                covers = e.low <= truth <= e.high, abs(e.value - truth) <= 1.96 * e.standard_error
                found.setdefault(e.estimator, []).append((*covers, e.effective_n))
        for name, logs in found.items():
            inside, wald, size = np.mean(logs, axis=0)
            chance = f"+- {100 * np.sqrt(0.95 * 0.05 / n_logs):.1f}%"
            rows.append({"what": f"{design.reward}, {design.name}, {design.n:,} rows: 95% interval of {name}",
                         "way": f"{n_logs} logs ({chance}), {size:,.0f} effective rows",
                         "wanted": "93-97%" if name in ("dr", "snips") else "",
                         "got": f"{inside:.1%} (Wald's {wald:.1%})"})  # fmt: skip
    return rows


def _plain(n_logs: int) -> Row:
    """Return how far the estimators are from plain loops, at most."""
    worst, n = 0.0, max(2, n_logs // 25)
    for i in range(n):
        design = _designs()[i % 8]
        logged, target, model, _ = simulated(design, np.random.default_rng([3, i]), 1_000)
        wanted = looped(logged, target, model)
        for e in policy_values(logged, target, model):
            if e.estimator in wanted:
                worst = max(worst, abs(e.value - wanted[e.estimator]) / max(1.0, abs(wanted[e.estimator])))
    return {"what": "estimators against a plain loop, largest relative difference", "way": f"{n} logs",
            "wanted": "1e-9", "got": f"{worst:.0e}"}  # fmt: skip


def looped(logged: Logged, target: Floats, model: Floats) -> dict[str, float]:
    """Return IPS, SNIPS, direct and DR from their definitions, a row at a time."""
    ips = total = direct = doubly = 0.0
    for i in range(len(logged.action)):
        a = int(logged.action[i])
        w = float(target[i, a]) / float(logged.propensity[i])
        expected = sum(float(target[i, j]) * float(model[i, j]) for j in range(len(logged.actions)))
        ips += w * float(logged.reward[i])
        total += w
        direct += expected
        doubly += expected + w * (float(logged.reward[i]) - float(model[i, a]))
    n = len(logged.action)
    return {"ips": ips / n, "snips": ips / total, "direct": direct / n, "dr": doubly / n}


def _open_bandit() -> Sequence[Row]:
    folder = Path(os.environ.get("CXML_DATA", ".")) / "open_bandit"
    rows: list[Row] = []
    for campaign in ("men", "women"):
        paths = {name: folder / name / campaign / f"{campaign}.csv" for name in ("random", "bts")}
        if not all(path.exists() for path in paths.values()):
            rows.append({"what": f"Open Bandit, {campaign}", "got": "not here: set CXML_DATA"})
            continue
        random, bts = (bandit_log(path) for path in paths.values())
        mean = float(bts.click.mean())
        own = interval(mean, bts.click - mean, bts.visit)
        what = f"Open Bandit {campaign}: "
        way = f"{bts.click.sum():.0f} of {len(bts.click):,}"
        rows.append({"what": f"{what}clicks of bts on its own log", "way": way,
                     "got": _percent(mean, own.low, own.high)})  # fmt: skip
        logged, target, model = random.logged(), bts.shares()[random.position], random.cross_fitted()
        error = _error_of_shares(random, bts)
        for e in policy_values(logged, target, model):
            low = e.value - float(np.hypot(e.value - e.low, 1.96 * error))
            high = e.value + float(np.hypot(e.high - e.value, 1.96 * error))
            z = (e.value - mean) / float(np.sqrt(e.standard_error**2 + error**2 + own.standard_error**2))
            inside = "inside" if low <= mean <= high else "OUTSIDE"
            if e.estimator == "direct":
                inside += " (the model's error is not in it)"
            got = f"{_percent(e.value, low, high)}, {inside}; difference {z:+.1f} standard errors"
            rows.append({"what": f"{what}bts valued on the random log, {e.estimator}",
                         "way": f"error of its shares +- {1.96 * error:.3%}", "wanted": f"{mean:.2%} inside",
                         "got": got})  # fmt: skip
        seen = support(logged, target)
        got = f"{seen.effective_n:,.0f} effective rows; {seen.refusal or ' '.join(seen.warnings) or 'no warning'}"
        rows.append({"what": f"{what}overlap", "way": f"largest weight {seen.largest_weight:.1f}", "got": got})
    return rows


@dataclass(frozen=True, eq=False)
class BanditLog:
    """A log of Open Bandit, arrays of shape (n_rows,): an item was shown at one of 3 positions, and clicked or not."""

    item: NDArray[np.intp]
    position: NDArray[np.intp]
    propensity: Floats
    click: Floats
    visit: NDArray[np.intp]

    @property
    def n_items(self) -> int:
        return int(self.item.max()) + 1

    def logged(self) -> Logged:
        names = tuple(str(i) for i in range(self.n_items))
        return Logged(self.item, names, self.propensity, self.click, self.visit)

    def shares(self) -> Floats:
        """Return how often each item was shown at each position; shape (n_positions, n_items)."""
        found = np.zeros((int(self.position.max()) + 1, self.n_items))
        np.add.at(found, (self.position, self.item), 1.0)
        shares: Floats = found / found.sum(axis=1, keepdims=True)
        return shares

    def cross_fitted(self, n_folds: int = 5) -> Floats:
        """Return the clicks of each item, from other visits and shrunk to their mean; shape (n_rows, n_items)."""
        found = np.empty((len(self.item), self.n_items))
        for fold in range(n_folds):
            out = self.visit % n_folds == fold
            found[out] = _clicks(self.item[~out], self.click[~out], self.n_items)
        return found


def _clicks(item: NDArray[np.intp], click: Floats, n_items: int) -> Floats:
    shown = np.bincount(item, minlength=n_items)
    found: Floats = (np.bincount(item, weights=click, minlength=n_items) + 200 * click.mean()) / (shown + 200)
    return found


def bandit_log(path: Path) -> BanditLog:
    """Read a log of Open Bandit; rows of one moment are one visit, and a cluster."""
    import pandas as pd

    frame = pd.read_csv(path, usecols=["timestamp", "item_id", "position", "click", "propensity_score"])
    return BanditLog(
        frame["item_id"].to_numpy(dtype=np.intp),
        frame["position"].to_numpy(dtype=np.intp) - 1,
        frame["propensity_score"].to_numpy(dtype=np.float64),
        frame["click"].to_numpy(dtype=np.float64),
        pd.factorize(frame["timestamp"])[0].astype(np.intp),
    )


def _error_of_shares(random: BanditLog, bts: BanditLog) -> float:
    """Return the standard error that a value has from shares that were counted, not known.

    The value is a sum over positions of share times clicks; shares are multinomial, so its variance is that of the
    clicks of an item drawn from them over how many were drawn. Clicks are shrunk to their mean, for their own noise
    would be taken for a difference between items.
    """
    clicks = _clicks(random.item, random.click, random.n_items)
    shares, weight, drawn = bts.shares(), np.bincount(random.position) / len(random.item), np.bincount(bts.position)
    spread = (shares * clicks**2).sum(axis=1) - (shares * clicks).sum(axis=1) ** 2
    return float(np.sqrt((weight**2 * spread / drawn).sum()))


def _percent(value: float, low: float, high: float) -> str:
    return f"{value:.2%} [{low:.2%}, {high:.2%}]"


def stream(
    rng: np.random.Generator, kind: str, share: float, effect: float = 0.0, per_day: int = 100
) -> tuple[NDArray[np.intp], Floats, NDArray[np.bool_]]:
    """Return a year of outcomes: day, reward and whether held out; the effect is a share of the mean."""
    day = np.repeat(np.arange(1, DAYS + 1), rng.poisson(per_day, DAYS))
    held_out = rng.random(len(day)) < share
    more: Floats = np.where(held_out, 1.0, 1 + effect)
    p = {"rare": 0.005, "common": 0.3, "money": 0.2}[kind]
    if kind != "money":
        return day, (rng.random(len(day)) < p * more).astype(np.float64), held_out
    return day, (rng.random(len(day)) < p) * np.exp(3 + 1.2 * rng.normal(size=len(day))) * more, held_out


def naive_z(day: NDArray[np.intp], reward: Floats, held_out: NDArray[np.bool_]) -> Floats:
    """Return Welch's statistic after each day, 0 until 30 are held out; shape (n_days,)."""
    mean, variance, n = [], [], []
    for arm in (~held_out, held_out):
        count, first, second = (
            np.cumsum(np.bincount(day, weights=arm * reward**k, minlength=DAYS + 1))[1:] for k in (0, 1, 2)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            mean.append(first / count)
            variance.append((second / count - mean[-1] ** 2) / (count - 1))
        n.append(count)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (mean[0] - mean[1]) / np.sqrt(variance[0] + variance[1])
    return np.where((n[1] >= 30) & np.isfinite(z), z, 0.0)


def _alarms(n_streams: int) -> Sequence[Row]:
    rows: list[Row] = []
    names = {"rare": "0/1, 0.5%", "common": "0/1, 30%", "money": "money, skewed"}
    for number, kind in enumerate(names):
        for share in (0.05, 0.1):
            started = time.perf_counter()
            alarms = naive = once = 0
            for i in range(n_streams):
                found = stream(np.random.default_rng([4, number, int(100 * share), i]), kind, share)
                alarms += monitored(*found, share).alarm is not None
                z = np.abs(naive_z(*found))
                naive += bool((z > 1.96).any())
                once += bool(z[-1] > 1.96)
            seconds = (time.perf_counter() - started) / n_streams
            rows.append({"what": f"holdout of {share:.0%} looked at daily for a year, no effect, {names[kind]}",
                         "way": f"{n_streams:,} streams, 100 customers a day, {1_000 * seconds:.0f} ms each",
                         "wanted": "<= 5% false alarms",
                         "got": f"{alarms / n_streams:.1%} (95% test every day: {naive / n_streams:.1%}, "
                                f"once after a year: {once / n_streams:.1%})"})  # fmt: skip
    return rows


def _power(n_streams: int) -> Sequence[Row]:
    rows: list[Row] = []
    for number, (kind, effect) in enumerate((("common", 0.1), ("common", 0.2), ("money", 0.25), ("rare", 1.0))):
        days, once = [], 0
        for i in range(n_streams):
            found = stream(np.random.default_rng([5, number, i]), kind, 0.1, effect=effect)
            alarm = monitored(*found, 0.1).alarm
            days.append(np.inf if alarm is None else alarm)
            once += bool(abs(naive_z(*found)[-1]) > 1.96)
        half = float(np.median(days))
        by = "-" if np.isinf(half) else f"{half:.0f}"
        rows.append({"what": f"holdout of 10%, an effect of {effect:+.0%}, {kind}: found within a year",
                     "way": f"{n_streams:,} streams, 100 customers a day",
                     "got": f"{np.isfinite(days).mean():.1%}, half of all by day {by} "
                            f"(one test after a year: {once / n_streams:.1%})"})  # fmt: skip
    return rows
