"""A plan compiled: what is kept of each table of a customer's facts, and a function for each feature."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
    """Of every table of facts."""
    in_segments: tuple[Layout, ...]
    """Of the tables that segments read: one's own part of what a segment adds up to."""
    features: tuple[tuple[str, Reader], ...]


def compiled(plan: Plan) -> Program:
    """Return the program of a plan."""
    tables = {table: _rows(plan, table) for table in FACT_TIME if table in plan.kinds}
    own = _makers(plan, tables, [cell for cell in plan.cells if not cell.by_day])
    by_day = [cell for cell in plan.cells if cell.by_day]
    read = dict.fromkeys(cell.table for cell in by_day)
    in_segments = _makers(plan, {table: tables[table] for table in read}, by_day)
    cells = [(in_segments if cell.by_day else own)[cell.table].reader(cell) for cell in plan.cells]
    needed, optional = customer_columns(plan)
    customer = Rows("customers", plan.kinds["customers"], needed, optional=optional, filled=[c.CUSTOMER_ID])
    kept, of_segments = (tuple(maker.layout() for maker in makers.values()) for makers in (own, in_segments))
    return Program(customer, kept, of_segments, feature_readers(plan, cells))


def _makers(plan: Plan, tables: Mapping[str, Rows], cells: Sequence[Cell]) -> dict[str, _Maker]:
    return {
        table: _Maker(plan, rows, number, [cell for cell in cells if cell.table == table])
        for number, (table, rows) in enumerate(tables.items())
    }


class _Maker:
    """What is to be kept of one table, gathered from its cells."""

    def __init__(self, plan: Plan, rows: Rows, number: int, cells: Sequence[Cell]) -> None:
        self.table, self.rows, self.number, self.cells = rows.table, rows, number, cells
        self.kinds = plan.kinds[rows.table]
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
        return Layout(
            self.table,
            self.rows,
            FACT_TIME[self.table],
            known=self.table != "invitations" and c.KNOWN_TIME in self.kinds,
            weighted=c.CONFIDENCE in self.kinds and any(cell.aggregate in WEIGHTED for cell in self.cells),
            outcome=c.RENEWED in _read(self.cells),
            streams=tuple(streams),
            n_series=len(self._asked),
        )


def _read(cells: Sequence[Cell]) -> dict[str, None]:
    """Return the columns that the cells of a table read, in order."""
    trees = [tree for cell in cells for tree in (cell.where, cell.value) if tree is not None]
    read = dict.fromkeys(column for tree in trees for column in columns(tree))
    if any(cell.table == "contracts" and (c.RENEWED in read or cell.aggregate in IN_FORCE) for cell in cells):
        read[c.END_TIME] = None
    if any(cell.aggregate == "price_change" for cell in cells):
        read[c.PRICE] = None
    return read


def _rows(plan: Plan, table: str) -> Rows:
    """Return what is read of the rows of a table."""
    time, kinds = FACT_TIME[table], plan.kinds[table]
    read = _read([cell for cell in plan.cells if cell.table == table])
    optional = [name for name in (time, *read, c.KNOWN_TIME, c.CONFIDENCE) if name in kinds]
    schema = TABLES["surveys" if table == "invitations" else table]
    always = [column.name for column in schema.columns if not column.nullable and column.name != c.CUSTOMER_ID]
    filled = [name for name in always if name in kinds] + [time] * (table == "invitations")
    if table in ("surveys", "invitations") and any(cell.table == "invitations" for cell in plan.cells):
        optional += [name for name in plan.kinds["invitations"] if name != c.CUSTOMER_ID]
    return Rows(table, kinds, (), optional=dict.fromkeys(optional), filled=filled, schema=schema)


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
