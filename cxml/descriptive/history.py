"""One customer's history: facts in, features at any moment out, without a database.

>>> from cxml.descriptive.history import CustomerHistory                  # doctest: +SKIP
>>> history = CustomerHistory(plan, customer, facts, surroundings)        # doctest: +SKIP
>>> history.add({"event_time": "2024-07-01T09:30:00Z", "event_type": "contact", "channel": "phone"})  # doctest: +SKIP
>>> predictor.predict(history.row("2024-07-01T09:31:00Z"))                # doctest: +SKIP

It gives what ``cxml.descriptive.queries`` gives of the same plan and the same facts, floats to 1e-9. It needs NumPy and
the standard library alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any, Final

from cxml.descriptive.cell_readers import Moment
from cxml.descriptive.plain import DAY_US, microseconds, utc
from cxml.descriptive.plan import Plan
from cxml.descriptive.streams import Streams
from cxml.descriptive.surroundings import Surroundings
from cxml.errors import ConfigError, SchemaError, near_miss
from cxml.schema import columns as c

SURVEYS: Final = "surveys"
INVITATIONS: Final = "invitations"

Fact = Mapping[str, Any]


class CustomerHistory:
    """The facts of one customer, and the features of a plan at any moment.

    A fact counts from its time on and, where it has a ``known_time``, from when it was known; what happens at or after
    ``as_of`` changes nothing. Facts may come in any order; of several at the same time the one added later is the
    later one. A moment before something became known takes longer: what was known then is sorted out anew. Several
    threads may read a history while none writes to it.

    The mean over the others of a segment is what all of it added up to, less the customer's own part of that. Hand over
    surroundings that were exported from the same tables as the facts: the own part is that of the facts which the
    history has when its surroundings are set, here or later. A fact that is added afterwards is known of the customer
    at once, but not of the segment until surroundings that were exported with it are set; it is not taken from the
    segment's total, which does not hold it.

    Parameters
    ----------
    plan : Plan, or the JSON of one
        What to compute. A plan is compiled once, so hand the same `Plan` to all histories.
    customer : mapping
        The customer's row of ``customers``: ``customer_id``, and every column that the plan reads.
    facts : mapping from a table to its rows of this customer, in the order of the source
        ``events``, ``surveys``, ``contracts``, ``actions``; rows as for `add`. Surveys count as ``invitations`` as
        well, from when they were sent, unless those are given too.
    surroundings : Surroundings, optional
        What customers share, exported from the tables that hold these facts and no others of the customer; needed
        where the plan reads the environment or segments. It can be replaced later, by an export from tables that hold
        what was added until then.

    Raises
    ------
    SchemaError
        If a table or a column is unknown, one that is needed is missing, or a fact breaks a rule that its table keeps
        (kinds, ranges, the names and scales of instruments, the order of times).
    ConfigError
        If the surroundings lack what the plan reads.
    """

    def __init__(
        self,
        plan: Plan | Mapping[str, Any],
        customer: Mapping[str, Any],
        facts: Mapping[str, Iterable[Fact]] | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        self.plan = plan if isinstance(plan, Plan) else Plan.from_json(plan)
        self._program = self.plan.program
        self._customer = self._program.customer.plain(customer)
        self.customer_id: str = self._customer[c.CUSTOMER_ID]
        self._layouts = {layout.table: layout for layout in self._program.layouts}
        asked = any(cell.table == INVITATIONS for cell in self.plan.cells)
        self._invited = tuple(name for name in self.plan.kinds[INVITATIONS] if name != c.CUSTOMER_ID) if asked else ()
        plain = {table: [self._plain(table, fact) for fact in rows] for table, rows in (facts or {}).items()}
        surveys = plain.get(SURVEYS, [])
        answers = [row for row in surveys if row[c.RESPONSE_TIME] is not None]
        if self._invited and INVITATIONS not in plain:
            plain[INVITATIONS] = [sent for row in surveys if (sent := self._invitation(row))]
        # Alike invitations that wait for their answers: as many as were sent, without as many as were answered.
        self._waiting = Counter(map(self._alike, plain.get(INVITATIONS, [])))
        self._waiting.subtract(Counter(self._alike(sent) for row in answers if (sent := self._invitation(row))))
        plain[SURVEYS] = answers
        self._streams = {table: Streams(layout, plain.get(table, ())) for table, layout in self._layouts.items()}
        self.surroundings = surroundings or Surroundings()

    @property
    def surroundings(self) -> Surroundings:
        """What customers share. Setting it says that it was exported with all facts that the history has by then."""
        return self._surroundings

    @surroundings.setter
    def surroundings(self, surroundings: Surroundings) -> None:
        if missing := surroundings.missing(self.plan):
            raise ConfigError(
                f"surroundings: lack {', '.join(missing)}, which the plan reads. Export them with this plan "
                f"(`cxml.descriptive.export.surroundings`) and hand them over."
            )
        self._surroundings = surroundings
        # One's own part of what a segment adds up to: of the facts of now, whatever is added later.
        self._in_segments = [
            Streams(layout, self._streams[layout.table].rows()) for layout in self._program.in_segments
        ]

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """The columns that a fact of each table must have; of the others, what is left out is unknown."""
        return {table: layout.rows.needed for table, layout in self._layouts.items()}

    def add(self, fact: Fact, table: str = "events") -> None:
        """Add a fact that the surroundings do not hold yet; in the means over segments it takes no part.

        A survey without a ``response_time`` is an invitation; the answer to one that was added before (sent at the
        same time, with the same instrument, touchpoint and channel) is not a second invitation. A contract takes the
        place of the one with its ``contract_id``, such as when its outcome is known.

        Parameters
        ----------
        fact : mapping
            The columns of a row; what is not known may be None or left out. Times are datetimes, NumPy's datetime64 or
            ISO 8601 texts, in UTC where they carry no zone. Other values are as the tables have them once they are
            read: of a survey with a ``scale:`` of its own, the score is on that of its instrument.
        table : ``events``, ``surveys``, ``contracts`` or ``actions``

        Raises
        ------
        SchemaError
            If the table or a column is unknown, one that is needed is missing, or the fact breaks a rule of its table;
            the history stays as it was.
        """
        row = self._plain(table, fact)
        if table == SURVEYS:
            self._add_survey(row)
            return
        if table == INVITATIONS:
            self._waiting[self._alike(row)] += 1
        self._streams[table].add(row)

    def features(self, as_of: Any) -> dict[str, float | str | None]:
        """Return every feature strictly before a moment, in the order of the plan; None where it is unknown.

        Parameters
        ----------
        as_of : datetime, datetime64 or ISO 8601 text, in UTC where it carries no zone

        Raises
        ------
        SchemaError
            If ``as_of`` is no moment.
        """
        return self._features(microseconds(as_of, c.AS_OF))

    def row(self, as_of: Any) -> dict[str, Any]:
        """Return the features with their key, ready for ``Predictor.predict`` and ``Predictor.recommend``."""
        moment = microseconds(as_of, c.AS_OF)
        key = {c.CUSTOMER_ID: self.customer_id, c.AS_OF: utc(moment).replace(tzinfo=UTC)}
        return {**key, **self._features(moment)}

    def _features(self, as_of: int) -> dict[str, float | str | None]:
        moment = self._moment(as_of, self._streams.values())
        if self._in_segments:
            moment.midnight = self._moment(as_of - as_of % DAY_US, self._in_segments)
        return {name: read(moment) for name, read in self._program.features}

    def _moment(self, as_of: int, streams: Iterable[Streams]) -> Moment:
        known = self._customer.get(c.KNOWN_TIME)
        customer = self._customer if known is None or known < as_of else None
        return Moment(as_of, [stream.series(as_of) for stream in streams], customer, self._surroundings)

    def _plain(self, table: str, fact: Fact) -> dict[str, Any]:
        layout = self._layouts.get(table)
        if layout is None:
            raise SchemaError(
                f"there is no table {table!r} of a customer's facts{near_miss(table, self._layouts) or '.'} "
                f"Tables: {', '.join(self._layouts)}."
            )
        row = layout.rows.plain(fact)
        if fact.get(c.CUSTOMER_ID, self.customer_id) != self.customer_id:
            raise SchemaError(
                f"{table}.{c.CUSTOMER_ID}: must be {self.customer_id!r}, whose history this is; it is "
                f"{fact[c.CUSTOMER_ID]!r}."
            )
        return row

    def _add_survey(self, row: dict[str, Any]) -> None:
        sent, answered = self._invitation(row), row[c.RESPONSE_TIME] is not None
        if sent:
            alike = self._alike(sent)
            if not answered or self._waiting[alike] <= 0:
                self._streams[INVITATIONS].add(sent)
            self._waiting[alike] += -1 if answered and self._waiting[alike] > 0 else not answered
        if answered:
            self._streams[SURVEYS].add(row)

    def _invitation(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """Return a survey as it was sent; one whose sending is not known counts from its answer."""
        if not self._invited:
            return None
        sent, answered = row[c.SENT_TIME], row[c.RESPONSE_TIME]
        if sent is None and answered is not None:
            known = row.get(c.KNOWN_TIME)
            sent = answered if known is None else max(answered, known)
        return None if sent is None else {name: row.get(name) for name in self._invited} | {c.SENT_TIME: sent}

    def _alike(self, row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(row[name] for name in self._invited)
