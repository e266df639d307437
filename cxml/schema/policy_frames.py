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
