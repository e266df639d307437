"""From a policy.yaml to a `Policy`: every expression parsed against the columns that are there, every name resolved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

from cxml.conditions import parse
from cxml.conditions.tree import Expression, Tree, all_of, untrue
from cxml.config.policy import ActionConfig, Conditions, PolicyConfig, TreatmentConfig
from cxml.config.policy_limits import Scope
from cxml.errors import ConfigError, listed, near_miss
from cxml.prescriptive.never_lists import never_lists
from cxml.prescriptive.past_actions import contacts_name, past_names, rest_name
from cxml.prescriptive.policy import PREDICTED, RULES, Exploration, FairnessRule, Option, Policy, RunLimit, Stop, Weight
from cxml.prescriptive.scopes import places, treatments_of, unused_names
from cxml.schema import columns as c
from cxml.schema.tables import Kind

# An effect that nobody measured may be nothing, or twice what is assumed, unless the policy says.
_LOW, _HIGH = 0.0, 2.0
_TRUE: Final[Tree] = all_of([])
_TEXTS: Final = ("category", "key", "text")


def compiled_policy(config: PolicyConfig, features: Mapping[str, Kind], *, has_value: bool) -> Policy:
    """Parse every expression of a policy, and find the options that every limit is about.

    Parameters
    ----------
    config : PolicyConfig
    features : the features that the company and the policy have, with the kind of each
    has_value : whether the company says what a customer is worth

    Raises
    ------
    ConfigError
        If an expression cannot be read or names a column that is not there, or a limit is about an action, group,
        issue or channel that the policy does not have; all faults together.
    """
    return _Compiler(config, features, has_value=has_value).policy()


class _Compiler:
    def __init__(self, config: PolicyConfig, features: Mapping[str, Kind], *, has_value: bool) -> None:
        self.config, self.has_value = config, has_value
        self.kinds: dict[str, Kind] = {**features, **dict.fromkeys(past_names(config), "number"), **PREDICTED}
        self.faults: list[str] = []
        self.treatments = treatments_of(config)

    def policy(self) -> Policy:
        config, rails = self.config, self.config.guard_rails
        self.faults += unused_names(config)
        stops = self._stops()
        weights = self._weights()
        lists = never_lists(rails.never, self.faults)
        never = [(self._options(rule, f"policy.guard_rails.never[{i}]"), i) for i, rule in enumerate(rails.never)]
        options = []
        for place, (i, action, treatment) in enumerate(self.treatments):
            listed_in = tuple(name for places, k in never if place in places and (name := f"never[{k}]") in lists)
            options.append(self._option(i, action, treatment, weights[place], stops[place], listed_in))
        limits = self._limits()
        fairness, exploration = self._fairness(), self._exploration()
        if self.faults:
            raise ConfigError(listed(self.faults))
        read = dict.fromkeys(name for option in options for name in sorted(option.reads) if name not in PREDICTED)
        read |= dict.fromkeys(rule.by for rule in fairness if rule.by not in PREDICTED)
        read |= dict.fromkeys(name for name in (exploration.by,) if name is not None and name not in PREDICTED)
        reads: dict[str, Literal["number", "text"]] = {
            name: "text" if self.kinds[name] in _TEXTS else "number" for name in read
        }
        return Policy(
            tuple(options),
            limits,
            fairness,
            lists,
            reads,
            (*(feature.name for feature in config.features), *past_names(config)),
            config.plan_days,
            config.exploration_share,
            exploration,
            config.holdout_share,
        )

    def _option(
        self,
        i: int,
        action: ActionConfig,
        treatment: TreatmentConfig | None,
        weights: tuple[Weight, ...],
        stops: tuple[Stop, ...],
        never: tuple[str, ...],
    ) -> Option:
        at = f"policy.actions[{i}]"
        channel = action.channel if treatment is None else treatment.channel

        def said(key: str) -> Any:
            own = None if treatment is None else getattr(treatment, key)
            return getattr(action, key) if own is None else own

        issue = self.config.issue_of(action)
        parts: list[tuple[str, Conditions | None]] = [
            (f"policy.issues.{issue}", self.config.issues.get(issue or "")),
            (f"policy.groups.{action.group}", self.config.groups.get(action.group or "")),
            (at, action),
            (f"{at}.treatments.{channel}", treatment),
        ]
        trees: dict[str, Tree | None] = {}
        texts: list[str] = []
        for key in RULES:
            found = [
                (text, self._tree(parse.condition, text, f"{where}.{key}"))
                for where, part in parts
                if part is not None and (text := getattr(part, key)) is not None
            ]
            trees[key] = all_of([tree for _, tree in found]) if found else None
            texts += [text for text, _ in found]
        nothing = action.name == c.NO_ACTION
        money = action.measured_by == "value"  # the effect is money itself: there is nothing to multiply it by
        given = {"cost": said("cost"), "benefit": 1 if money else said("benefit"), "effect": said("effect")}
        amounts: dict[str, Tree] = {
            key: self._tree(parse.number, 0 if nothing else amount, f"{at}.{key}") for key, amount in given.items()
        }
        for key, factor in (("effect_low", _LOW), ("effect_high", _HIGH)):
            stated = said(key) if treatment is None or treatment.effect is None else getattr(treatment, key)
            amounts[key] = (
                ["*", ["number", factor], amounts["effect"]]
                if stated is None
                else self._tree(parse.number, stated, f"{at}.{key}")
            )
        levers = [part.lever for _, part in parts if part is not None and part.lever != 1]
        return Option(
            action=action.name,
            channel=channel,
            issue=issue,
            group=action.group,
            label=action.name if len(action.treatments) < 2 else f"{action.name}/{channel}",
            rule=_joined(texts),
            eligibility=trees["eligibility"],
            applicability=trees["applicability"],
            suitability=trees["suitability"],
            valid_from=action.valid_from.isoformat() if action.valid_from else None,
            valid_until=action.valid_until.isoformat() if action.valid_until else None,
            cost=amounts["cost"],
            benefit=amounts["benefit"],
            effect=amounts["effect"],
            effect_low=amounts["effect_low"],
            effect_high=amounts["effect_high"],
            measured=self._measured(action, said("benefit")),
            cautious=self.config.effects.decide_on == "low",
            uses={name: self._tree(parse.number, used, f"{at}.uses.{name}") for name, used in said("uses").items()},
            weights=(*(Weight(["number", float(lever)], None) for lever in levers), *weights),
            stops=stops,
            never=never,
        )

    def _measured(self, action: ActionConfig, benefit: Any) -> tuple[str, ...]:
        """Return the columns that would tell what an action changes; none where the policy keeps to what it assumes.

        What a success of it is worth is what a customer who stays is worth, unless the policy says otherwise: then its
        success is another one, which nothing was measured of unless it says what.
        """
        outcome = action.measured_by or ("renewal" if benefit == c.VALUE else "nothing")
        if self.config.effects.use == "assumed" or outcome == "nothing" or action.name == c.NO_ACTION:
            return ()
        return c.uplift_columns(outcome, action.name)

    def _weights(self) -> list[tuple[Weight, ...]]:
        """Return the weights of each option: those of its channel, and those whose scope it is in."""
        found: list[list[Weight]] = [[] for _ in self.treatments]
        for channel, text in self.config.channel_preferences.items():
            where = f"policy.channel_preferences.{channel}"
            weight = Weight(self._tree(parse.number, text, where), None)
            for place in self._options(Scope(channel=channel), where):
                found[place].append(weight)
        for i, said in enumerate(self.config.weights):
            where = f"policy.weights[{i}]"
            when = None if said.when is None else self._tree(parse.condition, said.when, f"{where}.when")
            weight = Weight(self._tree(parse.number, said.weight, f"{where}.weight"), when)
            for place in self._options(said, where):
                found[place].append(weight)
        return [tuple(weights) for weights in found]

    def _stops(self) -> list[tuple[Stop, ...]]:
        """Return what suppresses each option: too many contacts, a rest, no consent, a guard rail's condition."""
        contacts, rails = self.config.contact_policy, self.config.guard_rails
        found: list[list[Stop]] = [[] for _ in self.treatments]

        def stop(places: Iterable[int], label: str, tree: Tree) -> None:
            for place in places:
                found[place].append(Stop(label, tree))

        for channel, text in rails.consent.items():
            where = f"policy.guard_rails.consent.{channel}"
            tree = self._tree(parse.condition, text, where)
            stop(
                self._options(Scope(channel=channel), where),
                f"no consent to {channel}",
                untrue(tree),
            )
        for i, never in enumerate(rails.never):
            if never.when is not None:
                where = f"policy.guard_rails.never[{i}]"
                tree = self._tree(parse.condition, never.when, f"{where}.when")
                stop(self._options(never, where), f"never where {never.when}", tree)
        if contacts.max_contacts is not None and contacts.window_days is not None:
            reached = [place for place, (_, action, t) in enumerate(self.treatments) if action.channel or t is not None]
            label = f"{_contacts(contacts.max_contacts)} in {contacts.window_days} days"
            stop(reached, label, _at_least(contacts_name(contacts.window_days), contacts.max_contacts))
        for channel, limit in contacts.channels.items():
            places = self._options(Scope(channel=channel), f"policy.contact_policy.channels.{channel}")
            label = f"{_contacts(limit.max_contacts)} by {channel} in {limit.window_days} days"
            stop(places, label, _at_least(contacts_name(limit.window_days, channel), limit.max_contacts))
        for i, rest in enumerate(contacts.suppress):
            where = f"policy.contact_policy.suppress[{i}]"
            places = self._options(rest, where)
            if rest.when is not None:
                stop(places, f"while {rest.when}", self._tree(parse.condition, rest.when, f"{where}.when"))
            elif rest.after is not None:
                outcome = f" {rest.after.outcome}" if rest.after.outcome else ""
                after = rest.after if rest.after.named else rest
                kept = {level: name for level, name in after.named.items() if level in ("issue", "group")}
                self._options(Scope(**kept), f"{where}.after")  # an action may be one that was ended
                stop(
                    places, f"within {rest.days} days of {Scope(**after.named)}{outcome}", _at_least(rest_name(rest), 1)
                )
        return [tuple(stops) for stops in found]

    def _limits(self) -> tuple[RunLimit, ...]:
        resources = {
            name
            for _, action, treatment in self.treatments
            for name in (action.uses if treatment is None or treatment.uses is None else treatment.uses)
        }
        found = []
        for i, limit in enumerate(self.config.limits):
            where = f"policy.limits[{i}]"
            if limit.of not in (known := {"cost", "contacts", *resources}):
                self.faults.append(
                    f"{where}: is of {limit.of!r}, which no action uses{near_miss(limit.of, known) or '.'} "
                    f"Say what it takes with `uses: {{{limit.of}: 1}}` at an action, or limit `cost` or `contacts`."
                )
            days = self.config.plan_days
            amount = limit.amount if limit.amount is not None else (limit.per_day or 0.0) * days
            found.append(RunLimit(limit.label, limit.of, self._options(limit, where), amount, limit.per_day))
        return tuple(found)

    def _fairness(self) -> tuple[FairnessRule, ...]:
        found = []
        for i, rule in enumerate(self.config.guard_rails.fairness):
            where = f"policy.guard_rails.fairness[{i}]"
            self._check_groups(rule.by, where)
            name = f"fairness {rule} by {rule.by}"
            found.append(FairnessRule(name, rule.by, self._options(rule, where), rule.max_difference))
        return tuple(found)

    def _exploration(self) -> Exploration:
        said = self.config.exploration
        if said.by is not None:
            self._check_groups(said.by, "policy.exploration")
        return Exploration(said.method, said.by)

    def _check_groups(self, by: str, where: str) -> None:
        """Find a fault where a column cannot tell groups of customers."""
        if by not in self.kinds:
            self.faults.append(f"{where}.by: there is no column {by!r}{near_miss(by, self.kinds) or '.'}")
        elif self.kinds[by] == "time":
            self.faults.append(f"{where}.by: must be a category; {by!r} is a time.")

    def _tree(self, read: Callable[..., Expression], text: Any, where: str) -> Any:
        try:
            expression = read(text, self.kinds, where=where)
        except ConfigError as error:
            if str(error) not in self.faults:  # a condition of a group is read for each of its actions
                self.faults.append(str(error))
            return _TRUE
        if c.VALUE in expression.columns and not self.has_value:
            fault = (
                f"{where}: uses `value`, but the config does not say what a customer is worth. "
                f"Set `value:` or `labels.value`."
            )
            if fault not in self.faults:
                self.faults.append(fault)
        return expression.tree

    def _options(self, scope: Scope, where: str) -> tuple[int, ...]:
        """Return the places of the options in a scope; a fault where there is none."""
        try:
            return places(self.config, scope, where)
        except ConfigError as error:
            self.faults.append(str(error))
            return ()


def _at_least(feature: str, n: int) -> Tree:
    """Return the condition that somebody was contacted so often; nobody was where none is counted."""
    return [">=", ["column", feature], ["number", float(n)]] if n else _TRUE


def _contacts(n: int) -> str:
    return f"{n} contact{'' if n == 1 else 's'}"


def _joined(texts: list[str]) -> str:
    if len(texts) < 2:
        return texts[0] if texts else "everyone"
    return " AND ".join(f"({text})" for text in texts)
