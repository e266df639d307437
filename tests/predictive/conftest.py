"""Small tables with known structure, and models trained on them once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxml.predictive.models import NpsClassifier, RenewalClassifier
from cxml.schema.columns import NPS_CLASSES


def table(n_rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return features with a name and missing values among them, and a latent score that they explain."""
    rng = np.random.default_rng(seed)
    plan = rng.choice(["basic", "family", "gold"], size=n_rows)
    late, calls = rng.exponential(2, n_rows), rng.poisson(1.5, n_rows).astype(float)
    latent = 1.2 - 0.5 * late - 0.4 * calls + np.select([plan == "gold", plan == "basic"], [1.0, -0.8], 0.0)
    X = pd.DataFrame({"late_days": late, "calls": calls, "plan": plan, "noise": rng.normal(size=n_rows)})
    X.loc[rng.random(n_rows) < 0.1, "late_days"] = np.nan
    X.loc[rng.random(n_rows) < 0.1, "plan"] = None
    return X, latent


@pytest.fixture(scope="session")
def renewal_data():
    X, latent = table(1_500, seed=1)
    y = (np.random.default_rng(2).random(len(X)) < 1 / (1 + np.exp(latent))).astype(float)
    return X, y


@pytest.fixture(scope="session")
def nps_data():
    X, latent = table(1_500, seed=3)
    answer = latent + np.random.default_rng(4).logistic(size=len(X))
    return X, np.array(NPS_CLASSES)[np.digitize(answer, [-0.7, 0.8])]


@pytest.fixture(scope="session")
def renewal_model(renewal_data):
    return RenewalClassifier(max_trees=200, learning_rate=0.1).fit(*renewal_data)


@pytest.fixture(scope="session")
def nps_model(nps_data):
    return NpsClassifier(max_trees=200, learning_rate=0.1).fit(*nps_data)
