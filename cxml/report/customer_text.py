"""One customer's story as text, in English or Portuguese."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from cxml.report.story_words import WORDS
from cxml.schema import columns as c
from cxml.schema.rows import HealthItem
from cxml.schema.separators import with_separators
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
        _block(words["outcome"], _told(story, story.outcomes)),
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
    words = WORDS[story.language]
    yield next(_told(story, story.profile), words["nothing"])
    if not story.in_force:
        ends = story.contracts[c.END_TIME] if len(story.contracts) else None
        ended = "" if ends is None else words["ended"].format(day=_day(ends.max()))
        looked_at = words["looked_at"].format(day=_day(story.prediction.as_of)) if story.prediction else ""
        yield f"{words['gone'].format(day=_day(story.as_of))}{ended}. {looked_at}"


def _told(story: CustomerStory, attributes: pd.DataFrame) -> Iterator[str]:
    """Give attributes with their values in one line; none where there are none."""
    words, told = WORDS[story.language], []
    for row in _rows(attributes):
        value = words[row.value] if row.kind == "flag" else _name(story, row.attribute, row.value)
        value = with_separators(value, story.language) if row.kind == "number" else value
        told.append(f"{_name(story, c.ATTRIBUTE, row.attribute)} {value}")
    if told:
        yield ", ".join(told)


def _terms(story: CustomerStory) -> Iterator[str]:
    words, named = WORDS[story.language], {c.CONTRACT_ID, c.START_TIME, c.END_TIME, c.PRICE, c.RENEWED}
    others = [str(name) for name in story.contracts if name not in named]
    for row in story.contracts.head(_TERMS).to_dict("records"):
        begin, end = row[c.START_TIME], row[c.END_TIME]
        asked: Any = row.get(c.PRICE)
        days = (end.to_pydatetime() - story.as_of.replace(tzinfo=None)).total_seconds() / 86_400
        when = _counted(story, "ends_in", days) if days >= 0 else words[_renewed(row[c.RENEWED])]
        price = "" if _unknown(asked) else f", {_money(story, asked)}"
        more = [f"{_name(story, c.ATTRIBUTE, name)} {_value(story, row[name])}" for name in others]
        yield f"{_day(begin)} {words['to']} {_day(end)}{price}, {when}" + "".join(f", {text}" for text in more)
    yield from _left_out(story, len(story.contracts) - _TERMS)


def _touchpoints(story: CustomerStory) -> Iterator[str]:
    words, rows = WORDS[story.language], list(_rows(story.touchpoints))
    names = [_name(story, c.EVENT_TYPE, row.event_type) for row in rows]
    width = max([16, *map(len, names)]) + 2
    if rows:
        yield f"{'':<{width}}{words['last_year']:>12}{words['in_all']:>9}  {words['last']}"
    for name, row in zip(names, rows, strict=True):
        ways = [] if _unknown(row.channels) else row.channels.split(", ")
        channels = ", ".join(_name(story, c.CHANNEL, way) for way in ways)
        through = f"  {words['through'].format(channels=channels)}" if ways else ""
        last_year, in_all = (_number(story, n, ",.0f") for n in (row.last_year, row.in_all))
        yield f"{name:<{width}}{last_year:>12}{in_all:>9}  {_day(row.last_time)}{through}"


def _answers(story: CustomerStory) -> Iterator[str]:
    words, answers = WORDS[story.language], story.answers
    given = answers[answers[c.RESPONSE_TIME].notna()] if len(answers) else answers
    for row in _rows(given.head(_ANSWERS)):
        about = "" if _unknown(row.touchpoint) else f" ({_name(story, c.TOUCHPOINT, row.touchpoint)})"
        score = words["no_score"] if _unknown(row.score) else _number(story, row.score, "g")
        comment = "" if _unknown(row.comment) else f"  “{row.comment}”"
        yield f"{_day(row.response_time)}  {_name(story, c.INSTRUMENT, row.instrument)}{about}: {score}{comment}"
    yield from _left_out(story, len(given) - _ANSWERS)
    if waiting := len(answers) - len(given):
        last = answers[answers[c.RESPONSE_TIME].isna()][c.SENT_TIME].max()
        sent, unanswered = (_number(story, n, ",.0f") for n in (len(answers), waiting))
        yield words["unanswered" if len(answers) > 1 else "unanswered_one"].format(
            n=unanswered, all=sent, day=_day(last)
        )


def _done(story: CustomerStory) -> Iterator[str]:
    for row in _rows(story.actions.head(_ANSWERS)):
        channel: Any = getattr(row, c.CHANNEL, None)
        cost: Any = getattr(row, c.COST, None)
        through = "" if _unknown(channel) else f", {_name(story, c.CHANNEL, str(channel))}"
        price = "" if _unknown(cost) else f", {_money(story, cost)}"
        yield f"{_day(row.action_time)}  {row.action}{through}{price}"
    yield from _left_out(story, len(story.actions) - _ANSWERS)


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
        yield f"{words['value']} {_money(story, found.value, decimals=0)}"


def _health(story: CustomerStory) -> Iterator[str]:
    words, found = WORDS[story.language], story.explanation
    if found is None:
        return
    if found.health is None or found.base is None:
        yield words["no_health"]
        return
    health, base = (_number(story, value, ".1f") for value in (found.health, found.base))
    yield words["health_is"].format(health=health, base=base)
    yield from _items(story, found.items)


def _items(story: CustomerStory, items: Sequence[HealthItem]) -> Iterator[str]:
    shown = [item for item in items[:_ITEMS] if abs(item.points) >= _NOTHING]
    for item in shown:
        yield f"{_signed(story, item.points):>6}  {item.label}"
        for reason in item.reasons:
            if abs(reason.contribution) >= _NOTHING:
                yield f"          {reason.sentence}"
    rest = items[len(shown) :]
    added = sum(item.points for item in rest)
    if abs(added) >= _NOTHING:
        yield f"{_signed(story, added):>6}  {_counted(story, 'others', len(rest))}"


def _over_time(story: CustomerStory) -> Iterator[str]:
    words, rows = WORDS[story.language], list(_rows(story.predictions))
    if len(rows) < 2:
        return
    for row, change in zip(rows, (None, *story.changes), strict=True):
        health = "" if _unknown(row.health) else f"{_number(story, row.health, '.1f'):>5}"
        if change is None or change.change is None:
            yield f"{_day(row.as_of)}  {health}"
            continue
        yield f"{_day(row.as_of)}  {health}  {_signed(story, change.change):>5}  " + "; ".join(
            f"{item.label} {_signed(story, item.points)}" for item in change.items[:3] if abs(item.points) >= _NOTHING
        )
        told = next((reason for item in change.items[:1] for reason in item.reasons), None)
        if told is not None and abs(told.contribution) >= _NOTHING:
            yield f"{'':<14}{told.sentence}"
    yield words["hindsight"]


def _next(story: CustomerStory) -> Iterator[str]:
    words, found, now = WORDS[story.language], story.recommendation, story.as_of.replace(tzinfo=None)
    ends = [row.end_time for row in _rows(story.contracts) if row.end_time.to_pydatetime() >= now]
    if found is not None:
        channel = f", {_name(story, c.CHANNEL, found.channel)}" if found.channel else ""
        yield words["recommended"].format(action=f"{found.action}{channel}", worth=_money(story, found.expected_value))
        yield words["because"].format(rule=found.rule)
        if found.runner_up is not None and found.margin is not None:
            then = _money(story, found.priority - found.margin)
            yield words["runner_up"].format(action=found.runner_up, worth=then)
        why = json.loads(found.why)
        if failed := [*why["not_met"], *why["not_applicable"]]:
            yield words["failed"].format(actions=", ".join(failed))
        if why["suppressed"]:
            held = ", ".join(f"{option} ({reason})" for option, reason in why["suppressed"].items())
            yield words["suppressed"].format(actions=held)
        if found.smallest_change is not None:
            yield words["smallest_change"].format(change=found.smallest_change)
    if ends:
        yield words["contract_ends"].format(day=_day(min(ends)))


def _left_out(story: CustomerStory, n: int) -> Iterator[str]:
    if n > 0:
        yield _counted(story, "earlier", n)


def _counted(story: CustomerStory, key: str, n: float) -> str:
    """Return the words of a key with a number in them: in the singular where it is shown as 1."""
    shown = _number(story, n, ",.0f")
    return WORDS[story.language][f"{key}_one" if shown == "1" else key].format(n=shown)


def _number(story: CustomerStory, value: float, form: str) -> str:
    return with_separators(f"{value:{form}}", story.language)


def _signed(story: CustomerStory, points: float) -> str:
    """Return points with their sign and one decimal; what is shown as nothing has no sign."""
    return _number(story, points, "+.1f") if abs(points) >= _NOTHING else _number(story, 0.0, ".1f")


def _money(story: CustomerStory, amount: float, *, decimals: int = 2) -> str:
    return f"{_number(story, amount + 0.0, f',.{decimals}f')} {story.currency}"


def _name(story: CustomerStory, of: str, name: str) -> str:
    """Return what something is called in the language of the story, or its name where there are no words for it."""
    return story.names.get((of, name), name)


def _renewed(flag: Any) -> str:
    return "outcome_unknown" if _unknown(flag) else "renewed" if flag else "not_renewed"


def _value(story: CustomerStory, value: Any) -> str:
    words = WORDS[story.language]
    if _unknown(value):
        return words["unknown"]
    if isinstance(value, bool):
        return words["yes" if value else "no"]
    return _number(story, value, "g") if isinstance(value, float) else str(value)


def _unknown(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def _day(moment: Any) -> str:
    return "" if _unknown(moment) else f"{moment:%Y-%m-%d}"


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    yield from frame.itertuples(index=False)
