"""A policy compiled: every expression a tree, every limit over options, ready to run and to store as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, Literal, Self

from cxml.conditions.check import checked_tree
from cxml.conditions.tree import Tree
from cxml.conditions.tree import columns as columns_of
from cxml.errors import BundleError, ConditionError
from cxml.schema import columns as c
from cxml.schema.tables import Kind

# What a policy can name beside the features: the columns of the PREDICTIONS frame that decide.
PREDICTED: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(c.P_NPS, "number"),
    c.NPS_CLASS: "category",
    c.RENEWAL_RISK: "number",
    c.HEALTH: "number",
    c.VALUE: "number",
}

RULES: Final = ("eligibility", "applicability", "suitability")
"""The conditions that say for whom an option is; all must be true."""


@dataclass(frozen=True)
class Stop:
    """What suppresses an option while its condition is true."""

    label: str
    tree: Tree


@dataclass(frozen=True)
class Weight:
    """A weight on what an option is ranked by, where its condition is true; 1 elsewhere and where it is unknown."""

    amount: Tree
    when: Tree | None


@dataclass(frozen=True)
class Option:
    """An action over one channel: for whom, what stops it, and the trees of what it costs, brings and uses.

    ``rule`` is its conditions as their author wrote them. ``never`` names the lists of customers who never get it.
    ``measured`` names the columns that tell its effect and the ends of its interval, where they are there; ``cautious``
    says that it is ranked by the low end.
    """

    action: str
    channel: str | None
    issue: str | None
    group: str | None
    label: str
    rule: str
    eligibility: Tree | None
    applicability: Tree | None
    suitability: Tree | None
    valid_from: str | None
    valid_until: str | None
    cost: Tree
    benefit: Tree
    effect: Tree
    effect_low: Tree
    effect_high: Tree
    measured: tuple[str, ...]
    cautious: bool
    uses: Mapping[str, Tree]
    weights: tuple[Weight, ...]
    stops: tuple[Stop, ...]
    never: tuple[str, ...]

    @cached_property
    def reads(self) -> frozenset[str]:
        """The columns that its trees read."""
        return frozenset(name for tree in self.trees() for name in columns_of(tree))

    @cached_property
    def worth_reads(self) -> frozenset[str]:
        """The columns that what it is ranked by is computed from."""
        amounts = (self.cost, self.benefit, self.effect, *(weight.amount for weight in self.weights))
        return frozenset(name for tree in amounts for name in columns_of(tree))

    def conditions(self) -> Iterator[Tree]:
        """Give the trees that say for whom it is."""
        yield from (tree for key in RULES if (tree := getattr(self, key)) is not None)

    def trees(self) -> Iterator[Tree]:
        """Give every tree of the option."""
        yield from self.conditions()
        yield from (self.cost, self.benefit, self.effect, self.effect_low, self.effect_high, *self.uses.values())
        for weight in self.weights:
            yield from (tree for tree in (weight.amount, weight.when) if tree is not None)
        yield from (stop.tree for stop in self.stops)


@dataclass(frozen=True)
class RunLimit:
    """How much of something the options, by their places, may use in a run; ``per_day`` of each day of the plan."""

    name: str
    of: str
    options: tuple[int, ...]
    amount: float
    per_day: float | None


@dataclass(frozen=True)
class FairnessRule:
    """The largest difference between the groups that a column tells in the share of those who get the options."""

    name: str
    by: str
    options: tuple[int, ...]
    max_difference: float


@dataclass(frozen=True)
class Exploration:
    """How the share of customers who are explored with is spent; ``by`` names a column whose groups are learnt of."""

    method: Literal["uniform", "thompson"]
    by: str | None


@dataclass(frozen=True)
class Policy:
    """Options and limits.

    ``lists`` are the customers who never get an option, by the name of the list; ``reads`` the columns beside the
    predictions that the policy reads, ``number`` or ``text``; ``makes`` the features that are the policy's own, read or
    not.
    """

    options: tuple[Option, ...]
    limits: tuple[RunLimit, ...]
    fairness: tuple[FairnessRule, ...]
    lists: Mapping[str, tuple[str, ...]]
    reads: Mapping[str, Literal["number", "text"]]
    makes: tuple[str, ...]
    plan_days: int
    exploration_share: float
    exploration: Exploration
    holdout_share: float

    @cached_property
    def version(self) -> str:
        """A hash of everything that the policy says."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def groups_read(self) -> tuple[str, ...]:
        """The columns whose groups it treats alike, or learns of."""
        by = (*(rule.by for rule in self.fairness), self.exploration.by)
        return tuple(dict.fromkeys(name for name in by if name is not None))

    @cached_property
    def nothing(self) -> int:
        """The place of the option that is to do nothing."""
        return [option.action for option in self.options].index(c.NO_ACTION)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """How each option is called: by its action, with the channel where the action has several."""
        return tuple(option.label for option in self.options)

    def to_json(self) -> dict[str, Any]:
        """Return the policy as JSON can hold it; `from_json` is the way back."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the policy that `to_json` stored.

        Raises
        ------
        BundleError
            If it is not one: an expression outside the grammar, or keys of another version of cxml.
        """
        try:
            options = tuple(_option(option) for option in stored["options"])
            limits = tuple(RunLimit(**_with_places(limit)) for limit in stored["limits"])
            fairness = tuple(FairnessRule(**_with_places(rule)) for rule in stored["fairness"])
            lists = {name: tuple(customers) for name, customers in stored["lists"].items()}
            tuples = {"options": options, "limits": limits, "fairness": fairness, "makes": tuple(stored["makes"])}
            return cls(**{**stored, **tuples, "lists": lists, "exploration": Exploration(**stored["exploration"])})
        except (KeyError, TypeError, AttributeError, ConditionError) as error:
            raise BundleError(f"policy: is not one of this version of cxml ({error}). Train again.") from None


def _option(stored: Mapping[str, Any]) -> Option:
    where = f"policy.options.{stored['label']}"
    conditions = [stored[key] for key in RULES if stored[key] is not None]
    conditions += [weight["when"] for weight in stored["weights"] if weight["when"] is not None]
    amounts = [stored[key] for key in ("cost", "benefit", "effect", "effect_low", "effect_high")]
    amounts += [*stored["uses"].values(), *(weight["amount"] for weight in stored["weights"])]
    for tree in (*conditions, *(stop["tree"] for stop in stored["stops"])):
        checked_tree(tree, None, result="condition", where=where)
    for tree in amounts:
        checked_tree(tree, None, result="number", where=where)
    return Option(
        **{
            **stored,
            "weights": tuple(Weight(**weight) for weight in stored["weights"]),
            "stops": tuple(Stop(**stop) for stop in stored["stops"]),
            "never": tuple(stored["never"]),
            "measured": tuple(stored["measured"]),
        }
    )


def _with_places(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {**stored, "options": tuple(stored["options"])}
