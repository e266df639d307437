"""One customer's whole story: who, what happened, answers, contract, health over time, and what comes next."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxml.config.company import CompanyConfig
from cxml.descriptive.features import customers_at
from cxml.descriptive.one_customer import actions, answers, contracts, profile, touchpoints
from cxml.descriptive.sources import Tables
from cxml.errors import ConfigError, UnseenCategoryWarning
from cxml.pipeline import plan
from cxml.pipeline.policy_features import policy_frame
from cxml.pipeline.scoring import as_configured, everyone_at, moment_of
from cxml.pipeline.trained import read_as_trained
from cxml.predict import Predictor
from cxml.predictive.item_words import item_label
from cxml.predictive.vocabulary import (
    LANGUAGES,
    Language,
    category,
    event_noun,
    instrument_name,
    measure,
    touchpoint_name,
)
from cxml.schema import columns as c
from cxml.schema.story import CustomerStory

if TYPE_CHECKING:
    import pandas as pd

_TIMED: Final = ("events", "surveys", "contracts", "actions")
_REASONS: Final = 3


def customer(
    config: CompanyConfig,
    customer_id: str,
    *,
    frames: plan.Frames | None = None,
    models: str | Path = "models",
    as_of: datetime | None = None,
    language: Language = "en",
    months: int = 12,
) -> CustomerStory:
    """Tell one customer's whole story: the 360-degree view.

    Health over time is that of each moment's own features, strictly before it, as the models of today see them: those
    have learnt from some of the same time.

    Parameters
    ----------
    config : CompanyConfig
    customer_id : of the table ``customers``
    frames, models, as_of : as for `score`
    language : ``en`` or ``pt``, of sentences and names of items
    months : how many first days of a month before ``as_of`` to look back at, as far as this was a customer then

    Returns
    -------
    CustomerStory

    Raises
    ------
    ConfigError
        If nobody has this id, with those that are written alike; or who has is not a customer yet at ``as_of``.
    CxmlError
        If the bundle or the tables do not allow it.
    """
    if language not in LANGUAGES:
        raise ConfigError(f"language: must be one of {', '.join(LANGUAGES)}; it is {language!r}.")
    predictor, tables, features = read_as_trained(config, models, frames)
    moment, predictor = moment_of(tables, as_of), as_configured(config, predictor, tables, features)
    _known(tables, customer_id)
    in_force = _is_in(everyone_at(tables, moment), customer_id)
    moments = [at for at in _months(tables, moment, months) if _is_in(customers_at(tables, at), customer_id)]
    moments += [moment] if in_force else []
    terms = contracts(tables, customer_id, moment)
    if not moments and terms.empty:
        raise ConfigError(f"as_of: customer {customer_id!r} is not a customer yet at {moment}. Give a later moment.")
    rows = policy_frame(config, tables, features, _spine(customer_id, moments or [moment]))
    if not moments:  # what is said of somebody who left long ago would be of silence alone
        rows = rows.head(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnseenCategoryWarning)
        found = _scored(predictor, rows, in_force, language)
    known = profile(tables, customer_id)
    foretold = config.labels.snapshot_columns
    touched, answered = touchpoints(tables, customer_id, moment), answers(tables, customer_id, moment)
    done, recommended = actions(tables, customer_id, moment), found["recommendation"]
    channels = [way for some in touched[c.CHANNELS].dropna() for way in some.split(", ")]
    channels += [*done.get(c.CHANNEL, ()), recommended.channel if recommended else None]
    of_profile = known[known[c.KIND] == "category"]
    named: dict[str, Iterable[Any]] = {
        **{name: [value] for name, value in zip(of_profile[c.ATTRIBUTE], of_profile[c.VALUE], strict=True)},
        c.EVENT_TYPE: touched[c.EVENT_TYPE],
        c.CHANNEL: channels,
        c.INSTRUMENT: answered[c.INSTRUMENT],
        c.TOUCHPOINT: answered[c.TOUCHPOINT],
    }
    return CustomerStory(
        company=config.company,
        currency=config.currency,
        language=language,
        customer_id=customer_id,
        as_of=moment.replace(tzinfo=UTC),
        in_force=in_force,
        profile=known[~known[c.ATTRIBUTE].isin(foretold)],
        outcomes=known[known[c.ATTRIBUTE].isin(foretold)],
        touchpoints=touched,
        answers=answered,
        contracts=terms,
        actions=done,
        labels={str(item): item_label(item, language) for item in predictor.explainer.items.items},
        names=_names(tables, named, language),
        **found,
    )


def _scored(predictor: Predictor, rows: pd.DataFrame, in_force: bool, language: Language) -> dict[str, Any]:
    """Return what the models say at each moment, what changed between, and what is recommended at the last."""
    records: list[dict[str, Any]] = rows.to_dict("records")  # type: ignore[assignment]
    last = records[-1] if records else None
    return {
        "prediction": predictor.predict(last, reasons=_REASONS, language=language) if last else None,
        "explanation": predictor.explain(last, reasons=_REASONS, language=language) if last else None,
        "health": predictor.explain(rows),
        "predictions": predictor.predict(rows),
        "changes": tuple(
            predictor.change(records[:-1], records[1:], reasons=_REASONS, language=language) if len(records) > 1 else ()
        ),
        "recommendation": predictor.recommend(last) if last and in_force and predictor.policy else None,
    }


def _names(tables: Tables, values: Mapping[str, Iterable[Any]], language: Language) -> dict[tuple[str, str], str]:
    """Return what attributes, and the values of the columns that have words of their own, are called."""
    words: dict[str, Callable[[str], str]] = {
        c.EVENT_TYPE: lambda value: event_noun(value, language).many,
        c.INSTRUMENT: lambda value: instrument_name(value, language),
        c.TOUCHPOINT: lambda value: touchpoint_name(value, language),
    }
    attributes = {*tables.kinds["customers"], *tables.kinds.get("contracts", ())}
    return {(c.ATTRIBUTE, name): measure(name, language).alone for name in attributes} | {
        (column, value): words[column](value) if column in words else category(column, value, language)
        for column, some in values.items()
        for value in some
        if isinstance(value, str)
    }


def _known(tables: Tables, customer_id: str) -> None:
    """Refuse an id that nobody has, with those that are written alike."""
    if tables.con.execute(f"SELECT 1 FROM customers WHERE {c.CUSTOMER_ID} = ?", [customer_id]).fetchall():
        return
    most = max(1, len(customer_id) // 3)
    distance = f"damerau_levenshtein(lower({c.CUSTOMER_ID}), lower(?))"
    near = tables.con.execute(
        f"SELECT {c.CUSTOMER_ID} FROM customers WHERE {distance} <= {most} ORDER BY {distance}, 1 LIMIT 3",
        [customer_id, customer_id],
    ).fetchall()
    alike = " or ".join(repr(name) for (name,) in near)
    raise ConfigError(
        f"customer {customer_id!r}: must be in customers; nobody there has this id"
        f"{f'; did you mean {alike}?' if near else '. Ids are compared as text, zeros in front included.'}"
    )


def _months(tables: Tables, moment: datetime, months: int) -> list[datetime]:
    """Return the first days of some months before a moment; none where no table has times."""
    found: list[datetime] = []
    if any(name in tables for name in _TIMED):
        at = moment
        for _ in range(months):
            at = (at - timedelta(microseconds=1)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            found.append(at)
    return found[::-1]


def _is_in(customers: pd.DataFrame, customer_id: str) -> bool:
    return bool((customers[c.CUSTOMER_ID] == customer_id).any())


def _spine(customer_id: str, moments: list[datetime]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({c.CUSTOMER_ID: [customer_id] * len(moments), c.AS_OF: pd.to_datetime(moments)})
