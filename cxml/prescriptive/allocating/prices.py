"""The best prices: those at which the bound on the value of an allocation is lowest, by the level method.

The bound is a convex function of the prices, of which every evaluation gives a value and a slope. The level method
keeps the slopes as a model, and goes from the best prices so far to the nearest ones at which the model is a fixed part
of the way down to its own lowest value. Model and bound meet, so that it knows how far it is from the best prices.

Reference: Lemaréchal, Nemirovskii, Nesterov, "New variants of bundle methods", Mathematical Programming 69, 1995.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from cxml.prescriptive.allocating.quadratic import quadratic_minimum
from cxml.prescriptive.allocating.relaxation import Answer, Floats, Parity, Point, Relaxation

# How much of the way from the model's lowest value to the bound stays after a step.
_LEVEL: Final = 0.3
_MOST_CUTS: Final = 100
_MOST_STEPS: Final = 200
# A sample of this size misses the prices by about one percent; they are then found within eight percent, on everyone.
_SAMPLE: Final = 20_000
_REACH: Final = 0.08
_ROUNDS: Final = 3


def best_prices(relaxation: Relaxation, *, accuracy: float, random_state: int = 0) -> tuple[Point, tuple[float, ...]]:
    """Return prices at which the bound is within ``accuracy`` of its lowest, relative to the bound, and lowest rates.

    The rates are those that no group is below, for each fairness limit, where the choices at several prices around the
    best ones are mixed so that limits hold on average.

    Where there are many customers, prices are found on a sample first; then those customers whose choice does not
    change near these prices are added up once, and the others are gone through for as often as it takes.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):  # small matrices; and the same sums on any number of cores
        return _best(relaxation, accuracy, random_state)


def _best(relaxation: Relaxation, accuracy: float, random_state: int) -> tuple[Point, tuple[float, ...]]:
    n = relaxation.n_customers
    point = _none(relaxation)
    if n <= 2 * _SAMPLE:
        return _lowest(relaxation, point, accuracy)[:2]
    rows = np.sort(np.random.default_rng(random_state).choice(n, _SAMPLE, replace=False))
    point, rates, _ = _lowest(relaxation.sampled(rows), point, 1e-4)
    for _ in range(_ROUNDS):
        centre, reach = point, _reach(relaxation, point)
        point, rates, at_the_edge = _lowest(relaxation.settled_within(centre, reach), centre, accuracy, reach)
        if not at_the_edge:
            break
    return point, rates


def dual_value(answer: Answer, point: Point, parities: tuple[Parity, ...]) -> float:
    """Return the bound: what is left of all worth at these prices, and what the limits are worth at them."""
    value = answer.rest + float(point.limits.sum())
    for price, parity in zip(point.groups, parities, strict=True):
        value += parity.max_difference * float(np.maximum(price, 0.0).sum()) + max(float(price.sum()), 0.0)
    return value


def _none(relaxation: Relaxation) -> Point:
    return Point(np.zeros(relaxation.n_limits), tuple(np.zeros(len(p.sizes)) for p in relaxation.parities))


def _reach(relaxation: Relaxation, point: Point) -> Point:
    """Return how far from the prices of a sample those of everyone are looked for."""
    least = 0.01 * float(point.limits.mean()) if relaxation.n_limits else 0.0
    groups = tuple(np.maximum(_REACH * np.abs(price), 1e-3) for price in point.groups)
    return Point(np.maximum(_REACH * point.limits, max(least, 1e-6)), groups)


def _lowest(
    relaxation: Relaxation, start: Point, accuracy: float, reach: Point | None = None
) -> tuple[Point, tuple[float, ...], bool]:
    """Return the best prices within reach of a start, lowest rates, and whether they are at the edge of it."""
    model = _Model(relaxation, start, reach)
    centre, best = start, np.inf
    point = start
    for _ in range(_MOST_STEPS):
        answer = relaxation.answer(point)
        value = dual_value(answer, point, relaxation.parities)
        model.add(point, answer)
        if value < best:
            centre, best = point, value
        low = model.lowest()
        if best - low <= accuracy * max(best, 1e-12):
            break
        point = model.nearest(centre, low + _LEVEL * (best - low))
    return centre, model.lowest_rates(), reach is not None and model.at_the_edge(centre)


class _Model:
    """The bound as the highest of its slopes so far.

    The unknowns are the limits' prices; for each fairness limit the prices of its groups, their positive parts, and
    the positive part of their sum; last, what is left of all worth.
    """

    def __init__(self, relaxation: Relaxation, start: Point, reach: Point | None) -> None:
        m, parities = relaxation.n_limits, relaxation.parities
        self.sizes = [len(parity.sizes) for parity in parities]
        self.group_sizes = [parity.sizes for parity in parities]
        n = m + sum(2 * g + 1 for g in self.sizes) + 1
        self.m, self.n = m, n
        self.cost = np.zeros(n)
        self.cost[:m] = 1.0
        self.cost[-1] = 1.0
        self.priced = list(range(m))
        most = max(float(relaxation.worth.max(initial=0.0)), 1e-12)
        low: list[Floats] = [np.zeros(m)]
        high: list[Floats] = [np.ones(m)]
        rows: list[Floats] = []
        at = m
        for g, parity in zip(self.sizes, parities, strict=True):
            group, positive, total = np.arange(at, at + g), np.arange(at + g, at + 2 * g), at + 2 * g
            self.priced += group.tolist()
            self.cost[positive], self.cost[total] = parity.max_difference, 1.0
            for i in range(at, at + g):
                rows += [self._row({i: 1.0, i + g: -1.0}), self._row({i + g: -1.0})]
            rows += [self._row({**dict.fromkeys(group.tolist(), 1.0), total: -1.0}), self._row({total: -1.0})]
            high.append(np.asarray(most * parity.sizes))
            low.append(-high[-1])
            at = total + 1
        self.low, self.high = np.concatenate(low), np.concatenate(high)
        if reach is not None:
            centre, spread = self._flat(start), self._flat(reach)
            self.low, self.high = np.maximum(self.low, centre - spread), np.minimum(self.high, centre + spread)
        bounds = []
        for i, unknown in enumerate(self.priced):
            size = max(abs(self.low[i]), abs(self.high[i]), 1e-9)
            rows += [self._row({unknown: 1.0 / size}), self._row({unknown: -1.0 / size})]
            bounds += [self.high[i] / size, -self.low[i] / size]
        rows.append(self._row({n - 1: -1.0}))
        self.fixed = np.array(rows)
        self.fixed_limits = np.concatenate([np.zeros(len(rows) - 1 - len(bounds)), bounds, [0.0]])
        self.cuts: list[Floats] = []
        self.cut_limits: list[float] = []
        self.rates: list[Floats] = []
        self.shares = np.ones(1)
        self.last = np.zeros(n)

    def add(self, point: Point, answer: Answer) -> None:
        """Take a slope into the model, and drop the one that matters least where there are too many."""
        cut = np.zeros(self.n)
        slopes = [-answer.used]
        slopes += [-count / parity for count, parity in zip(answer.counts, self.group_sizes, strict=True)]
        cut[self.priced] = np.concatenate(slopes)
        cut[-1] = -1.0
        size = max(1.0, float(np.abs(cut).max()))
        self.cuts.append(cut / size)
        self.rates.append(-np.concatenate([np.zeros(0), *slopes[1:]]))
        self.cut_limits.append((float(cut[self.priced] @ self._flat(point)) - answer.rest) / size)

    def lowest(self) -> float:
        """Return the lowest value of the model."""
        x, price = self._minimum(np.zeros(self.n), self.cost, np.empty((0, self.n)), np.empty(0))
        self.last = x
        self.shares = np.maximum(price[len(self.fixed) :], 0.0) * np.array([-cut[-1] for cut in self.cuts])
        if len(self.cuts) > _MOST_CUTS:
            drop = int(np.argmin(price[len(self.fixed) : len(self.fixed) + len(self.cuts) - 1]))
            del self.cuts[drop], self.cut_limits[drop], self.rates[drop]
            self.shares = np.delete(self.shares, drop)
        return float(self.cost @ x)

    def lowest_rates(self) -> tuple[float, ...]:
        """Return, for each fairness limit, the lowest rate where choices are mixed as the lowest point mixes slopes."""
        # What is missing to one is the share of doing nothing, whose slope the model has from the start.
        shares = self.shares[:, None] / max(float(self.shares.sum()), 1.0)
        mixed = (shares * np.array(self.rates)[: len(shares)]).sum(axis=0)
        return tuple(float(rates.min()) for rates in np.split(mixed, np.cumsum(self.sizes)[:-1])) if self.sizes else ()

    def nearest(self, centre: Point, level: float) -> Point:
        """Return the nearest prices to a centre at which the model is no higher than ``level``."""
        curvature, slope = np.zeros(self.n), np.zeros(self.n)
        curvature[self.priced] = 1.0
        slope[self.priced] = -self._flat(centre)
        x, _ = self._minimum(curvature, slope, self.cost[None, :], np.array([level]))
        flat = np.clip(x[self.priced], self.low, self.high)
        parts = np.split(flat, np.cumsum([self.m, *self.sizes])[:-1])
        return Point(parts[0], tuple(parts[1:]))

    def at_the_edge(self, point: Point) -> bool:
        """Return whether a price is at a bound that is not its own: zero, or all worth."""
        flat, near = self._flat(point), 1e-3 * (self.high - self.low)
        low = (flat - self.low < near) & (self.low > 0)
        low[self.m :] = (flat - self.low < near)[self.m :]
        return bool((low | (self.high - flat < near)).any())

    def _minimum(self, curvature: Floats, slope: Floats, rows: Floats, limits: Floats) -> tuple[Floats, Floats]:
        rows = np.vstack([self.fixed, np.array(self.cuts), rows])
        limits = np.concatenate([self.fixed_limits, self.cut_limits, limits])
        return quadratic_minimum(curvature, slope, rows, limits, self.last)

    def _row(self, entries: dict[int, float]) -> Floats:
        row = np.zeros(self.n)
        row[list(entries)] = list(entries.values())
        return row

    @staticmethod
    def _flat(point: Point) -> Floats:
        return np.concatenate([point.limits, *point.groups])
