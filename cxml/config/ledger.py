"""The ledger: where decisions and outcomes are kept, and whether they feed back into the tables."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, field_validator

from cxml.config.base import Name, Part


def _has_password(url: str) -> bool:
    """Return whether a URL may hold a password; one that cannot be taken apart may."""
    try:
        parts = urlsplit(url)
        said = {key for key, value in parse_qsl(parts.query) if value}
        _ = parts.port  # of what follows a colon that is no port, anything may be true
        return bool(parts.password) or bool(said & {"password", "sslpassword"}) or "@" in parts.path + parts.fragment
    except ValueError:
        return True


def path_alone(raw: Any) -> Any:
    """Return the ledger of which only the path is said."""
    return {"path": raw} if isinstance(raw, str) else raw


class LedgerConfig(Part):
    """Where decisions and outcomes are kept. What stands there is part of the company's tables, too."""

    path: Annotated[str, Field(min_length=1)]
    """A folder, relative to the config, or `postgresql://user@host/database`; `${NAME}` is taken from the environment.
    A password belongs there, not in the config."""
    database_schema: Name | None = None
    """Schema of a database that the ledger's tables are in; by default `cxml_` and the name of the company."""

    @field_validator("path")
    @classmethod
    def _without_password(cls, path: str) -> str:
        if "://" not in path:
            return path
        if not path.startswith(("postgresql://", "postgres://")):
            raise ValueError("must be a folder, or begin with postgresql://")
        if _has_password(path):
            raise ValueError(
                "must not hold a password, for the config is logged with every run. Put the whole URL into an "
                "environment variable, and name that: `ledger: ${LEDGER_URL}`"
            )
        return path
