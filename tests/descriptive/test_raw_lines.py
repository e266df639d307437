"""The lines of CSV files: encodings, delimiters, quotes, and lines that cannot be read."""

import csv
import gzip
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxml.errors import SourceError

PLAN = "customer_id,plan\n1,basic\n2,caf\u00e9\n"


def refused(reading, **table):
    with pytest.raises(SourceError) as caught:
        reading.tables(table)
    return str(caught.value)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(*[st.text("ab1, ;\"'\n\u00e9\u20ac#\\", max_size=6)] * 2), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-be"]),
    st.booleans(),
)
def test_whatever_the_csv_module_writes_is_read_back(reading, file, texts, delimiter, encoding, zipped):
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\n")
    writer.writerows([("customer_id", "a", "b"), *((f"c{i}", *pair) for i, pair in enumerate(texts))])
    content = written.getvalue().encode(encoding)
    path = file("c.csv.gz" if zipped else "c.csv", gzip.compress(content) if zipped else content)
    table = {"path": path, "categories": ["a", "b"], "encoding": encoding}
    con = reading.inspected(table).con  # a column that holds nothing at all is a fault, which is not meant here
    empty = [column for column in (0, 1) if not any(pair[column] for pair in texts)]
    if empty:
        return
    found = con.execute("SELECT a, b FROM customers").fetchall()
    assert found == [tuple(text or None for text in pair) for pair in texts]


# Encodings.


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-be", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_file_is_read_in_the_encoding_that_is_said(reading, file, encoding, zipped):
    content = PLAN.encode(encoding)
    path = file("c.csv.gz" if zipped else "c.csv", gzip.compress(content) if zipped else content)
    assert reading.rows({"path": path, "encoding": encoding}) == [("1", "basic"), ("2", "caf\u00e9")]


def test_text_that_was_broken_before_it_was_written_stays_as_it_is(reading, file):
    mojibake = PLAN.encode().decode("latin-1").encode()  # UTF-8 taken for latin-1 and written again
    assert reading.rows({"path": file("c.csv", mojibake)})[1] == ("2", "caf\u00c3\u00a9")
    control = reading.rows({"path": file("c.csv", b"customer_id,plan\n1,\x82\n"), "encoding": "latin-1"})
    assert control == [("1", "\x82")]


@pytest.mark.parametrize("rows_before", [0, 200_000])
def test_a_file_that_is_not_utf8_is_named_with_line_byte_and_remedy(reading, file, rows_before):
    content = b"customer_id,plan\n" + b"".join(b"%d,x\n" % i for i in range(rows_before)) + b"c,caf\xe9\n"
    path = file("c.csv", content)
    assert refused(reading, path=path) == (
        f"customers: {path} is not UTF-8: line {rows_before + 2:,} has the byte 0xe9. "
        f"Say what it is, such as `encoding: latin-1`."
    )


def test_a_file_of_utf16_is_taken_for_what_it_is(reading, file):
    assert "such as `encoding: utf-16`" in refused(reading, path=file("c.csv", PLAN.encode("utf-16")))


def test_a_byte_that_the_said_encoding_does_not_have_is_named(reading, file):
    path = file("c.csv", b"customer_id,plan\n1,a\n2,\x81\n")
    says = refused(reading, path=path, encoding="cp1252")
    assert says.startswith(f"customers: {path} is not cp1252: line 3 has the byte 0x81. Say another `encoding:`")


def test_no_copy_of_a_file_is_left_behind(reading, file, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    reading.tables({"path": file("c.csv", PLAN.encode("latin-1")), "encoding": "latin-1"})
    refused(reading, path=file("d.csv", b"customer_id,plan\n1,\x81\n"), encoding="cp1252")
    assert list((tmp_path / "temporary").iterdir()) == []


# Lines.


def test_the_delimiter_is_the_one_of_the_header(reading, file):
    assert reading.rows({"path": file("c.csv", "customer_id;plan\n1;a,b\n2;c,d\n")}) == [("1", "a,b"), ("2", "c,d")]
    path = file("d.csv", "customer_id,plan;x\n1,a;b\n")
    assert reading.rows({"path": path, "delimiter": ";", "columns": {"customer_id": "customer_id,plan"}}) == [
        ("1,a", "b")
    ]


def test_lines_that_do_not_fit_the_header_are_counted_and_never_dropped(reading, file, tmp_path):
    file("1.csv", "customer_id,plan\n1,a\n2,b\n")
    path = file("2.csv", "customer_id,plan\n3,c\n4,d,e\n5,f\n6,g,h,i\n")
    file("3.csv", "customer_id,plan\n7\n")
    assert refused(reading, path=str(tmp_path / "?.csv")) == (
        f"customers: {path}, line 3 must have 2 fields, as the header has; it has 3: '4,d,e'; 3 lines are broken, "
        f"in 2 files. Put a text that holds ',' in quotes, say another `delimiter:`, or correct these lines. "
        f"None was left out."
    )


def test_a_broken_line_deep_in_a_file_of_another_encoding_is_named_by_the_files_own_path(reading, file):
    path = file("c.csv", ("customer_id,plan\n" + "1,\u00e9\n" * 5_000 + "2,x,y\n").encode("latin-1"))
    says = refused(reading, path=path, encoding="latin-1")
    assert says.startswith(
        f"customers: {path}, line 5,002 must have 2 fields, as the header has; it has 3: '2,x,y'; 1 line is"
    )


@pytest.mark.parametrize("line", ['1,"a', '1,"a"b', r'1,"a \"b\" c"'])
def test_a_quote_that_is_not_closed_says_how_quotes_are_written(reading, file, line):
    path = file("c.csv", f"customer_id,plan\n0,x\n{line}\n")
    says = refused(reading, path=path)
    assert says.startswith(
        f"customers: {path}, line 3 has a quote that is not closed, or text after a closed one: '1,\"a"
    )
    assert "`escape: '\\'`" in says


def test_quotes_after_a_backslash_are_read_where_that_is_said(reading, file):
    path = file("c.csv", 'customer_id,plan\n1,"a \\"b\\", c"\n')
    assert reading.rows({"path": path, "escape": "\\"}) == [("1", 'a "b", c')]


def test_lines_that_end_in_two_ways_are_named(reading, file):
    path = file("c.csv", "customer_id,plan\r\n1,a\n2,b\r\n")
    assert refused(reading, path=path).startswith(f"customers: {path} ends some lines with CR LF and others with LF.")


def test_nothing_is_taken_for_a_comment_or_a_second_header(reading, file):
    path = file("c.csv", "customer_id,plan\n#1,a\ncustomer_id,plan\n")
    assert reading.rows({"path": path}) == [("#1", "a"), ("customer_id", "plan")]


@pytest.mark.parametrize("content", ["", "\n1,2\n", ",,\n1,2,3\n"])
def test_a_file_starts_with_its_header(reading, file, content):
    path = file("c.csv", content)
    assert refused(reading, path=path) == f"customers: {path} must start with a header line; its first line is empty."


def test_a_header_alone_is_a_table_without_rows(reading, file):
    (fault,) = reading.faults({"path": file("c.csv", "customer_id,plan\n")})
    assert fault.startswith("customers: must have rows; it has none.")
