"""A config file read into a `CompanyConfig`: YAML, paths and the environment, with all faults reported together."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from cxml.config.base import Part
from cxml.config.company import CompanyConfig
from cxml.config.ledger import path_alone
from cxml.config.policy import PolicyConfig
from cxml.config.yaml_file import yaml_mapping
from cxml.errors import ConfigError, listed, near_miss

_MOST: Final = 1_000  # faults that one message tells
_SHOWN: Final = 200  # characters of a value


def load_config(path: str | Path) -> CompanyConfig:
    """Read company.yaml, and the policy file that it names.

    Parameters
    ----------
    path : path of a YAML file
        Relative paths of tables and policy are relative to it.

    Returns
    -------
    CompanyConfig

    Raises
    ------
    ConfigError
        If the file is not there, is not YAML, or says something that cannot be meant; all faults in one message.
    """
    path = Path(path)
    raw = yaml_mapping(path)
    folder = path.resolve().parent
    if isinstance(policy := raw.get("policy"), str):
        raw["policy"] = _policy_mapping(folder / policy)
    else:
        _find_files(policy, folder)
    if isinstance(ledger := path_alone(raw.get("ledger")), dict) and isinstance(ledger.get("path"), str):
        where = ledger["path"]
        raw["ledger"] = ledger | {
            "path": where if not where or where.startswith("${") or "://" in where else str(folder / where)
        }
    tables = raw.get("tables")
    for part in _files(tables):
        if isinstance(part.get("path"), str) and not part["path"].startswith("${"):
            part["path"] = str(Path(glob.escape(str(folder))) / part["path"])
    return parse_config(raw, name=path.name)


def load_policy(path: str | Path) -> PolicyConfig:
    """Read a policy.yaml on its own, such as one that is to be valued.

    Parameters
    ----------
    path : path of a YAML file
        Relative paths of lists of customers are relative to it.

    Raises
    ------
    ConfigError
        As for `load_config`.
    """
    path = Path(path)
    with _all_faults(path.name, PolicyConfig):
        return PolicyConfig.model_validate(_policy_mapping(path))


def parse_config(raw: Mapping[str, Any], *, name: str = "config") -> CompanyConfig:
    """Turn a mapping, as YAML gives it, into a `CompanyConfig`, or raise `ConfigError` with every fault."""
    with _all_faults(name):
        return CompanyConfig.model_validate(raw)


@contextmanager
def _all_faults(name: str, of: type[Part] = CompanyConfig) -> Iterator[None]:
    """Turn what pydantic says of a part of a config into one `ConfigError` with every fault."""
    try:
        yield
    except ValidationError as error:
        found = list(islice(_faults(error, of), _MOST + 1))
        more = [f"and {error.error_count() - _MOST:,} more"] if len(found) > _MOST else []
        raise ConfigError(f"{name}: {listed([*found[:_MOST], *more])}") from None


def expanded(path: str) -> str:
    """Return a path with each ``${NAME}`` taken from the environment; one that is not set stays as it is."""
    return re.sub(r"\$\{(\w+)\}", lambda found: os.environ.get(found[1], found[0]), path)


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of a company.yaml as people write it: `policy` and `ledger` may be a path."""
    schema = CompanyConfig.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    for key in ("policy", "ledger"):
        schema["properties"][key]["anyOf"].append({"type": "string"})
    return schema


def example_config(name: str) -> Path:
    """Return the path of a config that cxml brings: in the package where it was installed, else in the checkout."""
    package = Path(__file__).parents[1]
    places = [package / "configs" / name, package.parent / "configs" / name]
    if found := [place for place in places if place.is_file()]:
        return found[0]
    raise ConfigError(f"{name}: cxml brings no such config.")


def _files(tables: Any) -> Iterator[dict[str, Any]]:
    """Give the parts of `tables` that may name a file: each table, and what is joined to it."""
    for table in tables.values() if isinstance(tables, dict) else ():
        if isinstance(table, dict):
            joined = table.get("join")
            yield from (
                part for part in (table, *(joined if isinstance(joined, list) else ())) if isinstance(part, dict)
            )


def _policy_mapping(path: Path) -> dict[str, Any]:
    raw = yaml_mapping(path, "a policy.yaml")
    _find_files(raw, path.resolve().parent)
    return raw


def _find_files(policy: Any, folder: Path) -> None:
    """Make the files that a policy names relative to its folder."""
    for never in _never_files(policy):
        never["file"] = str(folder / expanded(never["file"]))


def _never_files(policy: Any) -> Iterator[dict[str, Any]]:
    """Give the guard rails of a policy that name a file of customers."""
    rails = policy.get("guard_rails") if isinstance(policy, dict) else None
    never = rails.get("never") if isinstance(rails, dict) else None
    for rule in never if isinstance(never, list) else ():
        if isinstance(rule, dict) and isinstance(rule.get("file"), str):
            yield rule


def _faults(error: ValidationError, of: type[Part]) -> Iterator[str]:
    faults = error.errors()
    for fault in faults:
        *parents, key = fault["loc"] or ("config",)
        inside = (other["loc"] for other in faults if len(other["loc"]) > len(fault["loc"]))
        if fault["type"] == "too_short" and any(loc[: len(fault["loc"])] == fault["loc"] for loc in inside):
            continue  # its items were left out because they are faulty, which is reported
        if fault["type"] == "extra_forbidden":
            parent = _dotted([*parents]) or f"the {'policy' if of is PolicyConfig else 'config'}"
            known = near_miss(str(key)[:_SHOWN], _known_keys(parents, of))
            yield f"{parent} has no key {_short(str(key))}{known or '.'}"
        elif fault["type"] == "missing":
            yield f"{_dotted([*parents, key])}: is missing."
        else:
            plain = isinstance(fault["input"], str | int | float | bool) and "://" not in str(fault["input"])
            shown = f"; it is {_short(fault['input'])}" if plain else ""  # a URL may hold a password
            says = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
            yield f"{_dotted([*parents, key])}: {says[0].lower() + says[1:]}{shown}."


def _short(value: object) -> str:
    said = repr(value)
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}..."


def _dotted(loc: list[Any]) -> str:
    text = ""
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _known_keys(loc: list[Any], of: type[Part]) -> list[str]:
    """Return the keys of the part of the config that ``loc`` leads to."""
    part: Any = of
    for step in loc:
        models = list(_models(part))
        if isinstance(step, int):
            continue
        tagged = [m for m in models if "kind" in m.model_fields and m.model_fields["kind"].default == step]
        named = [m for m in models if step in m.model_fields]
        if len(models) > 1 and tagged:  # the tag of a union: the feature kind
            part = tagged[0]
        elif named:
            part = named[0].model_fields[step].annotation
    return [key for model in _models(part) for key in model.model_fields]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType, Annotated, tuple, list, dict):
        for inner in get_args(annotation):
            yield from _models(inner)
