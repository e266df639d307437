"""One customer's story as text, in English or Portuguese."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from cxml.report.story_words import WORDS
from cxml.schema import columns as c
from cxml.schema.rows import HealthItem
from cxml.schema.story import CustomerStory

if TYPE_CHECKING:
    import pandas as pd

_WIDTH: Final = 100
_LEFT: Final = 14
_ANSWERS: Final = 6
_TERMS: Final = 4
_ITEMS: Final = 8
# Points that would be shown as 0.
_NOTHING: Final = 0.05


def customer_text(story: CustomerStory) -> str:
    """Return a customer's story as plain text, 100 columns wide at most but for the customer's own words."""
    words = WORDS[story.language]
    title = words["title"].format(company=story.company, id=story.customer_id, day=_day(story.as_of))
    if story.prediction is not None:
        title += words["model"].format(version=story.prediction.model_version)
    parts = [
        _block(words["who"], _who(story)),
        _block(words["contract"], _terms(story)),
        _block(words["touchpoints"], _touchpoints(story)),
        _block(words["answers"], _answers(story)),
        _block(words["actions"], _done(story)),
        _block(words["now"], _now(story)),
        _block(words["health"], _health(story)),
        _block(words["over_time"], _over_time(story)),
        _block(words["next"], _next(story)),
    ]
    return "\n\n".join([title, *(part for part in parts if part)])


def _block(heading: str, lines: Iterator[str]) -> str:
    """Return lines under their heading, which stands to the left of the first one."""
    body = [line for text in lines for line in _wrapped(text)]
    return "\n".join(f"{heading if i == 0 else '':<{_LEFT}}{line}".rstrip() for i, line in enumerate(body))


def _wrapped(text: str) -> list[str]:
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    return wrap(text, _WIDTH - _LEFT, subsequent_indent=indent, drop_whitespace=True) or [""]


def _who(story: CustomerStory) -> Iterator[str]:
    told = [f"{row.attribute} {row.value}" for row in _rows(story.profile)]
    yield ", ".join(told) if told else WORDS[story.language]["nothing"]
    if not story.in_force:
        words, ends = WORDS[story.language], story.contracts[c.END_TIME] if len(story.contracts) else None
        ended = "" if ends is None else words["ended"].format(day=_day(ends.max()))
        looked_at = words["looked_at"].format(day=_day(story.prediction.as_of)) if story.prediction else ""
        yield f"{words['gone'].format(day=_day(story.as_of))}{ended}. {looked_at}"


def _terms(story: CustomerStory) -> Iterator[str]:
    words, named = WORDS[story.language], {c.CONTRACT_ID, c.START_TIME, c.END_TIME, c.PRICE, c.RENEWED}
    others = [str(name) for name in story.contracts if name not in named]
    for row in story.contracts.head(_TERMS).to_dict("records"):
        begin, end, asked = row[c.START_TIME], row[c.END_TIME], row.get(c.PRICE)
        days = (end.to_pydatetime() - story.as_of.replace(tzinfo=None)).total_seconds() / 86_400
        when = words["ends_in"].format(n=f"{days:,.0f}") if days >= 0 else words[_renewed(row[c.RENEWED])]
        price = "" if _unknown(asked) else f", {asked:,.2f} {story.currency}"
        more = [f"{name} {_value(row[name], words)}" for name in others]
        yield f"{_day(begin)} {words['to']} {_day(end)}{price}, {when}" + "".join(f", {text}" for text in more)
    yield from _left_out(len(story.contracts) - _TERMS, words)


def _touchpoints(story: CustomerStory) -> Iterator[str]:
    words = WORDS[story.language]
    if len(story.touchpoints):
        yield f"{'':<18}{words['last_year']:>12}{words['in_all']:>9}  {words['last']}"
    for row in _rows(story.touchpoints):
        through = "" if _unknown(row.channels) else f"  {words['through'].format(channels=row.channels)}"
        yield f"{row.event_type:<18}{row.last_year:>12,}{row.in_all:>9,}  {_day(row.last_time)}{through}"


def _answers(story: CustomerStory) -> Iterator[str]:
    words, answers = WORDS[story.language], story.answers
    given = answers[answers[c.RESPONSE_TIME].notna()] if len(answers) else answers
    for row in _rows(given.head(_ANSWERS)):
        about = "" if _unknown(row.touchpoint) else f" ({row.touchpoint})"
        score = words["no_score"] if _unknown(row.score) else f"{row.score:g}"
        comment = "" if _unknown(row.comment) else f"  “{row.comment}”"
        yield f"{_day(row.response_time)}  {row.instrument.upper()}{about}: {score}{comment}"
    yield from _left_out(len(given) - _ANSWERS, words)
    if waiting := len(answers) - len(given):
        last = answers[answers[c.RESPONSE_TIME].isna()][c.SENT_TIME].max()
        yield words["unanswered"].format(n=f"{waiting:,}", all=f"{len(answers):,}", day=_day(last))


def _done(story: CustomerStory) -> Iterator[str]:
    words = WORDS[story.language]
    for row in _rows(story.actions.head(_ANSWERS)):
        channel, cost = getattr(row, c.CHANNEL, None), getattr(row, c.COST, None)
        through = "" if _unknown(channel) else f", {channel}"
        price = "" if _unknown(cost) else f", {cost:,.2f} {story.currency}"
        yield f"{_day(row.action_time)}  {row.action}{through}{price}"
    yield from _left_out(len(story.actions) - _ANSWERS, words)


def _now(story: CustomerStory) -> Iterator[str]:
    words, found = WORDS[story.language], story.prediction
    if found is None:
        return
    if found.p_detractor is not None:
        shares = zip(c.NPS_CLASSES, (found.p_detractor, found.p_passive, found.p_promoter), strict=True)
        yield "NPS: " + ", ".join(f"{words[name]} {share:.0%}" for name, share in shares)
    if found.renewal_risk is not None:
        yield f"{words['renewal_risk']} {found.renewal_risk:.0%}"
    if found.value is not None:
        yield f"{words['value']} {found.value:,.0f} {story.currency}"


def _health(story: CustomerStory) -> Iterator[str]:
    words, found = WORDS[story.language], story.explanation
    if found is None:
        return
    if found.health is None or found.base is None:
        yield words["no_health"]
        return
    yield words["health_is"].format(health=f"{found.health:.1f}", base=f"{found.base:.1f}")
    yield from _items(found.items, words)


def _items(items: Sequence[HealthItem], words: dict[str, str]) -> Iterator[str]:
    shown, rest = items[:_ITEMS], items[_ITEMS:]
    for item in shown:
        yield f"{item.points:+6.1f}  {item.label}"
        for reason in item.reasons:
            if abs(reason.contribution) >= _NOTHING:
                yield f"          {reason.sentence}"
    if rest:
        yield f"{sum(item.points for item in rest) + 0.0:+6.1f}  {words['others'].format(n=len(rest))}"


def _over_time(story: CustomerStory) -> Iterator[str]:
    words, rows = WORDS[story.language], list(_rows(story.predictions))
    if len(rows) < 2:
        return
    for row, change in zip(rows, (None, *story.changes), strict=True):
        health = "" if _unknown(row.health) else f"{row.health:5.1f}"
        if change is None or change.change is None:
            yield f"{_day(row.as_of)}  {health}"
            continue
        yield f"{_day(row.as_of)}  {health}  {change.change:+5.1f}  " + "; ".join(
            f"{item.label} {item.points:+.1f}" for item in change.items[:3] if abs(item.points) >= _NOTHING
        )
        told = next((reason for item in change.items[:1] for reason in item.reasons), None)
        if told is not None and abs(told.contribution) >= _NOTHING:
            yield f"{'':<14}{told.sentence}"
    yield words["hindsight"]


def _next(story: CustomerStory) -> Iterator[str]:
    words, found, now = WORDS[story.language], story.recommendation, story.as_of.replace(tzinfo=None)
    ends = [row.end_time for row in _rows(story.contracts) if row.end_time.to_pydatetime() >= now]
    if found is not None:
        channel = f", {found.channel}" if found.channel else ""
        worth = f"{found.expected_value:,.2f} {story.currency}"
        yield words["recommended"].format(action=f"{found.action}{channel}", worth=worth)
        yield words["because"].format(rule=found.rule)
        why = json.loads(found.why)
        if found.runner_up is not None:
            then = f"{why.get('runner_up_value', 0.0):,.2f} {story.currency}"
            yield words["runner_up"].format(action=found.runner_up, worth=then)
        for key in ("failed", "suppressed"):
            if why[key]:
                yield words[key].format(actions=", ".join(why[key]))
    if ends:
        yield words["contract_ends"].format(day=_day(min(ends)))


def _left_out(n: int, words: dict[str, str]) -> Iterator[str]:
    if n > 0:
        yield words["earlier"].format(n=f"{n:,}")


def _renewed(flag: Any) -> str:
    return "outcome_unknown" if _unknown(flag) else "renewed" if flag else "not_renewed"


def _value(value: Any, words: dict[str, str]) -> str:
    if _unknown(value):
        return words["unknown"]
    if isinstance(value, bool):
        return words["yes" if value else "no"]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _unknown(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def _day(moment: Any) -> str:
    return "" if _unknown(moment) else f"{moment:%Y-%m-%d}"


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    yield from frame.itertuples(index=False)
