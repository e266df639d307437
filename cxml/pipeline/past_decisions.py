"""The decisions of the past, seen again by models that have not seen the customer: what a policy is valued on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.config.company import CompanyConfig
from cxml.config.features import Feature
from cxml.descriptive.sources import Tables
from cxml.errors import TrainingError, UnseenCategoryWarning
from cxml.pipeline import plan
from cxml.pipeline.effects import Evidence, effects_of, why_no_evidence
from cxml.pipeline.learning import Fitted, Material, bundle_of, value_model_of
from cxml.pipeline.policy_features import policy_frame, policy_of
from cxml.predict import Predictor
from cxml.prescriptive.policy import Policy
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

N_FOLDS: Final = 3
_INNER_FOLDS: Final = 3
_NO_LOG: Final = "policy: can only be valued on a log of decisions of which it is known what came of them; {found}"


@dataclass(frozen=True, eq=False)
class Seen:
    """What a policy sees of the decisions of the past; arrays of shape (n_rows,), rows as `PastDecisions.rows`."""

    policy: Policy
    customers: list[str]
    moments: NDArray[np.datetime64]
    columns: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class PastDecisions:
    """The decisions of the past, with a bundle for each fold of customers that has not seen them.

    ``rows`` are their customers and moments, by key, ``acted`` their FEATURES frame, ``fold`` the fold of each, shape
    (n_rows,).
    """

    config: CompanyConfig
    tables: Tables
    features: Sequence[Feature]
    evidence: Evidence
    rows: pd.DataFrame
    acted: pd.DataFrame
    fold: NDArray[np.intp]
    predictors: Sequence[Predictor]

    def seen(self, config: CompanyConfig) -> Seen:
        """Return what the policy of a config would have seen of each decision."""
        from cxml.pipeline.trained import kinds_as_trained

        kinds = kinds_as_trained(self.predictors[0])
        policy = policy_of(config, self.tables, self.features, kinds)
        if policy is None:
            raise AssertionError("a policy that is valued is there")
        frame = policy_frame(config, self.tables, self.features, self.rows)
        parts = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnseenCategoryWarning)
            for k, predictor in enumerate(self.predictors):
                of_fold = frame[self.fold == k].reset_index(drop=True)
                parts.append(Predictor(predictor.bundle, policy).seen(of_fold))
        order = np.argsort(np.concatenate([np.flatnonzero(self.fold == k) for k in range(len(parts))]))
        customers = np.concatenate([np.array(part[0], dtype=object) for part in parts])[order]
        moments = np.concatenate([part[1] for part in parts])[order]
        known = set.intersection(*(set(part[2]) for part in parts))
        columns = {name: np.concatenate([part[2][name] for part in parts])[order] for name in sorted(known)}
        return Seen(policy, customers.tolist(), moments, columns)


def past_decisions(
    config: CompanyConfig, tables: Tables, material: Material, *, step: plan.Step = plan.quiet
) -> PastDecisions:
    """Fit the models of a company without each fold of customers in turn.

    A policy that is valued with models that have seen what came of the very decisions would look better than it is.

    Raises
    ------
    TrainingError
        If there is no log of decisions with known outcomes.
    """
    if material.evidence is None or material.acted is None:
        raise TrainingError(_NO_LOG.format(found=why_no_evidence(config, tables)))
    rows = material.evidence.rows
    fold = folds_of(rows[c.CUSTOMER_ID].to_numpy(object), N_FOLDS, random_state=config.random_state)
    predictors = []
    for k in range(N_FOLDS):
        with step(f"fit the models without a third of the customers, {k + 1} of {N_FOLDS}"):
            predictors.append(_without(config, material, set(rows[c.CUSTOMER_ID][fold == k])))
    return PastDecisions(
        config, tables, material.planned.features, material.evidence, rows, material.acted, fold, predictors
    )


def folds_of(customers: NDArray[Any], n_folds: int, *, random_state: int) -> NDArray[np.intp]:
    """Return a fold for each row, the same for all rows of a customer; shape (n_rows,)."""
    names, codes = np.unique(customers.astype(str), return_inverse=True)
    found: NDArray[np.intp] = (np.random.default_rng(random_state).permutation(len(names)) % n_folds)[codes]
    return found


def _without(config: CompanyConfig, material: Material, customers: set[Any]) -> Predictor:
    """Return the scorer of models that have not seen some customers."""
    models, valued, encoding = {}, None, None
    planned = material.planned
    for name, labels in {**planned.labels, **planned.amounts}.items():
        keep = ~labels[c.CUSTOMER_ID].isin(customers).to_numpy()
        X = material.rows[name].drop(columns=list(c.KEY))[keep]
        y, who = labels[c.LABEL][keep], labels[c.CUSTOMER_ID][keep]
        if name in planned.amounts:
            regressor = plan.value_regressor(config).set_params(n_folds=_INNER_FOLDS)
            regressor.fit(X, y, groups=who)
            valued, encoding = value_model_of(config, material, regressor.customer_value_), regressor.encoding_
        else:
            model = plan.classifier(config, name).set_params(members=("trees",), n_folds=_INNER_FOLDS)
            models[name] = model.fit(X, y, groups=who)
            encoding = model.encoding_
    if encoding is None or material.evidence is None or material.acted is None:
        raise AssertionError("a company has a label")
    points = {
        outcome: of[~of[c.CUSTOMER_ID].isin(customers)].reset_index(drop=True)
        for outcome, of in material.evidence.points.items()
    }
    effects = effects_of(config, replace(material.evidence, points=points), material.acted, encoding)
    bundle = bundle_of(config, material, Fitted(encoding, models, valued, effects))
    if bundle is None:
        raise AssertionError("a company has a label")
    return Predictor(bundle)
