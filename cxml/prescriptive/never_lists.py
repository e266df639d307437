"""The lists of customers who never get some offers, from a policy or from the files that it names."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from cxml.config.policy_limits import Never
from cxml.schema import columns as c


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
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if c.CUSTOMER_ID not in (rows.fieldnames or ()):
                faults.append(f"{where}: {path} has no column {c.CUSTOMER_ID!r} in its first line. Name it so.")
                return []
            return [customer for row in rows if (customer := (row[c.CUSTOMER_ID] or "").strip())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        faults.append(f"{where}: {path} cannot be read ({reason}). Give a CSV file in UTF-8.")
        return []
