"""Effects of actions: sample company and Hillstrom's e-mails, against causalml and EconML; experiments without effect.

The peers run in an environment of their own (``benchmarks/engines/uplift_peers.py``), whose Python ``CXML_PEERS``
names; without it their rows are left out. Seconds are those of one thread on a processor, so that a busy machine does
not decide.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from benchmarks.engines.hillstrom import hillstrom, one_thread
from benchmarks.figures import Figures

CUSTOMERS: Final = {"small": 2_000, "full": 50_000}
NULLS: Final = {"small": 4, "full": 200}
FOLDS: Final = 5
_ACTIONS: Final = ("discount", "rescue_call", "service_fix", "thank_you")
_EUR: Final = {"rescue_call": 9.0, "service_fix": 18.0, "thank_you": 3.0}  # cxml/simulate/actions.py
_DISCOUNT: Final = 0.15 * 12  # of the monthly price, booked in full when it is offered
_PEERS: Final = ("causalml S", "causalml T", "causalml X", "causalml R", "causalml DR",
                 "econml S", "econml T", "econml X", "econml R", "econml DR")  # fmt: skip
Row = Mapping[str, str | float]


def run(scale: str) -> Figures:
    rows = [*_sample(scale), *hillstrom(scale), *_null(scale)]
    return [{column: row.get(column, "") for column in ("what", "way", "wanted", "got", "ratio")} for row in rows]


@dataclass(frozen=True, eq=False)
class _Company:
    experiment: Any
    now: Any
    effect: Any  # true effects of today, (n_customers, n_actions)
    p_renew: Any
    price: Any


def _company(n_customers: int, random_state: int = 0) -> _Company:
    """Return the action log of the sample company with the company's features as of each row, and today's truth."""
    import pandas as pd

    from cxml.config.load import example_config, load_config
    from cxml.descriptive.sources import frame_of, read_tables
    from cxml.pipeline import plan
    from cxml.pipeline.feature_rows import feature_rows
    from cxml.predictive.encoding import fitted_encoding, frame_columns
    from cxml.predictive.members import TrainingRows, n_levels
    from cxml.predictive.uplift.experiment import Experiment
    from cxml.simulate import simulate

    company = simulate(n_customers, random_state=random_state)
    config = load_config(example_config("sample.yaml"))
    tables = read_tables(config, company.tables)
    log = frame_of(
        tables,
        "SELECT a.customer_id, a.action_time AS as_of, a.action, a.propensity, c.renewed FROM actions a "
        "JOIN contracts c ON c.customer_id = a.customer_id AND c.start_time <= a.action_time "
        "AND c.end_time > a.action_time WHERE c.renewed IS NOT NULL ORDER BY 1, 2",
    )
    truth = company.truth
    today = pd.DataFrame({"customer_id": truth["customer_id"], "as_of": company.as_of.tz_localize(None)})
    features = plan.features_for(config, tables, company.as_of.tz_localize(None).to_pydatetime())
    rows = feature_rows(config, tables, features, {"log": log[["customer_id", "as_of"]], "now": today})
    columns = {name: frame_columns(frame.drop(columns=["customer_id", "as_of"])) for name, frame in rows.items()}
    encoding = fitted_encoding(columns["log"])
    matrices = {name: encoding.matrix(encoding.typed(frame))[0] for name, frame in columns.items()}
    codes = {name: k for k, name in enumerate(("no_action", *_ACTIONS))}
    experiment = Experiment(
        TrainingRows(matrices["log"], n_levels(encoding), np.ones(len(log))),
        log["action"].map(codes).to_numpy().astype(np.intp),
        _ACTIONS,
        log["renewed"].to_numpy(np.float64),
        log["propensity"].to_numpy(np.float64),
        log["customer_id"].to_numpy(),
    )
    p = truth[[f"p_renew_{name}" for name in codes]].to_numpy()
    return _Company(experiment, matrices["now"], p[:, 1:] - p[:, :1], p[:, 0], truth["price"].to_numpy())


def _sample(scale: str) -> Iterator[Row]:
    from threadpoolctl import threadpool_limits

    from cxml.predictive.uplift.learning import learnt_effects

    company = _company(CUSTOMERS[scale])
    folds = 3 if scale == "full" else FOLDS
    learnt_effects(_null_experiment(0), "outcome", n_jobs=1)  # what is imported counts on neither side
    with threadpool_limits(1):  # threads that wait for each other would count, too
        started = time.process_time()
        learnt = learnt_effects(company.experiment, "renewal", n_folds=folds, n_jobs=1)
        scored: dict[bytes, Any] = {}
        said = np.column_stack([effect.effects(company.now, scored) for effect in learnt])
        seconds = time.process_time() - started
    peers = dict(_peers(company)) if scale == "full" else {}
    data = f"sample company, {len(company.experiment):,} actions"
    for k, effect in enumerate(learnt):
        how = f"{effect.learner}, p {effect.p_heterogeneity:.2g}"
        average = f"{effect.average:.4f} [{effect.low:.4f}, {effect.high:.4f}], true {company.effect[:, k].mean():.4f}"
        yield {"what": f"{data}: average effect of {effect.action}", "way": how, "wanted": "interval", "got": average}
    for measure, of in (("correlation", _correlation), ("Qini (causalml's, true effects)", _true_qini)):
        for k, action in enumerate(_ACTIONS):
            own = of(said[:, k], company.effect[:, k])
            found = {name: of(effects[:, k], company.effect[:, k]) for name, (effects, _) in peers.items()}
            best = max(found, key=lambda name: found[name], default="")
            yield {
                "what": f"{action}: {measure}",
                "way": "cxml",
                "wanted": f">= {found[best]:.3f} ({best})" if best else "",
                "got": f"{own:.3f}",
                "ratio": own / found[best] if best and found[best] > 0 else "",
            }
    mean = {
        name: np.mean([_correlation(effects[:, k], company.effect[:, k]) for k in range(len(_ACTIONS))])
        for name, (effects, _) in peers.items()
    }
    best = max(mean, key=lambda name: mean[name], default="")
    yield {
        "what": "CPU seconds, learning and serving", "way": f"cxml, {folds} folds, against {best or 'nobody'}",
        "wanted": "ratio >= 3", "got": f"{seconds:.1f} s" + (f" against {peers[best][1]:.1f} s" if best else ""),
        "ratio": peers[best][1] / seconds if best else "",
    }  # fmt: skip
    for name, (_, took) in peers.items():
        yield {"what": "CPU seconds", "way": name, "got": f"{took:.1f} s, mean correlation {mean[name]:.3f}"}
    yield from _policy(company, said, 0.1)


def _correlation(said: Any, true: Any) -> float:
    return float(np.corrcoef(said, true)[0, 1]) if np.ptp(said) > 0 else 0.0


def _true_qini(said: Any, true: Any) -> float:
    """Return causalml's Qini score by true effects, everybody counted as treated, over that of the truth itself."""

    def area(score: Any) -> float:
        gain = np.concatenate([[0.0], np.cumsum(true[np.argsort(-score, kind="stable")])])
        return float((gain - np.linspace(0, gain[-1], len(gain))).mean())

    return area(said) / area(true) if np.ptp(said) > 0 else 0.0


def _policy(company: _Company, said: Any, share: float) -> Iterator[Row]:
    """Yield the true profit of contacting a share of the customers, over the oracle's."""
    value = 12 * company.price[:, None]
    cost = np.column_stack([_DISCOUNT * company.price, *(np.full(len(said), _EUR[name]) for name in _ACTIONS[1:])])
    true, expected = company.effect * value - cost, said * value - cost
    n = int(share * len(said))

    def profit(score: Any) -> Any:
        """Return the true profit of each customer where the best n by score get their best action."""
        best = score.argmax(axis=1)
        worth = score[np.arange(len(score)), best]
        chosen = np.argsort(-worth, kind="stable")[:n]
        chosen = chosen[worth[chosen] > 0]
        found = np.zeros(len(score))
        found[chosen] = true[chosen, best[chosen]]
        return found

    oracle, learnt = profit(true), profit(expected)
    risk = np.argsort(company.p_renew, kind="stable")[:n]  # the true risk: no model of it can be better
    by_risk = np.zeros((len(said), len(_ACTIONS)))
    by_risk[risk] = true[risk]
    single = int(by_risk.sum(axis=0).argmax())
    yield {
        "what": f"true profit, {share:.0%} contacted", "way": "effect x value - cost, of the oracle's",
        "wanted": ">= 85%", "got": f"{learnt.sum():,.0f} of {oracle.sum():,.0f} EUR",
        "ratio": float(learnt.sum() / oracle.sum()),
    }  # fmt: skip
    more = learnt - by_risk[:, single]
    rng = np.random.default_rng(0)
    drawn = [more[rng.integers(len(more), size=len(more))].sum() for _ in range(500)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    yield {
        "what": f"true profit, {share:.0%} contacted",
        "way": f"more than the riskiest (true risk) with {_ACTIONS[single]}, {by_risk[:, single].sum():,.0f} EUR",
        "wanted": "> 0", "got": f"{more.sum():,.0f} [{low:,.0f}, {high:,.0f}] EUR",
    }  # fmt: skip


def _peers(company: _Company) -> Iterator[tuple[str, tuple[Any, float]]]:
    """Yield the effects of each peer on today's customers, and its seconds."""
    python, tried = os.environ.get("CXML_PEERS"), company.experiment
    if not python:
        return
    with TemporaryDirectory() as folder:
        np.savez(
            Path(folder) / "arrays.npz", matrix=tried.rows.matrix, action=tried.action, outcome=tried.outcome,
            now=company.now,
        )  # fmt: skip
        script = Path(__file__).with_name("engines") / "uplift_peers.py"
        subprocess.run([python, str(script), "effects", folder, *_PEERS], check=True, env=one_thread())
        for name in _PEERS:
            if (path := Path(folder) / f"{name}.npz").exists():
                found = np.load(path)
                yield name, (found["effects"], float(found["seconds"]))


def _null(scale: str) -> Iterator[Row]:
    """Yield how often a difference between customers is claimed where the effect is the same for all, or none."""
    from cxml.predictive.uplift.learning import learnt_effects

    claimed = []
    for seed in range(NULLS[scale]):
        (effect,) = learnt_effects(_null_experiment(seed), "outcome", n_jobs=1)
        claimed.append(effect.heterogeneous)
    yield {
        "what": f"{len(claimed)} experiments without a difference", "way": "binary and money, effect none and constant",
        "wanted": "claimed in 2-8%", "got": f"{np.mean(claimed):.1%}",
    }  # fmt: skip


def _null_experiment(seed: int) -> Any:
    """Return 2,000 to 8,000 rows of 10 to 20 features; in turns binary or skewed money, no effect or a constant one."""
    from cxml.predictive.members import TrainingRows
    from cxml.predictive.uplift.experiment import Experiment

    rng = np.random.default_rng(seed)
    n, constant = (2_000, 4_000, 8_000)[seed % 3], (seed // 2) % 2
    matrix = rng.normal(size=(n, rng.integers(10, 21)))
    matrix[:, 0] = rng.integers(0, 4, n)
    action = rng.integers(0, 2, n)
    level = matrix[:, 1] + 0.5 * matrix[:, 2] ** 2 - 0.5
    if seed % 2 == 0:
        p = 0.8 / (1 + np.exp(-0.8 * level)) + 0.1 * constant * action
        outcome = (rng.random(n) < p).astype(float)
    else:
        bought = rng.random(n) < 0.1 * np.exp(0.3 * np.clip(level, -2, 2))
        outcome = np.where(bought, np.exp(3 + rng.normal(size=n)), 0.0) + 0.5 * constant * action
    return Experiment(
        TrainingRows(matrix, {0: 4}, np.ones(n)), action, ("call",), outcome, np.full(n, 0.5), np.arange(n)
    )
