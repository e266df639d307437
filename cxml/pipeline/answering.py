"""Who of a company's customers answers: the rows that tell, their features, and what each answer counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from cxml.config.company import CompanyConfig
from cxml.config.features import Feature, Ratio, Segment
from cxml.descriptive.features import customers_at
from cxml.descriptive.invitations import Known, asked, years_observed
from cxml.descriptive.labels import nps_labels, trainable
from cxml.descriptive.sources import Tables
from cxml.errors import ConfigError
from cxml.pipeline import plan
from cxml.pipeline.feature_rows import feature_rows
from cxml.predict import NPS
from cxml.schema import columns as c

if TYPE_CHECKING:
    import pandas as pd

    from cxml.predictive.crossfit import CrossFit
    from cxml.predictive.response import Weights

FOLDS: Final = 4
# Inside a fold the models find their number of trees on two halves: three fits a fold, not five.
_INNER_FOLDS: Final = 2


@dataclass(frozen=True, eq=False)
class Answering:
    """Invitations, answers and the customers of now, with what was known of each.

    Attributes
    ----------
    rows : DataFrame of shape (n_rows, 5), by key
        ``customer_id``, ``as_of`` (naive UTC), ``label`` (NPS class, missing where there is no answer), ``asked``
        (is an invitation that tells who answers) and ``now`` (is a customer of now).
    X : DataFrame of shape (n_rows, n_features)
        Features without the answers themselves and their history, which only those who answer have.
    known : as in `cxml.descriptive.invitations.Asked`
    years : array of shape (n_rows,)
        For how long invitations of the customer of each row would have been seen; 0 where invitations are not known.
    """

    rows: pd.DataFrame = field(repr=False)
    X: pd.DataFrame = field(repr=False)
    known: Known
    years: np.ndarray = field(repr=False)

    @property
    def codes(self) -> np.ndarray:
        """The class of each row, 0, 1 or 2, and -1 where there is no answer."""
        return np.asarray(self.rows[c.LABEL].cat.codes, dtype=np.intp)

    @property
    def customers(self) -> np.ndarray:
        """A code for each customer."""
        return np.asarray(np.unique(self.rows[c.CUSTOMER_ID].astype(str), return_inverse=True)[1], dtype=np.intp)

    @property
    def n_asked(self) -> np.ndarray:
        """How many invitations the customer of each row had."""
        customers = self.customers
        return np.asarray(np.bincount(customers, weights=self.rows["asked"])[customers])

    @property
    def often(self) -> np.ndarray:
        """How often the customer of each row is asked: the logarithm of invitations a year.

        Half an invitation in half a year is added, so that nobody is asked never or always.
        """
        return np.asarray(np.log((self.n_asked + 0.5) / (self.years + 0.5)))


def answering(config: CompanyConfig, tables: Tables, features: Sequence[Feature] | None = None) -> Answering:
    """Return who was asked and who answered, and the customers of now, with their features.

    Parameters
    ----------
    config : CompanyConfig
    tables : Tables
    features : those that are looked at; by default all of the company

    Raises
    ------
    ConfigError
        If the config has no NPS label, or nobody is a customer now.
    TrainingError
        If there are too few answers to learn from, or a feature has more names than can be learnt from.
    """
    import pandas as pd

    if config.labels.nps is None:
        raise ConfigError(
            "labels.nps: is not in the config. Add `nps: {}` to `labels:` to have the answers learnt from."
        )
    key = list(c.KEY)
    answers = trainable(nps_labels(tables, config.labels.nps), NPS)[[*key, c.LABEL]]
    found, everyone = asked(tables, config.labels.nps), customers_at(tables, tables.moment)
    if everyone.empty:
        raise ConfigError(f"as_of: nobody in customers is a customer at {tables.moment}. Set another `as_of:`.")
    rows = pd.concat([found.frame[key], answers[key], everyone[key]]).drop_duplicates().sort_values(key)
    rows = rows.merge(answers, how="left", on=key)
    for name, there in (("asked", found.frame), ("now", everyone)):
        rows = rows.merge(there[key].assign(**{name: True}), how="left", on=key)
        rows[name] = rows[name].notna()
    features = without_answers(plan.features_for(config, tables, None) if features is None else features)
    frame = feature_rows(config, tables, features, {NPS: rows[key]})[NPS]
    if not frame[c.CUSTOMER_ID].astype(str).reset_index(drop=True).equals(rows[c.CUSTOMER_ID].astype(str)):
        raise AssertionError("features are of the same rows, in the same order")
    years = np.zeros(len(rows))
    if found.known == "invitations":
        of_customer = years_observed(tables).set_index(c.CUSTOMER_ID)["years"]
        years = of_customer.reindex(rows[c.CUSTOMER_ID]).fillna(0.0).to_numpy()
    return Answering(rows, frame.drop(columns=key), found.known, years)


def without_answers(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """Return the features that do not tell whether a customer has answered before, or what; all if there are no others.

    They would tell of the very thing that is to be found: those without an answer in the past are the silent.
    """
    out = {f.name for f in features if getattr(f, "table", None) in ("surveys", "invitations")}
    for feature in features:  # what is made of a feature stands after it
        of = {feature.of} if isinstance(feature, Segment) else set()
        if out & (of | ({feature.numerator, feature.denominator} if isinstance(feature, Ratio) else set())):
            out.add(feature.name)
    return tuple(f for f in features if f.name not in out) or tuple(features)


def class_fit(config: CompanyConfig, of: Answering) -> CrossFit:
    """Return the NPS classes of every row by models that have not seen its customer.

    Where invitations are known, each customer counts once, however often asked (Williamson, Datta and Satten, "Marginal
    analyses of clustered data when cluster size is informative", Biometrics 59(1), 2003): who is asked after each
    complaint would otherwise speak for those who never complain.
    """
    from cxml.predictive.crossfit import cross_fitted

    y, learn = of.rows[c.LABEL].astype(object), of.codes >= 0
    model = plan.classifier(config, NPS).set_params(members=("trees",), n_folds=_INNER_FOLDS)
    weight = 1 / np.maximum(of.n_asked, 1.0) if of.known == "invitations" else None
    return cross_fitted(
        model,
        of.X,
        y,
        of.rows[c.CUSTOMER_ID],
        learn,
        weight=weight,
        n_folds=FOLDS,
        random_state=config.random_state,
    )


def response_fit(config: CompanyConfig, of: Answering) -> np.ndarray:
    """Return P(answer) of every row by a model that has not seen its customer; shape (n_rows,).

    Of invitations, and of the customers of a snapshot, it is P(answer | asked). Where nothing but answers is known, it
    is P(a row is an answer) among answers and customers of now, whose odds carry the answers over to the customers.
    """
    from cxml.predictive.crossfit import cross_fitted
    from cxml.predictive.response import ResponseClassifier

    answered = (of.codes >= 0).astype(np.float64)
    learn = np.asarray(of.rows["asked"], dtype=bool)
    if of.known == "answers":
        learn = np.ones(len(learn), dtype=bool)
    if answered[learn].all():
        return np.ones(len(answered))
    model = ResponseClassifier(
        members=("trees",),
        learning_rate=config.models.learning_rate,
        num_leaves=config.models.num_leaves,
        max_trees=config.models.max_trees,
        n_folds=_INNER_FOLDS,
        random_state=config.random_state,
    )
    fit = cross_fitted(
        model, of.X, answered, of.rows[c.CUSTOMER_ID], learn, n_folds=FOLDS, random_state=config.random_state
    )
    return np.asarray(fit.p[:, 1])


def weights_of(of: Answering, p_answer: np.ndarray) -> Weights:
    """Return what each answer counts so that answers stand for everyone who was asked (or for the customers of now)."""
    from cxml.predictive.response import inverse_weights, odds_weights

    there = of.codes >= 0
    if of.known == "answers":
        return odds_weights(p_answer, there)
    # Answers of the last days tell nothing of who answers, but they count.
    told = there | np.asarray(of.rows["asked"], dtype=bool)
    return inverse_weights(p_answer[told], there[told])
