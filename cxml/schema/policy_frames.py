"""The frames of a policy that was checked: how its conditions and its options meet the company's own customers."""

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
