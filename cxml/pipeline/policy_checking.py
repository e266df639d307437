"""A policy checked like code: what it says, its golden cases, and how it meets the company's own customers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxml.config.company import CompanyConfig
from cxml.config.features import Feature
from cxml.descriptive.sources import Tables, read_tables
from cxml.errors import ConfigError, UnseenCategoryWarning, each_fault
from cxml.pipeline import plan
from cxml.pipeline.policy_features import policy_frame, policy_kinds, policy_of, uncounted
from cxml.pipeline.scoring import as_configured, everyone_at
from cxml.pipeline.trained import kinds_as_trained, read_as_trained
from cxml.predict import Predictor
from cxml.prescriptive.checking.golden_cases import case_results
from cxml.prescriptive.checking.hidden_options import hidden_findings
from cxml.prescriptive.checking.limit_findings import limit_findings
from cxml.prescriptive.checking.observed_findings import observed_findings
from cxml.prescriptive.checking.policy_coverage import Met, condition_coverage, option_coverage, uncovered
from cxml.prescriptive.checking.policy_faults import rule_findings
from cxml.prescriptive.checking.policy_under_check import PolicyUnderCheck
from cxml.prescriptive.options import run_of
from cxml.prescriptive.past_actions import past_names
from cxml.prescriptive.policy import Policy
from cxml.report.policy_text import policy_text
from cxml.schema import columns as c
from cxml.schema.check import checked_frame
from cxml.schema.findings import CaseResult, Finding, Uncovered
from cxml.schema.policy_frames import CONDITION_COVERAGE, OPTION_COVERAGE
from cxml.schema.sql import quoted
from cxml.schema.tables import Kind

if TYPE_CHECKING:
    import pandas as pd

_NO_BUNDLE: Final = (
    "there is no bundle in {path}: the rules and cases were checked, and no customer was looked at. Run `cxml train`."
)
_REFUSED: Final = "correct what is refused first: nothing else was looked at."


@dataclass(frozen=True)
class PolicyChecked:
    """What checking a policy gave.

    ``conditions`` and ``options`` are CONDITION_COVERAGE and OPTION_COVERAGE frames, ``uncovered`` the customers whom
    no rule covers: None where there is no bundle or the policy is refused. ``notes`` say what was not looked at.
    """

    findings: tuple[Finding, ...]
    cases: tuple[CaseResult, ...]
    conditions: pd.DataFrame | None
    options: pd.DataFrame | None
    uncovered: Uncovered | None
    notes: tuple[str, ...]
    text: str

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that are slips, whatever the company."""
        return tuple(finding for finding in self.findings if finding.severity == "fault")


def check_policy(
    config: CompanyConfig, *, frames: plan.Frames | None = None, models: str | Path = "models"
) -> PolicyChecked:
    """Check a company's policy: its rules and limits, its golden cases, and how it meets the customers of the moment.

    Parameters
    ----------
    config : CompanyConfig
    frames, models : as for `train`
        Without a bundle in the models folder no customer can be looked at, and ``notes`` say so.

    Returns
    -------
    PolicyChecked
        What the policy says that cannot be read is among its findings too.

    Raises
    ------
    ConfigError
        If the config has no policy, or has changed in what only training can change.
    SourceError, SchemaError, BundleError
        If the tables or the bundle cannot be read.
    """
    if config.policy is None:
        raise ConfigError("policy: the config has none. Write one, inline or in a file, and name it under `policy:`.")
    path = plan.bundle_path(config, models)
    predictor: Predictor | None = None
    if path.exists():
        predictor, tables, features = read_as_trained(config, models, frames)
        kinds: Mapping[str, Kind] = kinds_as_trained(predictor)
    else:
        tables = read_tables(config, frames)
        features = plan.features_to_train_on(config, tables)
        kinds = plan.kinds_of(features, tables)
    title = f"{config.company}: policy with {len(config.policy.actions) - 1} actions"
    try:
        policy = policy_of(config, tables, features, kinds)
        known = policy_kinds(config, tables, features, kinds)
    except ConfigError as error:
        findings = tuple(_refused(fault) for fault in each_fault(str(error)))
        text = policy_text(title, findings, (), None, None, None, (_REFUSED,))
        return PolicyChecked(findings, (), None, None, None, (_REFUSED,), text)
    if policy is None:
        raise AssertionError("a config with a policy has one")
    found, notes = _Found(config, tables, policy, known), uncounted(config, tables)
    if predictor is None:
        notes.append(_NO_BUNDLE.format(path=path))
        found.look()
    else:
        found.meet(as_configured(config, predictor, tables, features), features)
        title = f"{title}, as of {tables.moment:%Y-%m-%d}"
    findings = tuple(found.findings)
    text = policy_text(title, findings, found.cases, found.conditions, found.options, found.uncovered, tuple(notes))
    return PolicyChecked(
        findings, tuple(found.cases), found.conditions, found.options, found.uncovered, tuple(notes), text
    )


class _Found:
    """The findings of a policy, as they come."""

    def __init__(self, config: CompanyConfig, tables: Tables, policy: Policy, kinds: Mapping[str, Kind]) -> None:
        self.config, self.tables, self.policy, self.kinds = config, tables, policy, kinds
        self.findings: list[Finding] = []
        self.cases: Sequence[CaseResult] = ()
        self.conditions: pd.DataFrame | None = None
        self.options: pd.DataFrame | None = None
        self.uncovered: Uncovered | None = None

    def look(self, values: Mapping[str, frozenset[str]] | None = None) -> PolicyUnderCheck:
        """Check what the policy says, and its cases."""
        if self.config.policy is None:
            raise AssertionError("a config with a policy has one")
        known = {**(values or {}), **_outcomes(self.tables)}
        counts, moment = past_names(self.config.policy), self.tables.as_of
        moment = None if moment is None else self.tables.moment
        checked = PolicyUnderCheck(self.config.policy, self.policy, self.kinds, counts, known, moment)
        self.findings += [*rule_findings(checked), *hidden_findings(checked), *limit_findings(checked)]
        self.cases, failed = case_results(checked)
        self.findings += failed
        return checked

    def meet(self, predictor: Predictor, features: Sequence[Feature]) -> None:
        """Check it on the customers of the moment too."""
        everyone = everyone_at(self.tables, self.tables.moment)
        frame = policy_frame(self.config, self.tables, features, everyone)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnseenCategoryWarning)  # scoring tells of them
            customers, moments, columns = predictor.seen(frame)
        values = {
            name: frozenset(predictor.bundle.encoding.levels.get(name, ()))
            | {value for value in dict.fromkeys(array.tolist()) if isinstance(value, str)}
            for name, array in columns.items()
            if array.dtype == object and name != c.NPS_CLASS
        }
        checked = self.look(values)
        met = Met(checked, run_of(self.policy, columns, customers, moments), customers)
        self.findings += observed_findings(met, _ids(self.tables))
        conditions = condition_coverage(met)
        self.conditions = conditions if conditions.empty else checked_frame(conditions, CONDITION_COVERAGE)
        self.options = checked_frame(option_coverage(met), OPTION_COVERAGE)
        self.uncovered = uncovered(met)


def _refused(fault: str) -> Finding:
    """Return a fault of the policy as a finding: what stands before the first colon is where."""
    where, colon, says = fault.partition(": ")
    return Finding("refused", where, says) if colon and " " not in where else Finding("refused", "policy", fault)


def _outcomes(tables: Tables) -> dict[str, frozenset[str]]:
    """Return what came of past actions, by the name of the column; nothing where the tables do not tell."""
    return {c.OUTCOME: frozenset(_distinct(tables, "outcomes", c.OUTCOME))} if "outcomes" in tables else {}


def _ids(tables: Tables) -> frozenset[str]:
    return frozenset(_distinct(tables, "customers", c.CUSTOMER_ID))


def _distinct(tables: Tables, table: str, column: str) -> list[str]:
    name = quoted(column)
    found = tables.con.execute(f"SELECT DISTINCT {name} FROM {table} WHERE {name} IS NOT NULL").fetchall()
    return [str(value) for (value,) in found]
