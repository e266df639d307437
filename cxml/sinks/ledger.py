"""The ledger: what was decided, what came of it, and both as the tables of the next training."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxml.config.load import expanded
from cxml.errors import SinkError

if TYPE_CHECKING:
    import pandas as pd

    from cxml.sinks.ledger_rows import Table


@dataclass(frozen=True)
class Recorded:
    """What recording some decisions did.

    ``n_new`` were not there before, of ``n_all``; ``n_replaced`` earlier decisions of the same customers and moment are
    kept but no longer current; ``n_aside`` are kept, but not current: the customer has another decision of that moment
    that was carried out.
    """

    n_all: int
    n_new: int
    n_replaced: int
    n_aside: int

    @property
    def note(self) -> str:
        """What was done, in a sentence."""
        if not self.n_new:
            says = f"ledger: all {self.n_all:,} decisions were recorded before"
        elif self.n_new == self.n_all:
            says = f"ledger: {self.n_new:,} decisions recorded"
        else:
            says = f"ledger: {self.n_new:,} of {self.n_all:,} decisions recorded, the others were before"
        if self.n_replaced:
            says += f"; {self.n_replaced:,} earlier decisions of the same moment are kept, but no longer current"
        if self.n_aside:
            says += f"; {self.n_aside:,} are not current, for another of the same moment was carried out"
        return f"{says}."


class Ledger(ABC):
    """Where decisions and outcomes are kept.

    Of the decisions of one customer at one moment, those that have outcomes were carried out and are current; where
    none has, those that were recorded last are. What is no longer current is kept.
    """

    @abstractmethod
    def record(self, recommendations: pd.DataFrame) -> Recorded:
        """Record decisions: all of them or none; one that is there is not written again.

        Parameters
        ----------
        recommendations : DataFrame, a RECOMMENDATIONS frame with whatever columns it has

        Raises
        ------
        SchemaError
            If it is not one.
        SinkError
            If it cannot be written.
        """

    @abstractmethod
    def record_outcomes(self, outcomes: pd.DataFrame) -> int:
        """Record what came of decisions: all of it or nothing; what is there is not written again.

        Parameters
        ----------
        outcomes : DataFrame, a DECISION_OUTCOMES frame: ``decision_id``, ``outcome``, ``outcome_time``, and where
            there is any, ``value`` and ``known_time``; times in UTC where they carry no zone

        Returns
        -------
        int
            How many were not there before. A decision may have several outcomes, each of its own time.

        Raises
        ------
        SchemaError
            If a decision is unknown, or was decided after its outcome, or the same outcome has another value.
        SinkError
            If it cannot be written.
        """

    def actions(self) -> pd.DataFrame:
        """Return the current decisions as rows of the table ``actions``, at ``contact_time``, or else ``as_of``."""
        return self._read("actions")

    def outcomes(self) -> pd.DataFrame:
        """Return what came of decisions as rows of the table ``outcomes``."""
        return self._read("outcomes")

    def decisions(self) -> pd.DataFrame:
        """Return every decision that was recorded, with a flag ``current``, in the order of moments."""
        return self._read("decisions")

    @abstractmethod
    def _read(self, what: Table) -> pd.DataFrame: ...


def open_ledger(where: str, *, database_schema: str = "cxml") -> Ledger:
    """Return the ledger in a folder of Parquet files, or in a PostgreSQL database; nothing is made before it is needed.

    Parameters
    ----------
    where : path of a folder, or a URL that begins with ``postgresql://``; ``${NAME}`` is taken from the environment
    database_schema : schema of the database that the tables are in

    Raises
    ------
    SinkError
        If a variable is not set, or the URL is none.
    """
    place = expanded(where)
    if unset := re.search(r"\$\{(\w+)\}", place):
        raise SinkError(f"ledger: needs the environment variable {unset[1]}, which is not set. Set it, or name a path.")
    if place.startswith(("postgresql://", "postgres://")):
        from cxml.sinks.ledger_postgresql import PostgresqlLedger

        return PostgresqlLedger(place, database_schema)
    from cxml.sinks.ledger_files import FilesLedger

    if "://" in place:
        raise SinkError("ledger: must be a folder, or begin with postgresql://.")
    return FilesLedger(place)
