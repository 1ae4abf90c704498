"""What can be wrong with a history in PostgreSQL: no run fails for it, and each note says what to do."""

import json
import socket
from contextlib import closing

from adbc_driver_postgresql import dbapi

from lakeside import still
from levada.lake.memory import MemoryStore
from levada.pipeline.course import Course
from levada.pipeline.remembering import again, remembered
from levada.spec.read import read_text
from levada.state.home import history_of
from pasts import a_round
from shop import SALES

SPEC = f'{SALES}\nhistory: {{postgres: "${{HISTORY_URL}}"}}'


def course(url):
    environment = {"HISTORY_URL": url}
    edges = still().__class__(clock=still().clock, environment=environment)
    return Course(read_text(SPEC, "shop.yaml", environment, lake="lake"), MemoryStore(), edges)


def note(url):
    (found,) = remembered(course(url), a_round()).notes
    assert found.startswith("the history was not written: ")
    return found.removeprefix("the history was not written: ")


def do(url, *statements):
    with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def asked(url, sql):
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_a_lake_anywhere_has_its_history_there(postgres):
    url = postgres.database()
    one = course(url)
    assert remembered(one, a_round()).notes == ()
    assert again(one).added == 0
    history = history_of(one.spec, one.store, one.edges.environment)
    assert (len(history.read(9)), history.lake) == (1, one.store.describe())
    assert (
        asked(url, "SELECT pg_typeof(started)::text, started FROM _levada_rounds")[0][0] == "timestamp with time zone"
    )


def test_names_are_taken_as_they_are(postgres):
    url = postgres.database()
    done = a_round(0, not_tried=(("'); DROP TABLE _levada_runs; --", 'a "b" \\ c ☃'),))
    one = course(url)
    assert remembered(one, done).notes == ()
    history = history_of(one.spec, one.store, one.edges.environment)
    assert history.read(1)[0].runs[1].partition == 'a "b" \\ c ☃'
    assert json.loads(json.dumps(history.read(1)[0].runs[1].stream)) == "'); DROP TABLE _levada_runs; --"


def test_a_database_that_is_away_is_a_note_without_its_password():
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        said = note(f"postgresql://levada:pass-not-shown@127.0.0.1:{port}/history")
    assert said.startswith("The database could not be reached: ")
    assert said.endswith(f"; postgresql://127.0.0.1:{port}/history; run again when it is up")
    assert "pass-not-shown" not in said


def test_what_is_no_url_is_told_where_the_spec_says_it():
    assert note("not-a-url-at-all") == (
        "The address of the PostgreSQL database is no URL; shop.yaml:16:10; "
        "set the variable to a URL that begins with postgresql://"
    )


def test_who_may_not_make_tables_is_told(postgres):
    url = postgres.database()
    schema = url.rpartition("%3D")[2]
    name = f"poor_{schema}"
    do(url, f"CREATE ROLE {name} LOGIN PASSWORD 'poor'", f"GRANT USAGE ON SCHEMA {schema} TO {name}")
    poor = url.replace(url.split("//")[1].split("@")[0], f"{name}:poor")
    try:
        said = note(poor)
    finally:
        do(url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")
    assert said.startswith(f"The database does not allow it: permission denied for schema {schema}; postgresql://")
    assert said.endswith("; have the owner of the database grant it to this user")


def test_tables_of_somebody_else_are_told(postgres):
    url = postgres.database()
    do(url, "CREATE TABLE _levada_history (version integer)", "INSERT INTO _levada_history VALUES (1)")
    said = note(url)
    assert said.startswith('The database refused it: relation "_levada_rounds" does not exist')
    assert said.endswith("; mend or remove the tables _levada_..., or name another database with `history`")


def test_tables_that_another_keeps_are_not_waited_for_for_long(postgres, monkeypatch):
    monkeypatch.setattr("levada.state.postgres._LOCK", 0.1)
    url = postgres.database()
    assert remembered(course(url), a_round()).notes == ()
    with dbapi.connect(url) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE _levada_rounds IN ACCESS EXCLUSIVE MODE")
        assert "lock" in note(url)
        other.rollback()
    assert asked(url, "SELECT count(*) FROM _levada_rounds") == [(1,)]
