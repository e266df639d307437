"""Pictures written to SVG or PNG: the same figure gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxml.errors import SinkError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_METADATA: Final[Mapping[str, Mapping[str, Any]]] = {".svg": {"Date": None}, ".png": {}}  # no moment of writing


def write_picture(figure: Figure, path: str | Path) -> Path:
    """Write a figure to a file; folders on the way are made.

    Parameters
    ----------
    figure : matplotlib figure
    path : ends in ``.svg`` or ``.png``

    Raises
    ------
    SinkError
        If the ending is another one, or the file cannot be written.
    """
    from matplotlib import rc_context

    path = drawable_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with rc_context({"svg.hashsalt": "cxml"}):
            figure.savefig(path, metadata=dict(_METADATA[path.suffix]))
    except OSError as error:
        raise SinkError(f"{path}: cannot be written ({error.strerror or error}). Name a path that can be.") from None
    return path


def drawable_path(path: str | Path) -> Path:
    """Return a path whose ending says a format of pictures, or raise `SinkError`, before any work is done."""
    path = Path(path)
    if path.suffix not in _METADATA:
        raise SinkError(f"{path}: must be one of {', '.join(_METADATA)}. Name the picture so.")
    if path.is_dir():
        raise SinkError(f"{path}: is a folder. Name a file in it.")
    return path
