"""What every part of a config shares: it is frozen, and a key that it does not know is refused."""

from __future__ import annotations

import math
import zoneinfo
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from cxml.errors import near_miss


class Part(BaseModel):
    """A frozen part of a config in which an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


# Names become folders, columns and MLflow parameters: letters, digits and underscores do everywhere.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=100)]


# Channels are called as the tables call them: e-mail, call centre, téléphone.
Channel = Annotated[
    str, StringConstraints(pattern=r"^[^\s\x00-\x1f/](?:[^\x00-\x1f/]*[^\s\x00-\x1f/])?$", max_length=100)
]


def _number_or_text(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a number or an expression such as 0.1 * value")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be finite")
    return value


NumberOrText = Annotated[float | str, BeforeValidator(_number_or_text)]
"""A number, or an expression on the columns of the frames."""


def known_zone(zone: str | None) -> str | None:
    """Return the name of a time zone, or raise ValueError with the near miss."""
    known = zoneinfo.available_timezones()
    if zone is not None and known and zone not in known:
        raise ValueError(f"there is no time zone {zone!r}{near_miss(zone, known)}")
    return zone


def in_utc(moment: datetime | None) -> datetime | None:
    """Return a moment in UTC, which it is where it carries no zone, or raise ValueError where there is none."""
    if moment is None:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie within the years 1 to 9999 in UTC") from None
