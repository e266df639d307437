"""The frames of a policy that was checked or valued: how it meets the company's customers, and what it is worth."""

from __future__ import annotations

from typing import Final

from cxml.schema import columns as c
from cxml.schema.tables import Column, Schema

_OPTION: Final = Column(c.OPTION, "category", required=True, nullable=False)


def _counted(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "number", required=True, nullable=False, low=0) for name in names)


CONDITION_COVERAGE: Final = Schema(
    "condition_coverage",
    (
        _OPTION,
        *(Column(name, "text", required=True, nullable=False) for name in (c.WHERE, c.PART, c.CONDITION)),
        *_counted(c.N_TRUE, c.N_FALSE, c.N_UNKNOWN),
    ),
    unique=(c.OPTION, c.WHERE, c.PART, c.CONDITION),
    extra_columns=False,
)

OPTION_COVERAGE: Final = Schema(
    "option_coverage",
    (
        _OPTION,
        *_counted(c.N_CUSTOMERS, c.N_NOT_MET, c.N_NOT_VALID, c.N_SUPPRESSED, c.N_NO_WORTH, c.N_FIRED, c.N_CHOSEN),
        Column(c.BEATEN_BY, "category", required=True),
        *_counted(c.N_BEATEN),
    ),
    unique=(c.OPTION,),
    extra_columns=False,
    all_null=True,
)

_VALUED: Final = (
    Column(c.OUTCOME, "category", required=True, nullable=False),
    Column(c.POLICY, "category", required=True, nullable=False),
)
_ESTIMATED: Final = (
    Column(c.ESTIMATOR, "category", required=True, nullable=False),
    *(Column(name, "number", required=True, nullable=False) for name in (c.VALUE, c.LOW, c.HIGH)),
    *_counted(c.N, c.EFFECTIVE_N),
)

POLICY_VALUES: Final = Schema(
    "policy_values",
    (*_VALUED, *_ESTIMATED),
    unique=(c.OUTCOME, c.POLICY, c.ESTIMATOR),
    extra_columns=False,
    all_null=True,
)

POLICY_DIFFERENCES: Final = Schema(
    "policy_differences",
    (*_VALUED, Column(c.AGAINST, "category", required=True, nullable=False), *_ESTIMATED),
    unique=(c.OUTCOME, c.POLICY, c.AGAINST, c.ESTIMATOR),
    extra_columns=False,
    all_null=True,
)

VALUE_CURVE: Final = Schema(
    "value_curve",
    (
        *_counted(c.BUDGET, c.COST),
        *(
            Column(name, "number", required=True, nullable=False)
            for name in (c.EXPECTED_VALUE, c.EXPECTED_LOW, c.EXPECTED_HIGH)
        ),
        *_counted(c.N_CHOSEN, c.PRICE),
    ),
    unique=(c.BUDGET,),
    extra_columns=False,
)

MEASURED_VALUES: Final = Schema(
    "measured_values",
    (
        *(Column(name, "category", required=True, nullable=False) for name in (c.OUTCOME, c.ACTION)),
        *_counted(c.N, c.N_HELD_OUT, c.COST),
        *(Column(name, "number", required=True, nullable=False) for name in (c.VALUE, c.LOW, c.HIGH, c.TOTAL)),
        *(Column(name, "number", required=True) for name in (c.RATIO, c.RATIO_LOW, c.RATIO_HIGH)),
        Column(c.MEANING, "text", required=True),
    ),
    unique=(c.OUTCOME, c.ACTION),
    extra_columns=False,
    all_null=True,
)
"""``ratio`` is, of revenue, what each unit of cost brought; of renewal, what a saved customer cost. An end that is
unknown is not there: ``meaning`` says what the interval says."""

EFFECTS: Final = Schema(
    "effects",
    (
        *(Column(name, "category", required=True, nullable=False) for name in (c.OUTCOME, c.ACTION)),
        *_counted(c.N_TREATED, c.N_UNTREATED),
        *(Column(name, "number", required=True) for name in (c.VALUE, c.LOW, c.HIGH)),
        Column(c.P_HETEROGENEITY, "number", required=True, low=0, high=1),
        Column(c.LEARNER, "category", required=True),
        Column(c.VALUE_BEFORE, "number", required=True),
        Column(c.TOO_LITTLE, "text", required=True),
    ),
    unique=(c.OUTCOME, c.ACTION),
    extra_columns=False,
    all_null=True,
)
"""What each action changes on average, against doing nothing; ``too_little`` says why nothing is known of one."""

EXPLORATION: Final = Schema(
    "exploration",
    (
        *(Column(name, "category", required=True, nullable=False) for name in (c.GROUP, c.ACTION)),
        *_counted(c.N_CUSTOMERS, c.EXPLORED, c.N),
        Column(c.COST, "number", required=True, nullable=False),
    ),
    unique=(c.GROUP, c.ACTION),
    extra_columns=False,
)
"""How many of a group's customers are expected to be ``explored`` with, on how many (``n``) each action is tried, and
what exploring the group is expected to ``cost``: what it brings less than deciding by worth."""
