"""A transaction on a PostgreSQL database, and its errors without the password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cxml.errors import SinkError

if TYPE_CHECKING:
    import pyarrow as pa


@contextmanager
def transaction(url: str) -> Iterator[Any]:
    """Give a cursor whose statements are one transaction: all of them count when the block ends, or none.

    Parameters
    ----------
    url : ``postgresql://user:password@host:port/database``, as libpq reads it

    Raises
    ------
    SinkError
        If there is no driver, the database cannot be reached, or it refuses something; no message holds the password.
    """
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError:
        raise SinkError(
            "ledger: in a database, it needs a driver. Install it with pip install 'cxml[postgresql]'."
        ) from None
    secrets = _secrets(url)
    try:
        connection = dbapi.connect(url)
    except dbapi.Error as error:
        raise SinkError(f"ledger: the database cannot be reached ({_told(error, secrets)}). Check its URL.") from None
    try:
        with connection, connection.cursor() as cursor:  # what is not committed is rolled back
            cursor.execute("SET LOCAL TimeZone = 'UTC'")  # earlier drivers hand over times without their zone
            yield cursor
            connection.commit()
    except dbapi.Error as error:
        raise SinkError(
            f"ledger: the database refused ({_told(error, secrets)}). Nothing was written; check what the user may do "
            f"and whether others changed the tables."
        ) from None


def fetched(cursor: Any, query: str, *values: Any) -> pa.Table:
    """Return the result of a query, with values bound to ``$1`` and so on."""
    cursor.execute(query, values or None)
    return cursor.fetch_arrow_table()


def _secrets(url: str) -> list[str]:
    """Return what no message may hold, the longest first.

    Raises
    ------
    SinkError
        If the URL is ambiguous: a driver might take a part of the password for a host, and name it.
    """
    try:
        parts = urlsplit(url)
        ambiguous = parts.netloc.count("@") > 1 or "@" in parts.path + parts.fragment or parts.port == 0
    except ValueError:
        ambiguous = True
    if ambiguous or re.search(r"%(?![0-9A-Fa-f]{2})|\s", url):
        raise SinkError(
            "ledger: the URL of the database cannot be read. Write each character of the password that is neither a "
            "letter nor a digit as its percent code, such as %40 for @."
        )
    passwords = [parts.password, *(value for key, value in parse_qsl(parts.query) if "password" in key)]
    found = {url, *(text for password in passwords if password for text in (password, unquote(password)))}
    return sorted(found, key=len, reverse=True)


def _told(error: Exception, secrets: list[str]) -> str:
    """Return the first line of what a database says, without what no message may hold."""
    said = str(error)
    for secret in secrets:
        said = said.replace(secret, "***")
    line = said.strip().split("\n")[0]
    return re.sub(
        r"^[A-Z_]+: (\[libpq\] )?|Failed to connect: |\s+", lambda found: " " * found[0].isspace(), line
    ).strip()
