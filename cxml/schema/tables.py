"""The tables that come in: what a row of each is, and the rules that its columns keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from cxml.schema import columns as c

Kind = Literal["key", "time", "number", "flag", "category", "text"]


@dataclass(frozen=True)
class Column:
    """One column: what kind of value it holds, and in which range.

    ``past`` says that the value is a moment which cannot lie at or after the ``as_of`` of the data, ``measure`` that
    it is an ordinary measure, which becomes features by itself.
    """

    name: str
    kind: Kind
    required: bool = False
    nullable: bool = True
    low: float | None = None
    high: float | None = None
    past: bool = False
    measure: bool = False

    @property
    def range_says(self) -> str:
        """The range in words, such as ``must be 0-1``."""
        if self.low is None or self.high is None:
            return f"must be {self.high:g} or less" if self.low is None else f"must be {self.low:g} or more"
        return f"must be {self.low:g}{' to ' if self.low < 0 else '-'}{self.high:g}"


@dataclass(frozen=True)
class Rule:
    """A rule over one row: ``broken`` is DuckDB SQL in which ``{column}`` stands for each column in ``needs``.

    ``breaks`` says the same of one row of plain values (None: unknown), for the tables whose rows come one at a time
    too; a test holds it against the SQL.
    """

    column: str
    says: str
    broken: str
    remedy: str
    needs: tuple[str, ...]
    breaks: Callable[[Mapping[str, Any]], bool] | None = None


@dataclass(frozen=True)
class Schema:
    """A table or a frame: its columns, its key, and its rules over rows.

    ``extra_columns`` says whether it may hold columns that the schema does not name, ``all_null`` whether a column
    may hold nothing at all, ``time`` which column tells when a row happened.
    """

    name: str
    columns: tuple[Column, ...]
    unique: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    extra_columns: bool = True
    all_null: bool = False
    time: str | None = None
    names: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", {column.name: column for column in self.columns})


# The scale of each instrument, lowest and highest answer (Reichheld 2003 for NPS; Dixon, Freeman and Toman 2010 for
# CES, in its later 1-7 form; CSAT, stars and smileys on the usual five points).
INSTRUMENT_SCALES: Final[Mapping[str, tuple[int, int]]] = {
    "nps": (0, 10),
    "csat": (1, 5),
    "ces": (1, 7),
    "stars": (1, 5),
    "smiley": (1, 5),
}

# The highest answer of a detractor and of a passive, by scale. 0-10: Reichheld 2003; 1-10: the same answers. The others
# are conventions that cut where 0-10 does, at .65 and .85 of the scale: of five points only the best speaks for the
# company (as Enterprise counts, in the same article), of seven too.
NPS_CUTS: Final[Mapping[tuple[float, float], tuple[float, float]]] = {
    (0, 10): (6, 8),
    (1, 10): (6, 8),
    (1, 7): (4, 6),
    (1, 5): (3, 4),
}

_KNOWN = Column(c.KNOWN_TIME, "time", past=True)
_CONFIDENCE = Column(c.CONFIDENCE, "number", low=0, high=1)
_CUSTOMER = Column(c.CUSTOMER_ID, "key", required=True, nullable=False)

CUSTOMERS: Final = Schema(
    "customers",
    (
        _CUSTOMER,
        Column(c.SINCE, "time", past=True),
        Column(c.SEGMENT, "category"),
        Column(c.REGION, "category"),
        Column(c.COMMENT, "text"),
        _KNOWN,
    ),
    unique=(c.CUSTOMER_ID,),
    time=c.SINCE,
)

EVENTS: Final = Schema(
    "events",
    (
        _CUSTOMER,
        Column(c.EVENT_TIME, "time", required=True, nullable=False, past=True),
        Column(c.EVENT_TYPE, "category", required=True, nullable=False),
        Column(c.CHANNEL, "category"),
        _CONFIDENCE,
        _KNOWN,
    ),
    time=c.EVENT_TIME,
)


def _off_scale() -> tuple[Rule, ...]:
    rules = []
    for instrument, (low, high) in INSTRUMENT_SCALES.items():
        rules.append(
            Rule(
                c.SCORE,
                f"must be {low}-{high} for instrument '{instrument}'",
                f"{{instrument}} = '{instrument}' AND {{score}} NOT BETWEEN {low} AND {high}",
                "If this survey uses another scale, set `scale: [lowest, highest]` for it in the tables section.",
                (c.INSTRUMENT, c.SCORE),
                _is_off(instrument, low, high),
            )
        )
    return tuple(rules)


def _is_off(instrument: str, low: float, high: float) -> Callable[[Mapping[str, Any]], bool]:
    return lambda row: row[c.INSTRUMENT] == instrument and row[c.SCORE] is not None and not low <= row[c.SCORE] <= high


def _is_before(a: str, b: str, *, or_at: bool = False) -> Callable[[Mapping[str, Any]], bool]:
    def breaks(row: Mapping[str, Any]) -> bool:
        one, other = row[a], row[b]
        return one is not None and other is not None and bool(one < other or (or_at and one == other))

    return breaks


SURVEYS: Final = Schema(
    "surveys",
    (
        _CUSTOMER,
        Column(c.SENT_TIME, "time", past=True),
        Column(c.RESPONSE_TIME, "time", required=True, past=True),
        Column(c.INSTRUMENT, "category", required=True, nullable=False),
        Column(c.SCORE, "number", required=True),
        Column(c.COMMENT, "text"),
        Column(c.SENTIMENT, "number", low=-1, high=1, measure=True),
        Column(c.TOUCHPOINT, "category"),
        _CONFIDENCE,
        _KNOWN,
    ),
    rules=(
        Rule(
            c.INSTRUMENT,
            f"must be one of {', '.join(INSTRUMENT_SCALES)}",
            f"{{instrument}} NOT IN {tuple(INSTRUMENT_SCALES)!r}",
            "Name the instrument of each row, or of the whole table with `constants: {instrument: nps}`.",
            (c.INSTRUMENT,),
            lambda row: row[c.INSTRUMENT] is not None and row[c.INSTRUMENT] not in INSTRUMENT_SCALES,
        ),
        *_off_scale(),
        Rule(
            c.SCORE,
            "must be a whole number for instrument 'nps'",
            "{instrument} = 'nps' AND {score} <> round({score})",
            "If this survey uses another scale, set `scale: [lowest, highest]` for it in the tables section.",
            (c.INSTRUMENT, c.SCORE),
            lambda row: row[c.INSTRUMENT] == "nps" and row[c.SCORE] is not None and row[c.SCORE] % 1 != 0,
        ),
        Rule(
            c.SCORE,
            "must have a response_time where there is a score",
            "{score} IS NOT NULL AND {response_time} IS NULL",
            "Without the time of the answer nobody can say when it was known; fill response_time or empty the score.",
            (c.SCORE, c.RESPONSE_TIME),
            lambda row: row[c.SCORE] is not None and row[c.RESPONSE_TIME] is None,
        ),
        Rule(
            c.RESPONSE_TIME,
            "must be at or after sent_time",
            "{response_time} < {sent_time}",
            "Check the zones and the mapping of the two columns in `columns:`.",
            (c.RESPONSE_TIME, c.SENT_TIME),
            _is_before(c.RESPONSE_TIME, c.SENT_TIME),
        ),
    ),
    time=c.RESPONSE_TIME,
)

CONTRACTS: Final = Schema(
    "contracts",
    (
        _CUSTOMER,
        Column(c.CONTRACT_ID, "key", required=True, nullable=False),
        Column(c.START_TIME, "time", required=True, nullable=False),
        Column(c.END_TIME, "time", required=True, nullable=False),
        Column(c.PRICE, "number", low=0),
        Column(c.RENEWED, "flag", required=True),
        _CONFIDENCE,
        _KNOWN,
    ),
    unique=(c.CONTRACT_ID,),
    rules=(
        Rule(
            c.END_TIME,
            "must be after start_time",
            "{end_time} <= {start_time}",
            "A contract term that lasts no time cannot be renewed; check the two columns.",
            (c.START_TIME, c.END_TIME),
            _is_before(c.END_TIME, c.START_TIME, or_at=True),
        ),
    ),
    time=c.START_TIME,
)

ENVIRONMENT: Final = Schema(
    "environment",
    (
        Column(c.OBSERVED_TIME, "time", required=True, nullable=False, past=True),
        Column(c.REGION, "category", required=True, nullable=False),
        _CONFIDENCE,
        _KNOWN,
    ),
    unique=(c.REGION, c.OBSERVED_TIME, c.KNOWN_TIME),
    time=c.OBSERVED_TIME,
)

ACTIONS: Final = Schema(
    "actions",
    (
        _CUSTOMER,
        Column(c.ACTION_TIME, "time", required=True, nullable=False, past=True),
        Column(c.ACTION, "category", required=True, nullable=False),
        Column(c.CHANNEL, "category"),
        Column(c.PROPENSITY, "number", low=0, high=1),
        Column(c.COST, "number", low=0),
        Column(c.HOLDOUT, "flag"),
        Column(c.DECISION_ID, "key"),
        _CONFIDENCE,
        _KNOWN,
    ),
    time=c.ACTION_TIME,
)

# An outcome is a fact of its own moment, not a column of its action. So everything that reads facts before a moment is
# right about it as it is: a cool-down counts from the refusal, not from the offer that was refused a month before; one
# action may be ignored, then accepted; and no action is counted twice. As a column of `actions`, known from a time of
# its own, it would need what `renewed` needs of contracts, and still be counted in the window of its action.
OUTCOMES: Final = Schema(
    "outcomes",
    (
        _CUSTOMER,
        Column(c.OUTCOME_TIME, "time", required=True, nullable=False, past=True),
        Column(c.OUTCOME, "category", required=True, nullable=False),
        Column(c.ACTION, "category"),
        Column(c.CHANNEL, "category"),
        Column(c.VALUE, "number"),
        Column(c.DECISION_ID, "key"),
        _CONFIDENCE,
        _KNOWN,
    ),
    time=c.OUTCOME_TIME,
)

TABLES: Final[Mapping[str, Schema]] = {
    schema.name: schema for schema in (CUSTOMERS, EVENTS, SURVEYS, CONTRACTS, ENVIRONMENT, ACTIONS, OUTCOMES)
}
