"""Loads beside others in PostgreSQL: locks, deadlocks, connections that are not given or die."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import quote

import pytest
from adbc_driver_postgresql import dbapi

from levada.db.postgres import connected
from levada.errors import TryLater
from levada.loads import postgres as loads
from patience import settles
from warehouse import Warehouse, loading, row

MERGE = {"mode": "merge", "key": ("id",)}


@pytest.fixture
def place(postgres):
    return Warehouse("postgres", postgres.database())


class Session:
    """Somebody else's transaction."""

    def __init__(self, url):
        self.connection = dbapi.connect(url)
        self.cursor = self.connection.cursor()

    def do(self, sql):
        self.cursor.execute(sql)

    def end(self, how="commit"):
        getattr(self.connection, how)()


@contextmanager
def session(place, more="") -> Iterator[Session]:
    one = Session(place.where + more)
    try:
        yield one
    finally:
        with suppress(dbapi.Error):
            one.end("rollback")
        one.cursor.close()
        one.connection.close()


def setting(place, text):
    """The place, its sessions with one more setting."""
    return Warehouse("postgres", f"{place.where}{quote(f' -c{text}')}")


def waits(place, how="Lock") -> bool:
    """Whether a session of Levada waits for a lock."""
    schema = place.where.rpartition("%3D")[2]
    found = place.ask(
        "SELECT count(*) AS n FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation"
        f" JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_stat_activity AS a ON a.pid = l.pid"
        f" WHERE n.nspname = '{schema}' AND a.wait_event_type = '{how}'"
    )
    return bool(found[0]["n"])


def test_who_holds_the_ledger_is_told(place):
    place.load(loading([row(1)]))
    with session(place, "&application_name=a%20person") as other:
        other.do("SELECT * FROM _levada_loads FOR UPDATE")
        [(pid,)] = [(found["pid"],) for found in other_pid(other)]
        with pytest.raises(TryLater) as told:
            loads.load(place.where, loading([row(2)], content="2"), lambda _: None, wait=0.2)
        said = str(told.value)
        assert "Another session held what was to be changed" in said
        assert f"session {pid} (levada, a person) holds it: idle in transaction since 2" in said
        assert "run again when it has ended" in said
        other.end()
    assert place.load(loading([row(2)], content="2")).inserted == 1


def other_pid(one):
    one.cursor.execute("SELECT pg_backend_pid() AS pid")
    return [{"pid": found[0]} for found in one.cursor.fetchall()]


def test_a_table_that_a_reader_holds_is_not_replaced_and_not_waited_for_long(place):
    place.load(loading([row(1)], mode="replace"))
    with session(place) as other:
        other.do("SELECT count(*) FROM orders")
        with pytest.raises(TryLater, match=r"holds it: idle in transaction since"):
            loads.load(place.where, loading([row(2)], mode="replace", content="2"), lambda _: None, wait=0.2)
    assert [found[0] for found in place.rows()] == [1]
    assert place.load(loading([row(2)], mode="replace", content="2")).inserted == 1


def test_a_lock_is_waited_for(place):
    place.load(loading([row(1)]))
    with session(place) as other:
        other.do("SELECT * FROM _levada_loads FOR UPDATE")
        ended = threading.Thread(target=lambda: (settles(lambda: waits(place)), other.end()))
        ended.start()
        assert place.load(loading([row(2)], content="2")).inserted == 1
        ended.join()


def test_a_limit_of_the_user_stands(place):
    with connected(setting(place, "lock_timeout=77").where, wait=9) as database, database.transaction():
        assert database.ask("SELECT current_setting('lock_timeout')") == [("77ms",)]
    with connected(place.where, wait=9) as database, database.transaction():
        assert database.ask("SELECT current_setting('lock_timeout')") == [("9s",)]


def test_of_two_that_wait_for_each_other_the_load_is_done_again(place):
    """A real deadlock: the load holds row 1 and waits for 2, the other holds 2 and waits for 1; the load is undone."""
    place.load(loading([row(1), row(2)], **MERGE))
    turns = []
    with session(place, quote(" -cdeadlock_timeout=60s")) as other:
        other.do("UPDATE orders SET name = 'theirs' WHERE id = 2")

        def crossing():
            settles(lambda: waits(place))
            other.do("UPDATE orders SET name = 'theirs' WHERE id = 1")
            other.end()

        crosses = threading.Thread(target=crossing)
        crosses.start()
        coming = loading([row(1, "ours"), row(2, "ours")], "2024-01-02", **MERGE)
        receipt = loads.load(setting(place, "deadlock_timeout=3s").where, coming, turns.append)
        crosses.join()
    assert turns == [1]
    assert receipt.updated == 2
    assert [found[1] for found in place.rows()] == ["ours", "ours"]


def test_a_load_that_is_undone_each_time_ends_and_says_so(place):
    place.load(loading([row(1)]))
    turns = []
    place.do(
        "CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$",
        "CREATE TRIGGER undo BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION undo()",
    )
    with pytest.raises(TryLater, match="The database undid the transaction: deadlock detected"):
        loads.load(place.where, loading([row(2)], content="2"), turns.append)
    assert turns == [1, 2, 3, 4, 5]
    assert [found[0] for found in place.rows()] == [1]


def test_a_connection_that_dies_within_the_rows(place):
    place.load(loading([row(1)]))
    coming = loading([row(number) for number in range(2, 5000)], content="2")

    def cut():
        for number, batch in enumerate(coming.batches()):
            if number == 2:
                place.do("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'to be cut'")
            yield batch

    with pytest.raises(TryLater) as told:
        Warehouse("postgres", f"{place.where}&application_name=to%20be%20cut").load(coming, batches=cut)
    assert "The database broke off" in str(told.value)
    assert [found[0] for found in place.rows()] == [1]
    assert place.load(coming).inserted == 4998


def test_a_host_that_says_nothing_is_not_waited_for_long():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"postgresql://ana:hunter2secret@127.0.0.1:{mute.getsockname()[1]}/shop?connect_timeout=2"
        with pytest.raises(TryLater) as told:
            Warehouse("postgres", url).load(loading([row(1)]))
    assert "The database could not be reached: " in str(told.value)
    assert "timeout expired" in str(told.value)
    assert "hunter2secret" not in str(told.value)


def test_a_server_that_has_no_connection_to_give(place, postgres):
    place.do("CREATE ROLE many LOGIN PASSWORD 'manymany' CONNECTION LIMIT 0")
    try:
        with pytest.raises(TryLater) as told:
            Warehouse("postgres", place.where.replace(f"{postgres.user}:{postgres.password}", "many:manymany")).load(
                loading([])
            )
    finally:
        place.do("DROP ROLE many")
    assert "The database has no connection to give: " in str(told.value)
    assert 'too many connections for role "many"' in str(told.value)
    assert "work fewer at once, or raise max_connections" in str(told.value)


def test_a_database_that_takes_no_changes(place):
    place.load(loading([row(1)]))
    with pytest.raises(TryLater) as told:
        setting(place, "default_transaction_read_only=on").load(loading([row(2)], content="2"))
    assert "The database takes no changes: cannot execute INSERT in a read-only transaction" in str(told.value)
    assert "a standby never will: name the primary in the URL" in str(told.value)
    assert [found[0] for found in place.rows()] == [1]


def test_a_disk_that_is_full(place):
    """As the server says it: a trigger raises its SQLSTATE."""
    place.load(loading([row(1)]))
    place.do(
        "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$",
        "CREATE TRIGGER fill BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION fill()",
    )
    with pytest.raises(TryLater) as told:
        place.load(loading([row(2)], content="2"))
    assert "The disk of the database is full: No space left on device" in str(told.value)
    assert "make room there" in str(told.value)
