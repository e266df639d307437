"""A plan compiled: what is kept of each table of a customer's facts, and a function for each feature."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from cxml.conditions.closures import Row, Value, truth, value
from cxml.conditions.tree import Tree, columns
from cxml.descriptive.cell_readers import WHOLE_ROW, Reader, cell_reader
from cxml.descriptive.plain import Rows
from cxml.descriptive.plan import FACT_TIME, IN_FORCE, WEIGHTED, Cell, Plan
from cxml.descriptive.readers import customer_columns, feature_readers
from cxml.descriptive.series import Kept
from cxml.descriptive.streams import Layout, Stream
from cxml.schema import columns as c
from cxml.schema.tables import TABLES


@dataclass(frozen=True)
class Program:
    """Everything that is compiled once for a plan: how rows are read, what is kept of them, how features are read."""

    customer: Rows
    layouts: tuple[Layout, ...]
    features: tuple[tuple[str, Reader], ...]
    by_day: bool


def compiled(plan: Plan) -> Program:
    """Return the program of a plan."""
    tables = [table for table in FACT_TIME if table in plan.kinds]
    makers = {table: _Maker(plan, table, number) for number, table in enumerate(tables)}
    cells = [makers[cell.table].reader(cell) for cell in plan.cells]
    needed, optional = customer_columns(plan)
    customer = Rows("customers", plan.kinds["customers"], needed, optional=optional, filled=[c.CUSTOMER_ID])
    layouts = tuple(maker.layout() for maker in makers.values())
    return Program(customer, layouts, feature_readers(plan, cells), any(cell.by_day for cell in plan.cells))


class _Maker:
    """What is to be kept of one table, gathered from its cells."""

    def __init__(self, plan: Plan, table: str, number: int) -> None:
        self.plan, self.table, self.number = plan, table, number
        self.kinds = plan.kinds[table]
        self.cells = [cell for cell in plan.cells if cell.table == table]
        self._places: dict[str, int] = {}
        self._asked: list[tuple[Tree | None, Value, dict[str, Any]]] = []

    def reader(self, cell: Cell) -> Reader:
        def ask(tree: Tree, **kept: Any) -> tuple[int, int]:
            flag = cell.value_kind == "flag" and tree is cell.value
            key = json.dumps([cell.where, tree, flag])
            if key not in self._places:
                self._places[key] = len(self._asked)
                self._asked.append((cell.where, _value(tree, flag=flag), {}))
            place = self._places[key]
            before = self._asked[place][2]
            for name, what in kept.items():
                before[name] = (
                    tuple(dict.fromkeys((*before.get(name, ()), *what)))
                    if isinstance(what, tuple)
                    else before.get(name, False) or what
                )
            return self.number, place

        return cell_reader(cell, ask, weighted=c.CONFIDENCE in self.kinds)

    def layout(self) -> Layout:
        by_where: dict[str, list[int]] = {}
        for place, (where, _, _) in enumerate(self._asked):
            by_where.setdefault(json.dumps(where), []).append(place)
        streams = []
        for places in by_where.values():
            where = self._asked[places[0]][0]
            series = tuple((place, self._asked[place][1], Kept(**self._asked[place][2])) for place in places)
            streams.append(Stream(None if where is None else truth(where), series))
        read = self._read()
        return Layout(
            self.table,
            self._rows(read),
            FACT_TIME[self.table],
            known=self.table != "invitations" and c.KNOWN_TIME in self.kinds,
            weighted=c.CONFIDENCE in self.kinds and any(cell.aggregate in WEIGHTED for cell in self.cells),
            outcome=c.RENEWED in read,
            streams=tuple(streams),
            n_series=len(self._asked),
        )

    def _read(self) -> dict[str, None]:
        """Return the columns that the cells read, in order."""
        trees = [tree for cell in self.cells for tree in (cell.where, cell.value) if tree is not None]
        read = dict.fromkeys(column for tree in trees for column in columns(tree))
        if self.table == "contracts" and (c.RENEWED in read or any(cell.aggregate in IN_FORCE for cell in self.cells)):
            read[c.END_TIME] = None
        if any(cell.aggregate == "price_change" for cell in self.cells):
            read[c.PRICE] = None
        return read

    def _rows(self, read: dict[str, None]) -> Rows:
        time = FACT_TIME[self.table]
        optional = [name for name in (time, *read, c.KNOWN_TIME, c.CONFIDENCE) if name in self.kinds]
        schema = TABLES["surveys" if self.table == "invitations" else self.table]
        always = [column.name for column in schema.columns if not column.nullable and column.name != c.CUSTOMER_ID]
        filled = [name for name in always if name in self.kinds] + [time] * (self.table == "invitations")
        if self.table in ("surveys", "invitations") and any(cell.table == "invitations" for cell in self.plan.cells):
            optional += [name for name in self.plan.kinds["invitations"] if name != c.CUSTOMER_ID]
        return Rows(self.table, self.kinds, (), optional=dict.fromkeys(optional), filled=filled)


def _value(tree: Tree, *, flag: bool) -> Value:
    """Return the function of what a series holds of a row: its value, a flag as 1 or 0, or the row itself."""
    if tree == WHOLE_ROW:
        return lambda row: row
    found = value(tree)
    if not flag:
        return found

    def as_number(row: Row) -> float | None:
        truth = found(row)
        return None if truth is None else float(truth)

    return as_number
