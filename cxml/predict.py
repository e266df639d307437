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
from cxml.predictive.encoding import Encoding
from cxml.predictive.explained import changes, explanations, items_frame, known_language
from cxml.predictive.explanation import Explainer
from cxml.predictive.health import health
from cxml.predictive.health_heads import NPS as NPS
from cxml.predictive.health_heads import RENEWAL as RENEWAL
from cxml.predictive.health_heads import speaks
from cxml.predictive.profile import swapped_columns
from cxml.predictive.records import columns_in, iso_text, keys_in, plain_value, utc_datetime
from cxml.predictive.uplift.serving import served, uplift_columns, uplifts
from cxml.predictive.vocabulary import Language
from cxml.prescriptive.decisions import Decisions, decision_id, decisions
from cxml.prescriptive.policy import Policy
from cxml.schema import columns as c
from cxml.schema.allocated import Allocated
from cxml.schema.rows import ExplainedChange, Explanation, HealthItem, Prediction, Reason, Recommendation, Uplift

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ExplainedChange",
    "Explanation",
    "HealthItem",
    "Prediction",
    "Predictor",
    "Reason",
    "Recommendation",
    "Uplift",
    "load",
]

VALUE = "value"
_DECIDING = (*c.P_NPS, c.NPS_CLASS, c.RENEWAL_RISK, c.HEALTH, c.VALUE)
Record = Mapping[str, Any]
Arrays = dict[str, NDArray[Any]]
Matrix = NDArray[np.float64]


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
        reads = self.policy.reads if self.policy else {}
        own = tuple(name for name in reads if name not in bundle.encoding.names)
        self._policys_own = Encoding(own, {name: () for name in own if reads[name] == "text"})
        self.explainer = Explainer(bundle)
        self.effects = served(bundle.effects)
        wide = {name: model.heads.n_features for name, model in bundle.models.items()}
        if bundle.value_model:
            wide[VALUE] = bundle.value_model.members.n_features
        wide |= {f"effect of {effect.action} on {effect.outcome}": effect.n_features for effect in bundle.effects}
        for name, found in wide.items():
            if found - {len(bundle.encoding.names)}:
                raise BundleError(
                    f"model {name}: has {sorted(found)} features, features.json {len(bundle.encoding.names)}."
                )

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features that it needs, in the order of the model."""
        return self.bundle.encoding.names

    @property
    def policy_features(self) -> tuple[str, ...]:
        """The names of what `recommend` needs beside the features: what the policy alone reads."""
        return self._policys_own.names

    @overload
    def predict(self, features: Record, *, reasons: int = 0, language: Language = "en") -> Prediction: ...
    @overload
    def predict(
        self, features: Sequence[Record], *, reasons: int = 0, language: Language = "en"
    ) -> list[Prediction]: ...
    @overload
    def predict(self, features: pd.DataFrame, *, reasons: int = 0, language: Language = "en") -> pd.DataFrame: ...
    def predict(self, features: Any, *, reasons: int = 0, language: Language = "en") -> Any:
        """Predict NPS class, renewal risk, health, value, and what each action would change.

        Parameters
        ----------
        features : dict, list of dicts, or DataFrame of shape (n_rows, n_features + keys)
            Columns in any order; a value that is not known is None or NaN, not left out. ``customer_id`` and
            ``as_of`` may be there beside the features; a dataframe must have them.
        reasons : int
            How many reasons to give for each customer: the features that moved health most, in points of it, each with
            a sentence. They take longer than the predictions; nothing of them is computed where none are wanted.
        language : ``en`` or ``pt``, of the sentences

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
        typed, matrix = self._read(columns)
        found = self._predicted(typed, matrix)
        told = [(effect, c.uplift_columns(effect.outcome, effect.action)) for effect in self.effects]
        if reasons:
            found |= self.explainer.reasons(typed, matrix, reasons, known_language(language))
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
                    Reason(*(plain_value(found[name][i]) for name in c.reason_columns(rank)))
                    for rank in range(1, reasons + 1)
                    if found[c.reason_columns(rank)[0]][i] is not None
                ),
                uplifts=tuple(
                    Uplift(effect.action, effect.outcome, *(plain_value(found[name][i]) for name in names))
                    for effect, names in told
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

        The customers of one call are one run: the limits of the policy hold over all of them together.

        Parameters
        ----------
        features : as for `predict`, with ``customer_id`` and ``as_of``, and with the `policy_features`
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
        columns, shape = columns_in(features)
        if shape.kind == "frame":
            return self.allocate(features, predictions=predictions)[0]
        customers, moments, decided, _ = self._decided(columns, shape.n_rows, predictions)
        ids = self._decision_ids(customers, moments, decided)
        rows = [
            Recommendation(
                customer_id=customers[i],
                as_of=utc_datetime(moments[i]),
                **{name: plain_value(array[i]) for name, array in vars(decided).items() if name != c.CONTACT_TIME},
                contact_time=None if np.isnat(decided.contact_time[i]) else utc_datetime(decided.contact_time[i]),
                policy_version=self._policy_version,
                model_version=self.bundle.model_version,
                decision_id=ids[i],
            )
            for i in range(shape.n_rows)
        ]
        return rows if shape.kind == "list" else rows[0]

    def allocate(
        self, features: pd.DataFrame, *, predictions: pd.DataFrame | None = None
    ) -> tuple[pd.DataFrame, Allocated | None]:
        """Recommend an action for each customer of a run, and say how its limits were used.

        Parameters and errors are those of `recommend`.

        Returns
        -------
        DataFrame, a RECOMMENDATIONS frame
        Allocated, or None where the policy has no limits over all customers
            Gap, and for each limit what was used and what one more unit would be worth.
        """
        columns, shape = columns_in(features)
        customers, moments, decided, allocated = self._decided(columns, shape.n_rows, predictions)
        versions = {
            c.POLICY_VERSION: _repeated(self._policy_version, shape.n_rows),
            c.MODEL_VERSION: self._version(shape.n_rows),
            c.DECISION_ID: self._decision_ids(customers, moments, decided),
        }
        frame = _frame({c.CUSTOMER_ID: customers, c.AS_OF: moments, **vars(decided), **versions})
        frame[c.CONTACT_TIME] = frame[c.CONTACT_TIME].dt.tz_localize("UTC")
        return frame, allocated

    def _decided(
        self, columns: Mapping[str, Any], n_rows: int, predictions: pd.DataFrame | None
    ) -> tuple[list[str], NDArray[np.datetime64], Decisions, Allocated | None]:
        """Return the customers and moments of a run, what was decided for each, and how the limits were used."""
        policy = self._needed_policy()
        customers, moments, seen = self._seen(columns, n_rows, predictions)
        decided, allocated = decisions(policy, seen, customers, moments)
        return customers, moments, decided, allocated

    def seen(
        self, features: pd.DataFrame, *, predictions: pd.DataFrame | None = None
    ) -> tuple[list[str], NDArray[np.datetime64], Arrays]:
        """Return what the policy sees of customers: who they are, when, and every column that it can read.

        Parameters and errors are those of `recommend`.

        Returns
        -------
        list of str, the customers
        array of datetime64, shape (n_rows,), the moments, UTC
        dict of arrays, shapes (n_rows,), features and predictions by name: numbers as float64, texts as object
        """
        self._needed_policy()
        columns, shape = columns_in(features)
        return self._seen(columns, shape.n_rows, predictions)

    def _needed_policy(self) -> Policy:
        if self.policy is None:
            raise ConfigError(
                "recommend needs a policy; the bundle has none. Set `policy:` in the config and train again."
            )
        return self.policy

    def _seen(
        self, columns: Mapping[str, Any], n_rows: int, predictions: pd.DataFrame | None
    ) -> tuple[list[str], NDArray[np.datetime64], Arrays]:
        typed, matrix = self._read(columns)
        own = self._policys_own.typed(
            {name: columns[name] for name in self.policy_features if name in columns}, keys=()
        )
        customers, moments = keys_in(columns, n_rows, needed=True)
        if predictions is None:
            found = self._predicted(typed, matrix)
        else:
            needed = (*c.KEY, *_DECIDING, *uplift_columns(self.effects))
            if absent := [name for name in needed if name not in predictions]:
                raise SchemaError(
                    f"predictions: has no column {absent[0]!r}: must be what `predict` of this very bundle gave. "
                    f"Predict again."
                )
            found = {name: _array(predictions[name]) for name in needed[len(c.KEY) :]}
            keys = keys_in({name: predictions[name] for name in c.KEY}, len(predictions), needed=True)
            if keys[0] != customers or not np.array_equal(keys[1], moments):
                raise SchemaError(
                    "predictions: must be of the same customers and moments as the features, in the same order."
                )
        return customers, moments, {**typed, **own, **found}

    def _decision_ids(self, customers: Sequence[str], moments: NDArray[np.datetime64], decided: Decisions) -> list[str]:
        versions = f"{self.bundle.model_version} {self._policy_version}"
        return [
            decision_id(
                customer, iso_text(moment), versions, action if channel is None else f"{action}/{channel}", worth
            )
            for customer, moment, action, channel, worth in zip(
                customers, moments, decided.action, decided.channel, decided.expected_value, strict=True
            )
        ]

    @overload
    def explain(self, features: Record, *, reasons: int = 3, language: Language = "en") -> Explanation: ...
    @overload
    def explain(
        self, features: Sequence[Record], *, reasons: int = 3, language: Language = "en"
    ) -> list[Explanation]: ...
    @overload
    def explain(self, features: pd.DataFrame, *, reasons: int = 3, language: Language = "en") -> pd.DataFrame: ...
    def explain(self, features: Any, *, reasons: int = 3, language: Language = "en") -> Any:
        """Split health into its items: what each touchpoint or source adds to it, in points.

        Parameters
        ----------
        features, language : as for `predict`
        reasons : how many of the strongest features to name under each item

        Returns
        -------
        Explanation, list of Explanation, or DataFrame (a HEALTH_ITEMS frame), as came in
            The frame has a row for each customer and item, and one for the item ``base``: those of a customer add up to
            the health that `predict` gives, as base and items of an explanation do, to 1e-9.

        Raises
        ------
        SchemaError
            As for `predict`.
        """
        columns, shape = columns_in(features)
        typed, matrix = self._read(columns)
        customers, moments = keys_in(columns, shape.n_rows, needed=shape.kind == "frame")
        if shape.kind == "frame":
            return items_frame(self.explainer, typed, matrix, (customers, moments))
        health_of = self._predicted(typed, matrix)[c.HEALTH]
        found = explanations(self.explainer, typed, matrix, health_of, (customers, moments), reasons, language)
        return found if shape.kind == "list" else found[0]

    @overload
    def change(
        self, before: Record, after: Record, *, reasons: int = 3, language: Language = "en"
    ) -> ExplainedChange: ...
    @overload
    def change(
        self, before: Sequence[Record], after: Sequence[Record], *, reasons: int = 3, language: Language = "en"
    ) -> list[ExplainedChange]: ...
    def change(self, before: Any, after: Any, *, reasons: int = 3, language: Language = "en") -> Any:
        """Split the change of health between two moments of the same customer, and say what happened between.

        Parameters
        ----------
        before, after : a dict each, or a list of dicts each, as for `predict`
            Row by row of the same customer, the later moment after.
        reasons : how many features to name under each item, of those that are not what they were
        language : as for `predict`

        Returns
        -------
        ExplainedChange, or list of ExplainedChange, as came in

        Raises
        ------
        SchemaError
            As for `predict`; also if the two are not of the same customers, or not in the order of time.
        """
        (old, shape), (new, other) = columns_in(before), columns_in(after)
        if shape.kind == "frame" or shape != other:
            raise SchemaError("change: needs two dicts, or two lists of dicts of the same length: before and after.")
        told = [keys_in(columns, shape.n_rows, needed=False) for columns in (old, new)]
        found = changes(self.explainer, self._read(old), self._read(new), (told[0], told[1]), reasons, language)
        return found if shape.kind == "list" else found[0]

    def drivers(self, features: pd.DataFrame, *, language: Language = "en", random_state: int = 0) -> pd.DataFrame:
        """Return what drives health, and each model that counts in it, over all customers: the key-driver table.

        Parameters
        ----------
        features : DataFrame, as for `predict`; several moments of a customer count as one customer together
        language : as for `predict`
        random_state : of the bootstrap of the intervals

        Returns
        -------
        DataFrame, a DRIVERS frame; see `cxml.predictive.drivers.drivers_frame`
            ``of`` is ``health``, ``renewal`` (points of the probability to stay, in %) and ``nps`` (points of advocacy,
            from 0, all detractors, to 100, all promoters).
        """
        from cxml.predictive.drivers import drivers_frame

        columns, shape = columns_in(features)
        typed, matrix = self._read(columns)
        customers, _ = keys_in(columns, shape.n_rows, needed=True)
        numeric = np.array([name not in self.bundle.encoding.levels for name in self.features])
        known_language(language)
        return drivers_frame(
            self.explainer.points(typed, matrix),
            self.explainer.items,
            self.features,
            matrix,
            customers,
            numeric=numeric,
            label=lambda name: self.explainer.label(name, language),
            language=language,
            random_state=random_state,
        )

    def _read(self, columns: Mapping[str, Any]) -> tuple[Arrays, Matrix]:
        """Return the features as arrays by name and as a matrix; warn of categories not seen before.

        What the policy alone reads is left aside.
        """
        aside = frozenset((*self.policy_features, *(self.policy.makes if self.policy else ())))
        typed = self.bundle.encoding.typed({name: values for name, values in columns.items() if name not in aside})
        swapped_columns(typed, self.bundle.profiles)
        matrix, unseen = self.bundle.encoding.matrix(typed)
        for category in unseen:
            warnings.warn(str(category), UnseenCategoryWarning, stacklevel=3)
        return typed, matrix

    def _version(self, n_rows: int) -> NDArray[Any]:
        return _repeated(self.bundle.model_version, n_rows)

    def _predicted(self, typed: Arrays, matrix: Matrix) -> Arrays:
        """Return every column of the PREDICTIONS frame but the key, the reasons and the version."""
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
        if self.effects:
            found |= uplifts(self.effects, matrix, found[c.RENEWAL_RISK] if RENEWAL in self.bundle.models else None)
        return found

    def _probabilities(self, name: str, typed: Arrays, matrix: Matrix) -> Matrix | None:
        """Return calibrated probabilities of shape (n_rows, n_classes), NaN where the model does not speak."""
        if name not in self.bundle.models:
            return None
        model = self.bundle.models[name]
        p = model.heads.probabilities(matrix)
        p[~speaks(model, typed, len(matrix))] = np.nan
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
