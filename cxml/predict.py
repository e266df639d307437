"""The services' face, and the one scorer: a bundle in, predictions and recommendations out.

Importing this module, loading a bundle and scoring a customer needs NumPy and LightGBM's C library, nothing heavier.

>>> from cxml.predict import load                                      # doctest: +SKIP
>>> predictor = load("models/sample/bundle")                           # doctest: +SKIP
>>> predictor.recommend({"customer_id": "c1", "as_of": "2024-07-01T00:00:00Z", "tenure": 9.0, ...})  # doctest: +SKIP
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import mask, numbers, object_array
from cxml.errors import BundleError, ConfigError, SchemaError, UnseenCategoryWarning
from cxml.predictive.bundle import Bundle, read_bundle
from cxml.predictive.health import health
from cxml.predictive.profile import swapped_columns
from cxml.predictive.records import columns_in, iso_text, keys_in, plain_value, utc_datetime
from cxml.prescriptive.decisions import decision_id, decisions
from cxml.prescriptive.policy import Policy
from cxml.schema import columns as c
from cxml.schema.rows import Prediction, Reason, Recommendation

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Prediction", "Predictor", "Reason", "Recommendation", "load"]

NPS, RENEWAL, VALUE = "nps", "renewal", "value"
_DECIDING = (*c.P_NPS, c.NPS_CLASS, c.RENEWAL_RISK, c.HEALTH, c.VALUE)
Record = Mapping[str, Any]
Arrays = dict[str, NDArray[Any]]


def load(path: str | Path) -> Predictor:
    """Load a bundle.

    Parameters
    ----------
    path : directory that `cxml train` wrote

    Returns
    -------
    Predictor
        Safe to use from several threads.

    Raises
    ------
    BundleError
        If the bundle is not there, incomplete, altered, or of another format version.
    """
    return Predictor(read_bundle(path))


class Predictor:
    """Scores customers from their features: a dict, a list of dicts, or a dataframe, with the same bits for each.

    Parameters
    ----------
    bundle : Bundle
    policy : Policy, optional
        In place of the one in the bundle.
    """

    def __init__(self, bundle: Bundle, policy: Policy | None = None) -> None:
        self.bundle = bundle
        self.policy = policy or (Policy.from_json(bundle.policy) if bundle.policy else None)
        self._policy_version = self.policy.version if self.policy else ""
        wide = {name: model.heads.n_features for name, model in bundle.models.items()}
        if bundle.value_model:
            wide[VALUE] = bundle.value_model.members.n_features
        for name, found in wide.items():
            if found - {len(bundle.encoding.names)}:
                raise BundleError(
                    f"model {name}: has {sorted(found)} features, features.json {len(bundle.encoding.names)}."
                )

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features that it needs, in the order of the model."""
        return self.bundle.encoding.names

    @overload
    def predict(self, features: Record, *, reasons: int = 0) -> Prediction: ...
    @overload
    def predict(self, features: Sequence[Record], *, reasons: int = 0) -> list[Prediction]: ...
    @overload
    def predict(self, features: pd.DataFrame, *, reasons: int = 0) -> pd.DataFrame: ...
    def predict(self, features: Any, *, reasons: int = 0) -> Any:
        """Predict NPS class, renewal risk, health and value.

        Parameters
        ----------
        features : dict, list of dicts, or DataFrame of shape (n_rows, n_features + keys)
            Columns in any order; a value that is not known is None or NaN, not left out. ``customer_id`` and
            ``as_of`` may be there beside the features; a dataframe must have them.
        reasons : int
            How many reasons to give for each customer: the features that moved the renewal risk most, or, where that
            is unknown, the detractor's score. They take far longer than the predictions.

        Returns
        -------
        Prediction, list of Prediction, or DataFrame (a PREDICTIONS frame), as came in

        Raises
        ------
        SchemaError
            If features are missing, too many, of another type, or two of them swapped.

        Warns
        -----
        UnseenCategoryWarning
            For each feature with a category that training had not seen; it is scored as unknown.
        """
        columns, shape = columns_in(features)
        typed = self._typed(columns)
        found = self._predicted(typed, reasons)
        customers, moments = keys_in(columns, shape.n_rows, needed=shape.kind == "frame")
        if shape.kind == "frame":
            return _frame(
                {c.CUSTOMER_ID: customers, c.AS_OF: moments, **found, c.MODEL_VERSION: self._version(shape.n_rows)}
            )
        rows = [
            Prediction(
                customer_id=None if customers is None else customers[i],
                as_of=None if moments is None else utc_datetime(moments[i]),
                **{name: plain_value(found[name][i]) for name in _DECIDING},
                reasons=tuple(
                    Reason(*(found[name][i] for name in c.reason_columns(rank)))
                    for rank in range(1, reasons + 1)
                    if found[c.reason_columns(rank)[0]][i] is not None
                ),
                model_version=self.bundle.model_version,
            )
            for i in range(shape.n_rows)
        ]
        return rows if shape.kind == "list" else rows[0]

    @overload
    def recommend(self, features: Record) -> Recommendation: ...
    @overload
    def recommend(self, features: Sequence[Record]) -> list[Recommendation]: ...
    @overload
    def recommend(self, features: pd.DataFrame, *, predictions: pd.DataFrame | None = None) -> pd.DataFrame: ...
    def recommend(self, features: Any, *, predictions: pd.DataFrame | None = None) -> Any:
        """Recommend an action for each customer.

        Parameters
        ----------
        features : as for `predict`, with ``customer_id`` and ``as_of``
        predictions : DataFrame, optional
            What `predict` gave for the same dataframe, so that it is not computed twice.

        Returns
        -------
        Recommendation, list of Recommendation, or DataFrame (a RECOMMENDATIONS frame), as came in

        Raises
        ------
        ConfigError
            If there is no policy.
        SchemaError
            As for `predict`; also where the keys are missing.
        """
        if self.policy is None:
            raise ConfigError(
                "recommend needs a policy; the bundle has none. Set `policy:` in the config and train again."
            )
        columns, shape = columns_in(features)
        typed = self._typed(columns)
        customers, moments = keys_in(columns, shape.n_rows, needed=True)
        if predictions is None:
            found = self._predicted(typed, 0)
        else:
            found = {name: _array(predictions[name]) for name in _DECIDING}
            keys = keys_in({name: predictions[name] for name in c.KEY}, len(predictions), needed=True)
            if keys[0] != customers or not np.array_equal(keys[1], moments):
                raise SchemaError(
                    "predictions: must be of the same customers and moments as the features, in the same order."
                )
        decided = decisions(self.policy, {**typed, **found}, customers)
        version = self._policy_version
        ids = [
            decision_id(customer, iso_text(moment), f"{self.bundle.model_version} {version}", action, worth)
            for customer, moment, action, worth in zip(
                customers, moments, decided.action, decided.expected_value, strict=True
            )
        ]
        if shape.kind == "frame":
            versions = {
                c.POLICY_VERSION: _repeated(version, shape.n_rows),
                c.MODEL_VERSION: self._version(shape.n_rows),
            }
            return _frame({c.CUSTOMER_ID: customers, c.AS_OF: moments, **vars(decided), **versions, c.DECISION_ID: ids})
        rows = [
            Recommendation(
                customer_id=customers[i],
                as_of=utc_datetime(moments[i]),
                **{name: plain_value(array[i]) for name, array in vars(decided).items()},
                policy_version=version,
                model_version=self.bundle.model_version,
                decision_id=ids[i],
            )
            for i in range(shape.n_rows)
        ]
        return rows if shape.kind == "list" else rows[0]

    def _typed(self, columns: Mapping[str, Any]) -> Arrays:
        typed = self.bundle.encoding.typed(columns)
        swapped_columns(typed, self.bundle.profiles)
        return typed

    def _version(self, n_rows: int) -> NDArray[Any]:
        return _repeated(self.bundle.model_version, n_rows)

    def _predicted(self, typed: Arrays, reasons: int) -> Arrays:
        """Return every column of the PREDICTIONS frame but the key and the version."""
        matrix, unseen = self.bundle.encoding.matrix(typed)
        for category in unseen:
            warnings.warn(str(category), UnseenCategoryWarning, stacklevel=4)
        n_rows = len(matrix)
        found: Arrays = {name: np.full(n_rows, np.nan) for name in (*c.P_NPS, c.RENEWAL_RISK)}
        found[c.NPS_CLASS] = _repeated(None, n_rows)
        if (p := self._probabilities(NPS, typed, matrix)) is not None:
            for k, name in enumerate(c.P_NPS):
                found[name] = p[:, k]
            known = ~np.isnan(p[:, 0])
            found[c.NPS_CLASS][known] = np.array(c.NPS_CLASSES, dtype=object)[p[known].argmax(axis=1)]
        if (p := self._probabilities(RENEWAL, typed, matrix)) is not None:
            found[c.RENEWAL_RISK] = p[:, 1]
        found[c.HEALTH] = health(found[c.RENEWAL_RISK], found[c.P_DETRACTOR], found[c.P_PROMOTER], self.bundle.health)
        found[c.VALUE] = self._value(typed, matrix)
        return {**found, **(self._reasons(matrix, found[c.RENEWAL_RISK], reasons) if reasons else {})}

    def _probabilities(self, name: str, typed: Arrays, matrix: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return calibrated probabilities of shape (n_rows, n_classes), NaN where the model does not speak."""
        if name not in self.bundle.models:
            return None
        model = self.bundle.models[name]
        p = model.heads.probabilities(matrix)
        if model.applies is not None:
            p[~mask(model.applies, typed, len(matrix))] = np.nan
        return p

    def _value(self, typed: Arrays, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each customer brings, as the model expects or the expression says; NaN where neither speaks."""
        if (model := self.bundle.value_model) is not None:
            amounts = model.members.amounts(matrix)
            if model.applies is not None:
                amounts[~mask(model.applies, typed, len(matrix))] = np.nan
            return amounts
        value = self.bundle.value
        return np.full(len(matrix), np.nan) if value is None else numbers(value, typed, len(matrix))

    def _reasons(self, matrix: NDArray[np.float64], renewal_risk: NDArray[np.float64], most: int) -> Arrays:
        n_rows, n_features = matrix.shape
        added = np.zeros((n_rows, n_features))
        of_renewal = ~np.isnan(renewal_risk)
        for name, rows in ((RENEWAL, of_renewal), (NPS, ~of_renewal)):
            if name in self.bundle.models and rows.any():
                # A risk is of being lost; above the detractors there is none.
                contributions = self.bundle.models[name].heads.contributions(matrix[rows])[0][:, 0]
                added[rows] = contributions if name == RENEWAL else -contributions
        order = np.argsort(-np.abs(added), axis=1, kind="stable")[:, :most]
        found: Arrays = {}
        for rank in range(order.shape[1]):
            j = order[:, rank]
            contribution = added[np.arange(n_rows), j]
            moved = contribution != 0
            names = [self.features[k] for k in j]
            shown = [
                self.bundle.encoding.shown(name, x) for name, x in zip(names, matrix[np.arange(n_rows), j], strict=True)
            ]
            feature, value, amount = c.reason_columns(rank + 1)
            found[feature], found[value] = object_array(names), object_array(shown)
            found[feature][~moved] = found[value][~moved] = None
            found[amount] = np.where(moved, contribution, np.nan)
        for rank in range(order.shape[1], most):  # fewer features than reasons asked for
            feature, value, amount = c.reason_columns(rank + 1)
            found[feature], found[value] = _repeated(None, n_rows), _repeated(None, n_rows)
            found[amount] = np.full(n_rows, np.nan)
        return found


def _array(values: Any) -> NDArray[Any]:
    """Return a column of a frame as the scorer makes it: numbers as float64, texts as object with None."""
    if values.dtype.kind == "f":
        return np.asarray(values, dtype=np.float64)
    return object_array([value if isinstance(value, str) else None for value in values])


def _repeated(value: Any, n_rows: int) -> NDArray[Any]:
    return np.full(n_rows, value, dtype=object)


def _frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(dict(columns))
    frame[c.AS_OF] = frame[c.AS_OF].dt.tz_localize("UTC")
    return frame
