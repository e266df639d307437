"""Frames written to Parquet or CSV: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cxml.errors import SinkError

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES = (".parquet", ".csv")


def write_frame(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a frame to a file; what stood there is replaced only when the new one is whole.

    Parameters
    ----------
    frame : DataFrame
    path : ends in ``.parquet`` or ``.csv``; folders on the way are made

    Returns
    -------
    Path

    Raises
    ------
    SinkError
        If the ending is another one, or the file cannot be written.
    """
    path = writable_path(path)
    written: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        os.close(handle)
        written = Path(name)
        if path.suffix == ".parquet":
            frame.to_parquet(written, index=False)
        else:
            _in_utc(frame).to_csv(written, index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ", lineterminator="\n")
        written.chmod(0o644)
        written.replace(path)
    except (OSError, ValueError, TypeError) as error:  # the disk, or Arrow on a column of several types
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise SinkError(f"{path}: cannot be written ({reason}). Name a path that can be.") from None
    finally:
        if written is not None:
            written.unlink(missing_ok=True)
    return path


def _in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose zoned times are UTC, as the Z that they are written with says."""
    zoned = frame.select_dtypes("datetimetz").columns
    return frame.assign(**{name: frame[name].dt.tz_convert("UTC") for name in zoned})


def writable_path(path: str | Path) -> Path:
    """Return a path whose ending says a format that can be written, or raise `SinkError`, before any work is done."""
    path = Path(path)
    if path.suffix not in _SUFFIXES:
        raise SinkError(f"{path}: must end in {' or '.join(_SUFFIXES)}; the ending says the format.")
    if path.is_dir():
        raise SinkError(f"{path}: is a folder. Name a file in it.")
    return path
