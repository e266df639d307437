import errno
import os
import threading
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from cxml.errors import SinkError
from cxml.sinks.ledger_files import FilesLedger


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def test_each_recording_of_something_new_is_one_more_file(tmp_path, decided, came):
    ledger = FilesLedger(tmp_path)
    ledger.record(decided("c1"))
    ledger.record(decided("c1"))
    ledger.record(decided("c2"))
    refused = came(("c1/2024-07-01/p1", "refused", "2024-07-03"))
    ledger.record_outcomes(refused)
    ledger.record_outcomes(refused)
    assert files(tmp_path) == [
        "decisions/000000001.parquet", "decisions/000000002.parquet", "outcomes/000000001.parquet"
    ]  # fmt: skip


def test_the_same_decisions_give_the_same_bytes(tmp_path, decided):
    one, two = FilesLedger(tmp_path / "one"), FilesLedger(tmp_path / "two")
    one.record(decided("c1", "c2"))
    two.record(decided("c2", "c1"))
    name = "decisions/000000001.parquet"
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_what_is_no_file_of_the_ledger_is_not_read(tmp_path, decided):
    ledger = FilesLedger(tmp_path)
    ledger.record(decided("c1"))
    for name in (".x.tmp", "notes.txt", "old.parquet"):
        (tmp_path / "decisions" / name).write_text("half of it")
    assert len(ledger.decisions()) == 1
    assert ledger.record(decided("c2")).n_new == 1


def test_numbers_go_on_after_the_last_one_also_where_one_is_gone(tmp_path, decided):
    ledger = FilesLedger(tmp_path)
    for customer in ("c1", "c2", "c3"):
        ledger.record(decided(customer))
    (tmp_path / "decisions" / "000000002.parquet").unlink()
    ledger.record(decided("c4"))
    assert files(tmp_path)[-1] == "decisions/000000004.parquet"
    assert ledger.decisions()["customer_id"].tolist() == ["c1", "c3", "c4"]


def test_a_file_that_is_corrupt_is_named_and_nothing_is_written(tmp_path, decided, came):
    ledger = FilesLedger(tmp_path)
    ledger.record(decided("c1"))
    ledger.record(decided("c2"))
    second = tmp_path / "decisions" / "000000002.parquet"
    second.write_bytes(second.read_bytes()[:-20])
    before = files(tmp_path)
    for work in (
        ledger.decisions,
        ledger.actions,
        lambda: ledger.record(decided("c3")),
        lambda: ledger.record_outcomes(came(("c1/2024-07-01/p1", "refused", "2024-07-03"))),
    ):
        with pytest.raises(
            SinkError, match=r"000000002\.parquet is not a whole Parquet file\. Put it back from a copy"
        ):
            work()
    assert files(tmp_path) == before


def test_a_folder_that_is_a_file_is_refused(tmp_path, decided):
    (tmp_path / "file").write_text("x")
    for place in ("file", "file/deep"):
        with pytest.raises(
            SinkError, match=r"cannot be (read|written) \(Not a directory\)\. Name a folder in `ledger:`"
        ):
            FilesLedger(tmp_path / place).record(decided("c1"))
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize(
    ("call", "number", "says"),
    [
        ("fsync", errno.ENOSPC, "No space left on device"),
        ("link", errno.EACCES, "Permission denied"),
        ("link", errno.EROFS, "Read-only file system"),
        ("link", errno.ENOTSUP, "Operation not supported"),
    ],
)
def test_a_disk_that_is_full_or_read_only_leaves_the_ledger_as_it_was(
    tmp_path, decided, came, monkeypatch, call, number, says
):
    ledger = FilesLedger(tmp_path)
    ledger.record(decided("c1"))
    before = files(tmp_path)

    def fails(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fails)
    with pytest.raises(SinkError, match=rf"decisions cannot be written \({says}\)\. Name a folder"):
        ledger.record(decided("c2"))
    with pytest.raises(SinkError, match=rf"outcomes cannot be written \({says}\)\. Name a folder"):
        ledger.record_outcomes(came(("c1/2024-07-01/p1", "refused", "2024-07-03")))
    assert files(tmp_path) == before
    assert len(ledger.decisions()) == 1


def test_a_job_that_is_killed_while_it_writes_leaves_the_old_state_whole(tmp_path, decided, came, killed):
    refused, more = came(("c1/2024-07-01/p1", "refused", "2024-07-03")), decided("c1", "c2", policy="p2")
    points = {"fdopen": "os", "fsync": "os", "link": "os", "write_table": "pyarrow.parquet"}
    for point in points:
        FilesLedger(tmp_path / point).record(decided("c1"))
    for frame in (more, refused):
        killed(frame, [(str(tmp_path / point), "", home, point) for point, home in points.items()])
    for point in points:
        ledger = FilesLedger(tmp_path / point)
        assert ledger.decisions()["decision_id"].tolist() == ["c1/2024-07-01/p1"]
        assert ledger.outcomes().empty
        assert ledger.record(more).n_replaced == 1
        assert ledger.record_outcomes(refused) == 1


def test_a_recording_over_which_another_one_came_is_done_anew(tmp_path, decided, monkeypatch):
    ledger, other = FilesLedger(tmp_path), FilesLedger(tmp_path)
    link, raced = os.link, []

    def late(*paths):
        if not raced:
            raced.append(True)
            other.record(decided("c1", "c2"))
        link(*paths)

    monkeypatch.setattr(os, "link", late)
    assert ledger.record(decided("c2", "c3")).n_new == 1  # the other has recorded c2 in the meantime
    found = [pq.read_table(tmp_path / name)["customer_id"].to_pylist() for name in files(tmp_path)]
    assert found == [["c1", "c2"], ["c3"]]


def test_many_who_write_at_once_lose_nothing(tmp_path, decided):
    def work(n):
        ledger = FilesLedger(tmp_path)
        for k in range(3):
            ledger.record(decided(f"c{n}", "everybody", as_of=f"2024-07-0{k + 1}", policy="p"))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = FilesLedger(tmp_path).decisions()
    expected = {(who, day) for day in (1, 2, 3) for who in ("c0", "c1", "c2", "c3", "everybody")}
    assert {(row.customer_id, row.as_of.day) for row in found.itertuples()} == expected
    assert len(found) == len(expected) == sum(pq.read_metadata(tmp_path / name).num_rows for name in files(tmp_path))


def test_a_ledger_with_a_name_that_needs_care_works(tmp_path, decided):
    ledger = FilesLedger(tmp_path / "it's [a] *ledger?")
    ledger.record(decided("c1"))
    ledger.record(decided("c2"))
    assert len(ledger.actions()) == 2


def test_an_earlier_file_without_a_column_that_is_read_is_said(tmp_path, decided):
    ledger = FilesLedger(tmp_path)
    (tmp_path / "decisions").mkdir()
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "decisions" / "000000001.parquet")
    with pytest.raises(SinkError, match=r"ledger: .* cannot be read: Binder Error"):
        ledger.actions()
