"""What a contact policy reads of the past: contacts in a window, actions and outcomes after which others rest."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from cxml.config.features import Aggregate, FactTable
from cxml.config.policy import PolicyConfig
from cxml.config.policy_limits import After, Suppression
from cxml.errors import ConfigError, listed
from cxml.schema import columns as c
from cxml.schema.sql import literal

_REMEDY: Final = "Add the column to the table, or take the limit out."


def contacts_name(window_days: int, channel: str | None = None) -> str:
    """Return the name of the feature that counts a customer's contacts in a window, over one channel or all."""
    return _named("contacts", *([channel] if channel else []), f"{window_days}d")


def rest_name(rest: Suppression) -> str:
    """Return the name of the feature that counts the past actions after which something rests."""
    after = _after(rest)
    said = [word for level, name in after.named.items() for word in (level, name)]
    return _named("past", *said, *([after.outcome] if after.outcome else []), f"{rest.days}d")


def past_features(config: PolicyConfig, tables: Mapping[str, Collection[str]]) -> tuple[Aggregate, ...]:
    """Return the features of past actions and outcomes that a policy reads, each a count in a trailing window.

    Parameters
    ----------
    config : PolicyConfig
    tables : the tables that are there, with the columns of each
        Without a table ``actions``, no action was ever logged, and there is nothing to count.

    Raises
    ------
    ConfigError
        If a limit needs a column or a table that is not there; all of them together.
    """
    found: dict[str, Aggregate] = {}
    for feature in _features(config, tables.get("actions", ())):
        if found.setdefault(feature.name, feature) != feature:
            raise ConfigError(
                f"policy.contact_policy: two rests would both be counted as {feature.name!r}. Name their outcomes "
                f"or actions so that they differ in letters or digits."
            )
    faults = [
        f"policy.contact_policy: {what} needs the column {column!r} in `{table}`, which is not there. {_REMEDY}"
        for what, table, column in _needed(config)
        if column not in tables.get(table, (column,))
    ]
    if "actions" in tables and "outcomes" not in tables:
        faults += [
            f"policy.contact_policy: the rest after {rest.after.outcome!r} needs the table `outcomes`, which is not "
            f"there. Add it, or name a `ledger:`, which keeps outcomes."
            for rest in config.contact_policy.suppress
            if rest.after is not None and rest.after.outcome is not None
        ]
    if faults:
        raise ConfigError(listed(faults))
    return tuple(feature for feature in found.values() if feature.table in tables)


def past_names(config: PolicyConfig) -> tuple[str, ...]:
    """Return the names of those features."""
    return tuple(dict.fromkeys(feature.name for feature in _features(config, (c.CHANNEL,))))


def _named(*words: str) -> str:
    """Return words as the name of a feature: what is no letter or digit is an underscore."""
    return "".join(ch if ch.isascii() and ch.isalnum() else "_" for ch in "_".join(words))


def _needed(config: PolicyConfig) -> Iterator[tuple[str, str, str]]:
    """Give what the contact policy says that not every table can answer, with the table and the column it needs."""
    for channel in config.contact_policy.channels:
        yield f"the limit of {channel!r}", "actions", c.CHANNEL
    for rest in config.contact_policy.suppress:
        if rest.after is not None:
            after, table = _after(rest), _table(rest)
            if after.channel is not None:
                yield f"the rest after {after}", table, c.CHANNEL
            if table == "outcomes" and {"issue", "group", "action"} & after.named.keys():
                yield f"the rest after {after}", table, c.ACTION


def _features(config: PolicyConfig, action_columns: Collection[str]) -> Iterator[Aggregate]:
    contacts = config.contact_policy
    something = f"{c.ACTION} <> {literal(c.NO_ACTION)}"
    if contacts.window_days is not None:
        where = f"{something} AND {c.CHANNEL} IS NOT NULL" if c.CHANNEL in action_columns else something
        yield _count(contacts_name(contacts.window_days), "actions", where, contacts.window_days)
    for channel, limit in contacts.channels.items():
        where = f"{something} AND {c.CHANNEL} = {literal(channel)}"
        yield _count(contacts_name(limit.window_days, channel), "actions", where, limit.window_days)
    for rest in contacts.suppress:
        if rest.after is not None and rest.days is not None:
            yield _count(rest_name(rest), _table(rest), _where(config, rest), rest.days)


def _count(name: str, table: FactTable, where: str, days: int) -> Aggregate:
    return Aggregate(name=name, table=table, aggregate="rows", where=where, window_days=days)


def _table(rest: Suppression) -> FactTable:
    """Return the table that tells of a rest: a rest after an outcome counts from the outcome."""
    return "actions" if rest.after is None or rest.after.outcome is None else "outcomes"


def _after(rest: Suppression) -> After:
    """Return the past action of a rest: that of the resting offers themselves, where it only names an outcome."""
    after = rest.after or After()
    return after if after.named else after.model_copy(update=rest.named)


def _where(config: PolicyConfig, rest: Suppression) -> str:
    """Return the condition on the `actions` table that tells the past actions of a rest."""
    after, parts = _after(rest), []
    if {"issue", "group"} & after.named.keys():
        names = [
            action.name
            for action in config.actions
            if after.issue in (None, config.issue_of(action))
            and after.group in (None, action.group)
            and after.action in (None, action.name)
        ]
        parts.append(f"{c.ACTION} IN ({', '.join(map(literal, names or ['']))})")
    elif after.action is not None:
        parts.append(f"{c.ACTION} = {literal(after.action)}")
    elif after.outcome is None:
        parts.append(f"{c.ACTION} <> {literal(c.NO_ACTION)}")
    if after.channel is not None:
        parts.append(f"{c.CHANNEL} = {literal(after.channel)}")
    if after.outcome is not None:
        parts.append(f"{c.OUTCOME} = {literal(after.outcome)}")
    return " AND ".join(parts)
