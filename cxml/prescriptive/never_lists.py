"""The lists of customers who never get some offers, from a policy or from the files that it names."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cxml.config.policy_limits import Never
from cxml.schema import columns as c

_MAX_BYTES: Final = 500_000_000  # some 40 million ids
_SHOWN: Final = 200


def never_lists(rules: Sequence[Never], faults: list[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the customers of each rule that lists any, by the name of the list.

    Parameters
    ----------
    rules : as the policy gives them
    faults : list that what cannot be read is added to
    """
    found = {}
    for i, rule in enumerate(rules):
        listed = {*rule.customers, *(_in_file(rule.file, f"policy.guard_rails.never[{i}].file", faults))}
        if rule.customers or rule.file is not None:
            found[f"never[{i}]"] = tuple(sorted(listed))
    return found


def _in_file(path: str | None, where: str, faults: list[str]) -> list[str]:
    if path is None:
        return []
    said = path if len(path) <= _SHOWN else f"{path[:_SHOWN]}..."
    try:
        if not (file := Path(path)).is_file():
            there = "is no file" if file.exists() else "is not there"
            faults.append(f"{where}: {said} {there}. Give a CSV file in UTF-8.")
            return []
        if (size := file.stat().st_size) > _MAX_BYTES:
            faults.append(f"{where}: {said} has {size:,} bytes; a list of ids has at most {_MAX_BYTES:,}.")
            return []
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if c.CUSTOMER_ID not in (rows.fieldnames or ()):
                faults.append(f"{where}: {said} has no column {c.CUSTOMER_ID!r} in its first line. Name it so.")
                return []
            return [customer for row in rows if (customer := (row[c.CUSTOMER_ID] or "").strip())]
    except (OSError, ValueError, csv.Error) as error:  # a ValueError: not UTF-8, or a NUL in the path
        reason = getattr(error, "strerror", None) or error
        faults.append(f"{where}: {said} cannot be read ({reason}). Give a CSV file in UTF-8.")
        return []
