import itertools
import sys
import threading
import time
from types import SimpleNamespace
from urllib.parse import quote

import pandas as pd
import pytest

from cxml.errors import SchemaError, SinkError
from cxml.sinks import ledger_postgresql
from cxml.sinks.ledger import open_ledger
from cxml.sinks.ledger_postgresql import PostgresqlLedger
from cxml.sinks.postgresql import fetched, transaction

SCHEMAS = (f"own{n}" for n in itertools.count())


@pytest.fixture
def schema():
    """Return the name of a new schema."""
    return next(SCHEMAS)


def host(database):
    return database.split("host=")[1]


def test_reading_makes_nothing_in_the_database(database, schema):
    PostgresqlLedger(database, schema).decisions()
    with transaction(database) as cursor:
        assert fetched(cursor, "SELECT 1 FROM pg_namespace WHERE nspname = $1", schema).num_rows == 0


def test_two_schemas_are_two_ledgers(database, decided):
    one, two = (PostgresqlLedger(database, f'A "{name}"') for name in ("one", "two"))
    one.record(decided("c1"))
    assert (len(one.decisions()), len(two.decisions())) == (1, 0)


def test_tables_of_a_later_version_are_refused(database, schema, decided):
    ledger = PostgresqlLedger(database, schema)
    ledger.record(decided("c1"))
    with transaction(database) as cursor:
        cursor.execute(f"UPDATE {schema}.format SET version = 2")
    for work in (ledger.decisions, lambda: ledger.record(decided("c2"))):
        with pytest.raises(SinkError, match=r"are of version 2; this cxml reads version 1"):
            work()


def test_a_recording_that_fails_on_the_way_leaves_nothing(database, schema, decided, came, monkeypatch):
    ledger = PostgresqlLedger(database, schema)

    def broken(*_):
        return "SELECT 1 / 0 AS x"

    with monkeypatch.context() as patch:
        patch.setattr(ledger_postgresql.rows, "counts_sql", broken)
        with pytest.raises(SinkError, match=r"the database refused \(.*division by zero.*\)\. Nothing was written"):
            ledger.record(decided("c1"))
    with transaction(database) as cursor:
        assert fetched(cursor, "SELECT 1 FROM pg_namespace WHERE nspname = $1", schema).num_rows == 0
    ledger.record(decided("c1"))
    with pytest.raises(SchemaError):
        ledger.record_outcomes(came(("c1/2024-07-01/p1", "refused", "2024-07-03"), ("nobody", "refused", "2024-07-03")))
    assert ledger.outcomes().empty


def test_a_column_of_another_type_than_before_is_refused(database, schema, decided):
    ledger = PostgresqlLedger(database, schema)
    ledger.record(decided("c1", regret=[1.5]))
    with pytest.raises(SinkError, match=r"the database refused \(.*regret.*\)\. Nothing was written"):
        ledger.record(decided("c2", regret=["none"]))
    assert ledger.decisions()["customer_id"].tolist() == ["c1"]


def test_many_who_write_at_once_lose_nothing(database, schema, decided):
    said = []

    def work(n):
        try:
            ledger = PostgresqlLedger(database, schema)
            for k in range(3):
                ledger.record(decided(f"c{n}", "everybody", as_of=f"2024-07-0{k + 1}", policy="p"))
        except Exception as error:
            said.append(error)
            raise

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = PostgresqlLedger(database, schema).decisions()
    assert said == []
    assert len(found) == 15
    assert found["current"].all()


def test_a_job_that_is_killed_while_it_writes_leaves_the_old_state_whole(database, decided, killed):
    points = {next(SCHEMAS): point for point in ("counts_sql", "commit")}
    home = {"counts_sql": "cxml.sinks.ledger_rows", "commit": "adbc_driver_manager.dbapi:Connection"}
    ledgers = {name: PostgresqlLedger(database, name) for name in points}
    for ledger in ledgers.values():
        ledger.record(decided("c1"))
    more = decided("c1", "c2", policy="p2")
    killed(more, [(database, name, home[point], point) for name, point in points.items()])
    for ledger in ledgers.values():
        assert ledger.decisions()["decision_id"].tolist() == ["c1/2024-07-01/p1"]
        assert ledger.record(more).n_replaced == 1


def loaded_at(database):
    """Return when the server read its rules, as a new connection knows it."""
    with transaction(database) as cursor:
        return fetched(cursor, "SELECT pg_conf_load_time() AS loaded").to_pylist()[0]["loaded"]


@pytest.fixture(scope="session")
def with_passwords(database):
    """Return the database with two users: one of them may do nothing but read."""
    with transaction(database) as cursor:
        where = fetched(cursor, "SELECT current_setting('hba_file') AS path").to_pylist()[0]["path"]
        cursor.execute("CREATE ROLE reader LOGIN PASSWORD 'let me in'")
    with open(where, encoding="utf-8") as file:  # noqa: PTH123
        rules = file.read()
    with open(where, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write("local all reader scram-sha-256\n" + rules)
    before = loaded_at(database)
    with transaction(database) as cursor:
        cursor.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + 60
    while loaded_at(database) == before:  # the server is only told to read its rules again
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return lambda password: f"postgresql://reader:{quote(password, safe='')}@/postgres?host={host(database)}"


def test_the_password_opens_the_ledger_and_stands_in_no_repr(with_passwords, schema):
    ledger = open_ledger(with_passwords("let me in"), database_schema=schema)
    assert ledger.decisions().empty
    assert "let" not in repr(ledger)


def test_a_wrong_password_is_said_without_saying_it(with_passwords, schema):
    with pytest.raises(SinkError) as error:
        PostgresqlLedger(with_passwords("s3cret@/:?#% x"), schema).decisions()
    assert "the database cannot be reached (" in str(error.value)
    assert 'password authentication failed for user "reader"' in str(error.value)
    assert "s3cret" not in str(error.value)
    assert error.value.__suppress_context__


def test_a_user_who_may_not_write_is_told_so_and_can_read(database, with_passwords, schema, decided):
    PostgresqlLedger(database, schema).record(decided("c1"))
    with transaction(database) as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO reader")
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader")
    reader = PostgresqlLedger(with_passwords("let me in"), schema)
    assert len(reader.actions()) == 1
    with pytest.raises(SinkError, match=r"the database refused \(.*permission denied for table format.*\)"):
        reader.record(decided("c2"))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://u:s3cret@127.0.0.1:1/d", r"cannot be reached \(connection to server at .* Connection refused\)"),
        ("postgresql://u@127.0.0.1:1/d?password=s3cret", r"cannot be reached \(.* Connection refused\)"),
        ("postgresql://u:s3cret@127.0.0.1:1/d?nonsense=1", r"cannot be reached \(.*nonsense"),
        ("postgresql://u:s3cr@s3cret@127.0.0.1:1/d", r"cannot be read\. Write each character of the password"),
        ("postgresql://u:s3/cret@127.0.0.1:1/d", r"cannot be read\. Write each character of the password"),
        ("postgresql://u:s3#cret@127.0.0.1:1/d", r"cannot be read\. Write each character of the password"),
        ("postgresql://u:s3?cret@127.0.0.1:1/d", r"cannot be read\. Write each character of the password"),
        ("postgresql://u:s3%zzcret@127.0.0.1:1/d", r"cannot be read\. Write each character of the password"),
        ("postgresql://u:s3 cret@127.0.0.1:1/d", r"cannot be read\. Write each character of the password"),
    ],
)
def test_no_error_of_a_url_holds_its_password(url, says, monkeypatch):
    monkeypatch.setenv("CXML_TEST_LEDGER", url)
    with pytest.raises(SinkError, match=says) as error:
        open_ledger("${CXML_TEST_LEDGER}").decisions()
    assert not [part for part in ("s3", "cret") if part in str(error.value)]


def test_without_a_driver_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", SimpleNamespace())
    with pytest.raises(SinkError, match=r"needs a driver\. Install it with pip install 'cxml\[postgresql\]'"):
        PostgresqlLedger("postgresql://u@h/d").actions()


def test_times_come_back_in_utc_whatever_the_zone_of_the_server(database, schema, decided):
    with transaction(database) as cursor:
        cursor.execute("ALTER ROLE postgres SET timezone = 'Asia/Tokyo'")
    try:
        ledger = PostgresqlLedger(database, schema)
        ledger.record(decided("c1", as_of="2024-07-01T12:00"))
        (moment,) = ledger.actions()["action_time"]
        assert (moment, str(moment.tzinfo)) == (pd.Timestamp("2024-07-01T12:00Z"), "UTC")
    finally:
        with transaction(database) as cursor:
            cursor.execute("ALTER ROLE postgres RESET timezone")
