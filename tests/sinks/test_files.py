import errno
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxml.errors import SinkError
from cxml.sinks.files import writable_path, write_frame

FRAME = pd.DataFrame(
    {
        "customer_id": ["c1", "c2", "ç'\"3,\n"],
        "as_of": pd.to_datetime(["2024-07-01T12:00:00.000001Z"] * 3),
        "cost": [0.1 + 0.2, np.nan, -1e-300],
        "holdout": [True, False, True],
        "channel": ["web", None, "phone"],
    },
    index=[7, 7, 9],
)


def files(folder):
    return sorted(path.name for path in Path(folder).rglob("*"))


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_a_frame_comes_back_as_it_was(tmp_path, name):
    before = FRAME.copy(deep=True)
    path = write_frame(FRAME, tmp_path / name)
    assert (path, files(tmp_path)) == (tmp_path / name, [name])
    back = pd.read_parquet(path) if name.endswith(".parquet") else pd.read_csv(path, parse_dates=["as_of"])
    back["as_of"] = back["as_of"].astype(FRAME["as_of"].dtype)
    back["channel"] = back["channel"].astype(FRAME["channel"].dtype).where(back["channel"].notna(), None)
    pd.testing.assert_frame_equal(back, FRAME.reset_index(drop=True), check_dtype=False)
    pd.testing.assert_frame_equal(FRAME, before)


def test_a_csv_says_its_times_in_utc_and_has_unix_line_ends(tmp_path):
    path = write_frame(FRAME.head(1), tmp_path / "a.csv")
    assert path.read_bytes() == (
        b"customer_id,as_of,cost,holdout,channel\nc1,2024-07-01T12:00:00.000001Z,0.30000000000000004,True,web\n"
    )


def test_a_time_in_another_zone_is_the_same_moment_in_a_csv(tmp_path):
    noon_utc = pd.DataFrame({"as_of": pd.to_datetime(["2024-07-01T12:00Z"]).tz_convert("Europe/Lisbon")})
    (written,) = pd.read_csv(write_frame(noon_utc, tmp_path / "a.csv"))["as_of"]
    assert pd.Timestamp(written) == pd.Timestamp("2024-07-01T12:00Z")


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_the_same_frame_gives_the_same_bytes(tmp_path, name):
    once, again = (write_frame(FRAME, tmp_path / folder / name).read_bytes() for folder in ("one", "two/deep"))
    assert once == again


def test_a_frame_without_rows_keeps_its_columns(tmp_path):
    assert list(pd.read_parquet(write_frame(FRAME.head(0), tmp_path / "a.parquet")).columns) == list(FRAME.columns)
    assert list(pd.read_csv(write_frame(FRAME.head(0), tmp_path / "a.csv")).columns) == list(FRAME.columns)


def test_a_file_that_is_there_is_replaced(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old and much longer than what is new\n" * 99)
    assert len(pd.read_csv(write_frame(FRAME, str(path)))) == 3
    assert files(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.csv.gz", "a.parquet.tmp", ".csv"])
def test_another_ending_is_refused_before_any_work(tmp_path, name):
    with pytest.raises(SinkError, match=rf"{name}: must end in \.parquet or \.csv"):
        writable_path(tmp_path / name)
    with pytest.raises(SinkError, match=r"must end in \.parquet or \.csv"):
        write_frame(FRAME, tmp_path / "deep" / name)
    assert files(tmp_path) == []


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(SinkError, match=r"a\.csv: is a folder\. Name a file in it"):
        write_frame(FRAME, tmp_path / "a.csv")
    assert files(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("inside", ["a.csv", "deep/a.parquet"])
def test_a_path_that_leads_through_a_file_cannot_be_written(tmp_path, inside):
    (tmp_path / "file").write_text("x")
    with pytest.raises(SinkError, match=r"a\.(csv|parquet): cannot be written \(.+\)\. Name a path that can be"):
        write_frame(FRAME, tmp_path / "file" / inside)
    assert (files(tmp_path), (tmp_path / "file").read_text()) == (["file"], "x")


def full_disk(frame, path, **_):
    Path(path).write_bytes(b"half of it")
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
@pytest.mark.parametrize("old", [None, "the last whole file"])
def test_a_disk_that_is_full_leaves_what_was_there_and_nothing_half_written(tmp_path, monkeypatch, name, old):
    if old:
        (tmp_path / name).write_text(old)
    monkeypatch.setattr(pd.DataFrame, "to_parquet", full_disk)
    monkeypatch.setattr(pd.DataFrame, "to_csv", full_disk)
    with pytest.raises(SinkError, match=rf"{name}: cannot be written \(No space left on device\)"):
        write_frame(FRAME, tmp_path / name)
    assert files(tmp_path) == ([name] if old else [])
    assert not old or (tmp_path / name).read_text() == old


def test_a_frame_that_parquet_cannot_hold_leaves_nothing_half_written(tmp_path):
    (tmp_path / "a.parquet").write_text("the last whole file")
    with pytest.raises(SinkError, match=r"a\.parquet: "):
        write_frame(pd.DataFrame({"mixed": ["x", 1]}), tmp_path / "a.parquet")
    assert files(tmp_path) == ["a.parquet"]
    assert (tmp_path / "a.parquet").read_text() == "the last whole file"


def test_an_interrupted_job_leaves_nothing_half_written(tmp_path, monkeypatch):
    def interrupted(frame, path, **_):
        Path(path).write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_csv", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_frame(FRAME, tmp_path / "a.csv")
    assert files(tmp_path) == []
