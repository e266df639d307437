"""The allocation of actions: a million customers with seven limits, and small random ones against the exact optimum.

The large one has ten options, three budgets of which two are for some of the options, and four capacities; it runs in a
process of its own, so that the peak of memory is its own. Beside it the naive way with two budgets: one price searched
by bisection within the search of the other. The small ones are compared with SciPy's HiGHS on a formulation of its own,
run to the optimum or for a minute. ``small`` has fewer customers and fewer instances.
"""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figures, peak_mb

CUSTOMERS = {"small": 50_000, "full": 1_000_000}
INSTANCES = {"small": 20, "full": 200}
N_OPTIONS = 10
_HALVINGS = 20
_MOST_SECONDS = 60
Floats = NDArray[np.float64]


def run(scale: str) -> Figures:
    n = CUSTOMERS[scale]
    rows: list[dict[str, str]] = []

    def row(what: str, wanted: str, got: str) -> None:
        rows.append({"what": what, "wanted": wanted, "got": got})

    for name, with_fairness in (("", False), (", fairness of two actions in 6 groups", True)):
        found = _alone(_large_figures, n, with_fairness)
        at = f"{n:,} customers x {N_OPTIONS} options, 3 budgets, 4 capacities{name}"
        row(at, "" if with_fairness else "<= 6 s", f"{found['seconds']:.1f} s")
        row("   of the limits bind (price above zero)", "several", f"{found['binding']:.0f}")
        row("   gap proven by the dual bound", "<= 0.1%", f"{found['gap']:.5%}")
        row("   every limit holds", "yes", "yes" if found["holds"] else "NO")
        row("   peak memory of the process, data included", "<= 3,000 MB", f"{found['peak']:,.0f} MB")
    found = _alone(_naive_figures, n, False)
    row("   naive nested search, two budgets only", "", f"{found['seconds']:.1f} s, gap {found['gap']:.5%}")
    row("   the same two budgets here", "", f"{found['here']:.1f} s, gap {found['gap_here']:.5%}")

    small = [_compared(seed) for seed in range(INSTANCES[scale])]
    at = f"{len(small)} random instances of up to 300 customers"
    row(f"{at}: every limit holds", "yes", "yes" if all(s["holds"] for s in small) else "NO")
    for name, way in (("as it is", "default"), ("by prices alone", "lagrange")):
        far, took = [s[way] for s in small], [s[f"{way} seconds"] for s in small]
        row(f"   {name}: below the exact optimum, worst", "<= 0.5%", f"{max(max(far), 0.0):.4%}")
        row(f"   {name}: below the exact optimum, mean", "", f"{max(np.mean(far), 0.0):.4%}")
        row(f"   {name}: seconds, mean and worst", "", f"{np.mean(took):.2f} and {max(took):.2f}")
    return rows


def _alone(figures: Any, *arguments: Any) -> dict[str, float]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: dict[str, float] = pool.apply(figures, arguments)
    return found


def _large(n: int) -> tuple[Floats, int, list[Any]]:
    """Return the worth of nine actions and nothing, and limits that are scarce."""
    from cxml.prescriptive.allocating.allocation import Limit

    random = np.random.default_rng(0)
    value = random.gamma(2, 150, n)
    effect = random.beta(1.5, 20, (n, N_OPTIONS)) * np.array([1, 0.4, 1.5, 1, 0.5, 1.8, 0.4, 1.2, 1, 0])
    cost = random.gamma(2, 2, (n, 1)) * np.array([1, 0.2, 3, 1, 0.5, 5, 0.3, 2, 1.5, 0])
    cost += np.array([4, 0.2, 8, 3, 0.5, 10, 0.2, 5, 3, 0])
    worth = value[:, None] * effect - cost
    worth[random.random((n, N_OPTIONS)) < 0.3] = -np.inf
    worth[:, -1] = 0.0

    def of(*options: int) -> Floats:
        found: Floats = cost * np.isin(np.arange(N_OPTIONS), options)
        return found

    each = n / 1e6
    limits = [
        Limit("money", 2.8e6 * each, cost),
        Limit("money of actions 0-3", 1.0e6 * each, of(0, 1, 2, 3)),
        Limit("money of actions 4-6", 1.2e6 * each, of(4, 5, 6)),
        Limit("agent hours", 6e4 * each, np.array([0.25, 0, 0.5, 0, 0, 0.75, 0, 0.3, 0, 0])),
        Limit("coupons", 5e4 * each, np.array([0, 0, 1.0, 1, 0, 0, 0, 1, 0, 0])),
        Limit("phone contacts", 1.5e5 * each, np.array([1.0, 0, 1, 0, 0, 1, 0, 1, 0, 0])),
        Limit("mail contacts", 2.5e5 * each, np.array([0, 1.0, 0, 1, 1, 0, 1, 0, 0, 0])),
    ]
    return worth, N_OPTIONS - 1, limits


def _large_figures(n: int, with_fairness: bool) -> dict[str, float]:
    from cxml.prescriptive.allocating.allocation import Fairness, allocation

    worth, nothing, limits = _large(n)
    fairness = []
    if with_fairness:
        random = np.random.default_rng(1)
        group = random.integers(-1, 6, n)
        worth[group == 0] *= 1.3
        worth[:, nothing] = 0.0
        options = np.isin(np.arange(N_OPTIONS), (2, 5))
        fairness = [Fairness("costly actions", group, options, 0.01)]
    seconds = math.inf
    for _ in range(2):
        started = time.perf_counter()
        found = allocation(worth, nothing, limits, fairness)
        seconds = min(seconds, time.perf_counter() - started)
    return {
        "seconds": seconds,
        "gap": found.gap,
        "binding": sum(price > 0 for price in found.prices.values()),
        "holds": _holds(found.chosen, worth, limits, fairness),
        "peak": peak_mb(),
    }


def _naive_figures(n: int, _: bool) -> dict[str, float]:
    """Return what two nested bisections take: the inner price for each outer one, each pass over all customers."""
    from cxml.prescriptive.allocating.allocation import allocation

    worth, nothing, limits = _large(n)
    money, calls = limits[0], limits[5]
    started = time.perf_counter()
    at = np.arange(n)

    def choice(price: float, fee: float) -> NDArray[np.intp]:
        return np.asarray((worth - price * money.use - fee * calls.use).argmax(axis=1))

    low, high = 0.0, 20.0
    for _turn in range(_HALVINGS):
        price = (low + high) / 2
        fee_low, fee_high = 0.0, 200.0
        for _inner in range(_HALVINGS):
            fee = (fee_low + fee_high) / 2
            chosen = choice(price, fee)
            fee_low, fee_high = (fee, fee_high) if calls.use[chosen].sum() > calls.amount else (fee_low, fee)
        chosen = choice(price, fee_high)
        low, high = (price, high) if money.use[at, chosen].sum() > money.amount else (low, price)
    chosen = choice(high, fee_high)
    value = worth[at, chosen].sum()
    net = (worth - high * money.use - fee_high * calls.use).max(axis=1).sum()
    bound = net + high * money.amount + fee_high * calls.amount
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    found = allocation(worth, nothing, [money, calls])
    here = time.perf_counter() - started
    return {"seconds": seconds, "gap": (bound - value) / bound, "here": here, "gap_here": found.gap}


def _holds(chosen: NDArray[np.int64], worth: Floats, limits: list[Any], fairness: list[Any]) -> bool:
    at = np.arange(len(chosen))
    held = bool(np.isfinite(worth[at, chosen]).all())
    for limit in limits:
        use = limit.use[chosen] if limit.use.ndim == 1 else limit.use[at, chosen]
        held &= bool(use.sum() <= limit.amount) and math.fsum(use) <= limit.amount
    for limit in fairness:
        rates = [limit.options[chosen[limit.group == g]].mean() for g in np.unique(limit.group[limit.group >= 0])]
        held &= not rates or bool(max(rates) - min(rates) <= limit.max_difference + 1e-12)
    return held


def _instance(seed: int) -> tuple[Floats, int, list[Any], list[Any]]:
    """Return a random instance: tight and loose limits, four kinds of use, ties, worth below 0, fairness in a third."""
    from cxml.prescriptive.allocating.allocation import Fairness, Limit

    random = np.random.default_rng(seed)
    n, k, m = int(random.integers(5, 301)), int(random.integers(2, 11)), int(random.integers(1, 6))
    worths: list[Callable[[], Floats]] = [
        lambda: random.gamma(2, 50, (n, k)) - random.gamma(2, 20, (n, k)),
        lambda: np.round(random.uniform(-3, 10, (n, k))),
        lambda: random.lognormal(0, 2, (n, 1)) * random.uniform(0, 1, (n, k)) - random.uniform(0, 1, (n, k)),
        lambda: random.normal(0, 1, (n, k)),
    ]
    worth = worths[seed % 4]()
    worth[random.random((n, k)) < random.choice([0, 0.2, 0.7])] = -np.inf
    nothing = int(random.integers(k))
    worth[:, nothing] = 0 if random.random() < 0.8 else random.normal(0, 0.5, n)
    limits, best = [], worth.argmax(axis=1)
    for i in range(m):
        kinds: list[Callable[[], Floats]] = [
            lambda: random.gamma(2, 5, (n, k)),
            lambda: random.integers(0, 4, k).astype(float),
            lambda: (random.random(k) < 0.5).astype(float),
            lambda: random.gamma(1, 1, (n, 1)) * random.integers(0, 3, k) + worth.clip(0, None) * random.choice([0, 1]),
        ]
        use = kinds[random.integers(4)]()
        use = np.where(np.isfinite(use), use, 0)
        use[..., nothing] = 0
        amount = (use[best] if use.ndim == 1 else use[np.arange(n), best]).sum()
        amount *= random.choice([0.02, 0.1, 0.3, 0.6, 0.9, 1.2])
        limits.append(Limit(f"limit {i}", float(np.floor(amount) if random.random() < 0.5 else amount), use))
    fairness = []
    for f in range(int(random.integers(1, 3)) if seed % 3 == 0 else 0):
        group = random.integers(-1, int(random.integers(2, 5)), n)
        options = random.random(k) < 0.6
        options[nothing] = False
        fairness.append(Fairness(f"fairness {f}", group, options, float(random.choice([0.02, 0.05, 0.1, 0.3]))))
    return worth, nothing, limits, fairness


def _optimum(worth: Floats, limits: list[Any], fairness: list[Any]) -> float:
    """Return the value of the exact optimum: a variable for each pair, fairness for each two groups."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    customer, option = np.nonzero(np.isfinite(worth))
    rows = [(np.arange(len(worth))[:, None] == customer).astype(float)]
    low, high = [np.ones(len(worth))], [np.ones(len(worth))]
    for limit in limits:
        rows.append(np.broadcast_to(limit.use, worth.shape)[customer, option][None])
        low.append(np.array([-np.inf]))
        high.append(np.array([limit.amount]))
    for limit in fairness:
        groups = np.unique(limit.group[limit.group >= 0])
        get = limit.options[option]
        for a in groups:
            for b in groups[groups != a]:
                of = [(limit.group[customer] == g) / np.count_nonzero(limit.group == g) for g in (a, b)]
                rows.append((get * (of[0] - of[1]))[None])
                low.append(np.array([-np.inf]))
                high.append(np.array([limit.max_difference]))
    each = worth[customer, option]
    size = float(np.abs(each).max()) or 1.0
    found = milp(
        -each / size,
        integrality=np.ones(len(each)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(np.concatenate(rows), np.concatenate(low), np.concatenate(high)),
        options={"time_limit": _MOST_SECONDS, "mip_rel_gap": 1e-6},
    )
    return -float(found.fun) * size


def _compared(seed: int) -> dict[str, float]:
    from cxml.prescriptive.allocating.allocation import EXACT_UP_TO, allocation

    worth, nothing, limits, fairness = _instance(seed)
    best = _optimum(worth, limits, fairness)
    figures: dict[str, float] = {"holds": True}
    for way, exact_up_to in (("default", EXACT_UP_TO), ("lagrange", 0)):
        started = time.perf_counter()
        found = allocation(worth, nothing, limits, fairness, exact_up_to=exact_up_to)
        figures[f"{way} seconds"] = time.perf_counter() - started
        # As a part of what choices add to doing nothing, which is what there is to lose.
        figures[way] = (best - found.value) / max(abs(best - worth[:, nothing].sum()), 1e-12)
        figures["holds"] = figures["holds"] and _holds(found.chosen, worth, limits, fairness)
    return figures
