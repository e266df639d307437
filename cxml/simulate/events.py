"""The event table: a month's touchpoints and signals, gathered and brought into one frame."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxml.simulate.columns import customer_ids, flags, labels, order_by_customer, times
from cxml.simulate.signals import Complaints, Posts, Purchases, Visits
from cxml.simulate.timeline import Floats, Ints
from cxml.simulate.touchpoints import CHANNELS, Contacts, Deliveries

EVENT_TYPES = ("delivery", "contact", "complaint", "post", "purchase", "visit")
EVENT_CHANNELS = (*CHANNELS, "social")
_SOCIAL = EVENT_CHANNELS.index("social")

_NUMBERS = ("value", "duration", "delay_days", "sentiment", "voice_tone")
_FLAGS = ("solved", "outsourced", "competitor_mention")

SHARE_LATE_KNOWN = 0.03
LATE_DAYS = 5.0
"""Events that a source delivers late, and by how many days on average."""


@dataclass(frozen=True)
class _Batch:
    event_type: int
    who: Ints
    when: Ints
    channel: NDArray[np.int8]
    measures: Mapping[str, Floats]


def delivery_delays(n: int, rng: np.random.Generator) -> Ints:
    """Return how many seconds later each of ``n`` events is known, 0 for most."""
    delay = rng.exponential(LATE_DAYS * 86_400, size=n).astype(np.int64)
    return np.where(rng.random(n) < SHARE_LATE_KNOWN, delay, 0)


@dataclass(frozen=True)
class EventLog:
    """Everything that happened, in the order the months drew it."""

    _batches: list[_Batch] = field(default_factory=list)

    def add_touchpoints(self, brought: Deliveries, met: Contacts, voice_tone: Floats) -> None:
        """Append a month's deliveries and contacts."""
        self._add("delivery", brought.who, brought.when, None, delay_days=brought.delay_days)
        flags = {name: getattr(met, name).astype(np.float64) for name in _FLAGS}
        self._add("contact", met.who, met.when, met.channel, duration=met.duration, voice_tone=voice_tone, **flags)

    def add_signals(self, angry: Complaints, posted: Posts, bought: Purchases, seen: Visits) -> None:
        """Append a month's complaints, posts, purchases and visits."""
        social = np.full(posted.who.size, _SOCIAL)
        mention = posted.competitor_mention.astype(np.float64)
        self._add("complaint", angry.who, angry.when, angry.channel)
        self._add("post", posted.who, posted.when, social, sentiment=posted.sentiment, competitor_mention=mention)
        self._add("purchase", bought.who, bought.when, bought.channel, value=bought.value)
        self._add("visit", seen.who, seen.when, seen.channel)

    @property
    def n(self) -> int:
        """Number of events."""
        return sum(batch.who.size for batch in self._batches)

    def table(self, left: Ints, as_of: int, delay: Ints) -> pd.DataFrame:
        """Return one row per event before its customer ``left``, known before ``as_of``.

        ``delay`` says how many seconds later than it happened each event is known, in the order the months drew them.
        """
        who = np.concatenate([batch.who for batch in self._batches])
        when = np.concatenate([batch.when for batch in self._batches])
        known = when + delay
        order = order_by_customer(who, when)
        order = order[(when < left[who])[order] & (known < as_of)[order]]
        event_type = np.concatenate([np.full(batch.who.size, batch.event_type, np.int8) for batch in self._batches])
        channel = np.concatenate([batch.channel for batch in self._batches])
        columns: dict[str, object] = {
            "customer_id": customer_ids(who[order]),
            "event_time": times(when[order]),
            "known_time": times(known[order]),
            "event_type": labels(EVENT_TYPES, event_type[order]),
            "channel": labels(EVENT_CHANNELS, channel[order]),
        }
        for name in _NUMBERS:
            columns[name] = self._measure(name, np.nan)[order]
        for name in _FLAGS:
            columns[name] = flags(self._measure(name, -1)[order].astype(np.int8))
        return pd.DataFrame(columns)

    def _add(self, name: str, who: Ints, when: Ints, channel: Ints | None, **measures: Floats) -> None:
        codes = np.full(who.size, -1, np.int8) if channel is None else channel.astype(np.int8)
        self._batches.append(_Batch(EVENT_TYPES.index(name), who, when, codes, measures))

    def _measure(self, name: str, missing: float) -> Floats:
        return np.concatenate(
            [batch.measures.get(name, np.full(batch.who.size, missing)) for batch in self._batches], dtype=np.float64
        )
