"""What every option is to every customer: whether it may be chosen, and if not why; its cost, worth and use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxml.conditions.arrays import mask, numbers
from cxml.conditions.coded import Coded, coded
from cxml.prescriptive.effects import effect_of, effects_of
from cxml.prescriptive.policy import Option, Policy, RunLimit

Columns = Mapping[str, NDArray[Any]]
Column = NDArray[np.float64] | Coded
Floats = NDArray[np.float64]

# Why an option cannot be chosen; from STOPPED on, the place of what suppresses it.
FIRED, NOT_ELIGIBLE, NOT_SUITABLE, NOT_APPLICABLE, NOT_VALID, NOT_WORTH, STOPPED = range(7)
NEVER_LISTED: Final = "on a list of never"


@dataclass(frozen=True, eq=False)
class Run:
    """The customers of a run and what is known of them.

    ``columns`` are the features and predictions that the policy reads, numbers or coded texts of n_rows;
    ``moments`` the moment of each row, UTC; ``never`` says for each list of the policy who is on it.
    """

    columns: Mapping[str, Column]
    moments: NDArray[np.datetime64]
    never: Mapping[str, NDArray[np.bool_]]

    @property
    def n_rows(self) -> int:
        """How many customers."""
        return len(self.moments)

    def with_column(self, name: str, values: Column) -> Run:
        """Return the run with other values in a column."""
        return replace(self, columns={**self.columns, name: values})

    def part(self, rows: NDArray[np.intp]) -> Run:
        """Return the run of some of its customers."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Run(columns, self.moments[rows], {name: listed[rows] for name, listed in self.never.items()})


def run_of(policy: Policy, columns: Columns, customers: Sequence[str], moments: NDArray[np.datetime64]) -> Run:
    """Return a run of customers: the columns that the policy reads, and who is on which list of it."""
    read = frozenset().union(*(option.reads for option in policy.options), policy.groups_read)
    read |= {name for option in policy.options for name in option.measured if name in columns}
    typed = {name: coded(columns[name]) if columns[name].dtype == object else columns[name] for name in sorted(read)}
    return Run(typed, moments, {name: _in_list(customers, listed) for name, listed in policy.lists.items()})


@dataclass(frozen=True, eq=False)
class Looked:
    """Every option for every customer; arrays of shape (n_rows, n_options), each option's column in one piece.

    ``status`` is FIRED where the option may be chosen; ``cost`` is money; ``priority`` what options are ranked by,
    benefit x effect x weights - cost, and -inf where the option may not be chosen.
    """

    status: NDArray[np.uint16]
    cost: Floats
    priority: Floats


def looked(policy: Policy, run: Run) -> Looked:
    """Look at every option for every customer.

    An option of unknown cost, use or priority may not be chosen, nor one whose cost or use is below 0.
    """
    shape = (len(policy.options), run.n_rows)
    status = np.zeros(shape, dtype=np.uint16)
    cost, priority = np.zeros(shape), np.zeros(shape)
    for j, option in enumerate(policy.options):
        if j != policy.nothing:
            status[j], cost[j], priority[j] = look(option, run)
    return Looked(status.T, cost.T, priority.T)


def look(option: Option, run: Run) -> tuple[NDArray[np.uint16], Floats, Floats]:
    """Return status, cost and priority of one option for every customer, shapes (n_rows,); see `Looked`."""
    columns, n_rows = run.columns, run.n_rows
    cost = numbers(option.cost, columns, n_rows)
    priority = numbers(option.benefit, columns, n_rows)
    priority *= effect_of(option, columns, n_rows)
    if (weight := _weight(option, columns, n_rows)) is not None:
        priority *= weight
    priority -= cost
    status = _status(option, run)
    known = np.isfinite(priority) & (cost >= 0)
    for tree in option.uses.values():
        known &= numbers(tree, columns, n_rows) >= 0
    status[(status == FIRED) & ~known] = NOT_WORTH
    priority[status != FIRED] = -np.inf
    return status, cost, priority


def stop_label(option: Option, code: int) -> str:
    """Return what suppresses an option, by its status."""
    place = code - STOPPED
    return option.stops[place].label if place < len(option.stops) else NEVER_LISTED


@dataclass(frozen=True, eq=False)
class Expected:
    """What each customer's choice is expected to bring, the lowest and highest it may, and how much was measured."""

    value: Floats
    low: Floats
    high: Floats
    evidence: Floats


def expected_values(policy: Policy, chosen: NDArray[np.intp], run: Run) -> Expected:
    """Return what each customer's choice is expected to bring in money, and the lowest and highest it may.

    Benefit x effect - cost, with the effect as `cxml.prescriptive.effects` finds it; weights are left out, for they are
    wishes and not money. Shapes (n_rows,).
    """
    value, low, high, evidence = (np.zeros(len(chosen)) for _ in range(4))
    for j, option in enumerate(policy.options):
        rows = np.flatnonzero(chosen == j)
        if j == policy.nothing or not len(rows):
            continue
        part = run.part(rows).columns
        benefit, cost = (numbers(tree, part, len(rows)) for tree in (option.benefit, option.cost))
        effects = effects_of(option, part, len(rows))
        expected = [benefit * effect - cost for effect in (effects.value, effects.low, effects.high)]
        value[rows] = expected[0]
        low[rows] = np.fmin.reduce(expected)  # a range that is unknown is none
        high[rows] = np.fmax.reduce(expected)
        evidence[rows] = effects.evidence
    return Expected(value, low, high, evidence)


def limit_use(policy: Policy, limit: RunLimit, columns: Mapping[str, Column], cost: Floats) -> Floats:
    """Return what each choice takes of a limit: shape (n_options,), or (n_rows, n_options) where customers differ."""
    n_rows, counted = len(cost), np.isin(np.arange(len(policy.options)), limit.options)
    if limit.of == "contacts":
        return np.array(
            [float(on and option.channel is not None) for on, option in zip(counted, policy.options, strict=True)]
        )
    if limit.of == "cost":
        return np.where(counted, cost, 0.0)
    trees = [option.uses.get(limit.of) if on else None for on, option in zip(counted, policy.options, strict=True)]
    if all(tree is None or tree[0] == "number" for tree in trees):
        return np.array([0.0 if tree is None else tree[1] for tree in trees])
    use = np.zeros((len(policy.options), n_rows))
    for j, tree in enumerate(trees):
        if tree is not None:
            use[j] = np.nan_to_num(np.maximum(numbers(tree, columns, n_rows), 0.0))  # unknown use is never chosen
    return use.T


def _status(option: Option, run: Run) -> NDArray[np.uint16]:
    """Return why an option may not be chosen, FIRED where it may: rules first, then dates, then what suppresses it."""
    status = np.zeros(run.n_rows, dtype=np.uint16)

    def stop(where: NDArray[np.bool_], code: int) -> None:
        status[where & (status == FIRED)] = code

    rules = (
        (option.eligibility, NOT_ELIGIBLE),
        (option.applicability, NOT_APPLICABLE),
        (option.suitability, NOT_SUITABLE),
    )
    for tree, code in rules:
        if tree is not None:
            stop(~mask(tree, run.columns, run.n_rows), code)
    if option.valid_from is not None:
        stop(run.moments < utc(option.valid_from), NOT_VALID)
    if option.valid_until is not None:
        stop(run.moments >= utc(option.valid_until), NOT_VALID)
    for i, stopping in enumerate(option.stops):
        stop(mask(stopping.tree, run.columns, run.n_rows), STOPPED + i)
    for name in option.never:
        stop(run.never[name], STOPPED + len(option.stops))
    return status


def _weight(option: Option, columns: Mapping[str, Column], n_rows: int) -> Floats | None:
    """Return the product of an option's weights; None where it has none. Unknown is 1, and none is below 0."""
    product: Floats | None = None
    for weight in option.weights:
        amount = numbers(weight.amount, columns, n_rows)
        amount = np.where(np.isnan(amount), 1.0, np.maximum(amount, 0.0))
        if weight.when is not None:
            amount = np.where(mask(weight.when, columns, n_rows), amount, 1.0)
        product = amount if product is None else product * amount
    return product


def _in_list(customers: Sequence[str], listed: Sequence[str]) -> NDArray[np.bool_]:
    members = frozenset(listed)
    return np.fromiter((customer in members for customer in customers), dtype=np.bool_, count=len(customers))


def utc(moment: str) -> np.datetime64:
    """Return a stored moment as an array has it."""
    return np.datetime64(moment.removesuffix("+00:00"), "us")
