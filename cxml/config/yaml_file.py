"""A YAML file read into plain values, within bounds: no file, however it is written, takes long or much memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from cxml.errors import ConfigError

# A policy of 1,000 actions has some 30,000 values in half a megabyte. PyYAML reads 100,000 values in about six seconds.
_MAX_BYTES: Final = 2_000_000
_MAX_VALUES: Final = 100_000
_MAX_DEPTH: Final = 40
_MAX_BITS: Final = 1_000  # of a whole number; what has more is no float
_SHOWN: Final = 200


def yaml_mapping(path: Path, what: str = "a company.yaml") -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Parameters
    ----------
    path : path of the file
    what : how a message calls what the path should be of

    Raises
    ------
    ConfigError
        If there is no such file, or it is not YAML, holds no mapping, has a key twice, or is larger or more deeply
        nested, its aliases written out, than any config has reason to be.
    """
    name = _short(path.name)
    try:
        with path.open("rb") as file:
            read = file.read(_MAX_BYTES + 1)  # a device or a pipe may have no end
        if len(read) > _MAX_BYTES:
            raise ConfigError(f"{name}: has more than {_MAX_BYTES:,} bytes, more than {what} can have. Is it a table?")
        raw = yaml.load(read.decode("utf-8-sig"), Loader=_Bounded)
    except FileNotFoundError:
        raise ConfigError(f"{_short(path)}: there is no such file. Give the path of {what}.") from None
    except OSError as error:
        raise ConfigError(f"{_short(path)}: cannot be read ({error.strerror}).") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: is not YAML: {_short(' '.join(str(error).split()))}") from None
    except ValueError as error:  # a path with a NUL in it
        raise ConfigError(f"{_short(path)!r}: cannot be read ({error}).") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{name}: must be a mapping of keys; it is {type(raw).__name__}.")
    return raw


class _Bounded(yaml.SafeLoader):
    """A loader that refuses what is too large or too deep, and a key given twice: YAML would silently keep the last."""

    depth = 0
    n_values = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        self.n_values += 1
        line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
        if self.depth > _MAX_DEPTH:
            raise yaml.YAMLError(f"line {line} is nested more than {_MAX_DEPTH} levels deep")
        if self.n_values > _MAX_VALUES:
            raise yaml.YAMLError(f"it has more than {_MAX_VALUES:,} values by line {line}")
        found: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return found

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        if node is not None:
            _written_out(node, {})
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            found = super().construct_object(node, deep)
            if isinstance(found, int) and found.bit_length() > _MAX_BITS:
                raise OverflowError("it is too large for a number")
            return found
        except (ValueError, KeyError, AttributeError, OverflowError, TypeError) as error:
            # What YAML takes for a number or a date, such as 2024-13-45 or one of 5,000 digits, and Python does not.
            line, said = node.start_mark.line + 1, _short(repr(getattr(node, "value", "")), 40)
            reason = f" ({error})" if isinstance(error, ValueError | OverflowError) else ""
            raise yaml.YAMLError(f"line {line} has {said}, which cannot be read{reason}; quote a text") from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
                if key_node.value in seen:
                    line = key_node.start_mark.line + 1
                    said = _short(repr(key_node.value))
                    raise yaml.YAMLError(f"key {said} is there twice, the second time in line {line}")
                seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def _written_out(node: yaml.Node, sizes: dict[int, int | None]) -> int:
    """Return how many values a node has with all aliases written out, or refuse too many, and one inside itself."""
    if id(node) in sizes:
        size = sizes[id(node)]
        if size is None:
            raise yaml.YAMLError(f"the anchor in line {node.start_mark.line + 1} contains itself")
        return size
    sizes[id(node)] = None
    size = 1 + sum(_written_out(child, sizes) for child in _children(node))
    if size > _MAX_VALUES:
        line = node.start_mark.line + 1
        raise yaml.YAMLError(f"line {line} has more than {_MAX_VALUES:,} values, its aliases written out")
    sizes[id(node)] = size
    return size


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _short(text: object, most: int = _SHOWN) -> str:
    said = str(text)
    return said if len(said) <= most else f"{said[:most]}..."
