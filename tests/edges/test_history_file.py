"""What can be wrong with the SQLite file of a history: no run fails for it, and each note says what to do."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lakeside import still
from levada.errors import FixThis, TryLater
from levada.lake.disk import DiskStore
from levada.pipeline.course import Course
from levada.pipeline.remembering import again, remembered
from levada.spec.read import read_text
from levada.state.history import History
from levada.state.model import past_of
from levada.state.sqlite import SqliteArchive
from pasts import a_round
from patience import PATIENCE
from shop import SALES

#: A process that writes so many rounds, as others do at the same time.
_WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from levada.round import Round
from levada.state.history import History
from levada.state.model import past_of
from levada.state.sqlite import SqliteArchive

history = History(SqliteArchive(Path(sys.argv[1]), wait=60.0), "shop")
start = datetime(2022, 8, 12, 6, tzinfo=UTC)
sys.stdin.readline()
for turn in range(int(sys.argv[3])):
    name = f"{start:%Y%m%dT%H%M%S.%fZ}-{sys.argv[2]}-{turn:04}"
    history.write(past_of(Round("shop", name, "run", "command", start, start)), start - timedelta(days=90))
    print(turn, flush=True)
"""


@pytest.fixture
def file(tmp_path):
    """Where the history of the course is; its folder is there, as after a first run."""
    path = tmp_path / "lake" / "_levada" / "history.sqlite"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def course(file):
    spec = read_text(SALES, "shop.yaml", {}, lake="lake")
    return Course(spec, DiskStore(file.parents[1]), still())


def note(course):
    (found,) = remembered(course, a_round()).notes
    assert found.startswith("the history was not written: ")
    return found.removeprefix("the history was not written: ")


def rounds(file):
    return len(History(SqliteArchive(file), "shop").read(9999))


def test_nothing_but_the_file_is_left_in_the_lake(course, file):
    assert remembered(course, a_round()).notes == ()
    assert [path.name for path in file.parent.iterdir()] == ["history.sqlite"]
    assert rounds(file) == 1


@pytest.mark.parametrize("content", [b"this is no database, " * 99, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_file_that_is_no_database_is_told_and_made_again_beside_what_is_left(course, file, content):
    file.write_bytes(content)
    said = note(course)
    assert said.startswith("The history is damaged, or no SQLite file: ")
    assert said.endswith(f"; {file}; make it again: levada status SPEC --rebuild")
    with pytest.raises(FixThis, match="The history is damaged"):
        History(SqliteArchive(file), "shop").read(1)
    done = again(course)
    assert (done.place, done.aside) == (str(file), f"{file}.damaged")
    assert Path(done.aside).read_bytes() == content
    assert remembered(course, a_round()).notes == ()


def test_what_was_moved_aside_before_stays(course, file):
    for turn, name in enumerate(("damaged", "damaged.2", "damaged.3")):
        file.write_bytes(b"no database %d" % turn * 99)
        assert again(course).aside == f"{file}.{name}"
    assert [path.read_bytes()[:13] for path in sorted(file.parent.glob("*.damaged*"))] == [
        b"no database 0",
        b"no database 1",
        b"no database 2",
    ]


def test_a_history_that_lacks_a_table_is_made_again(course, file):
    remembered(course, a_round())
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DROP TABLE _levada_runs")
    assert "make it again: levada status SPEC --rebuild" in note(course)
    assert again(course).aside == f"{file}.damaged"
    assert remembered(course, a_round()).notes == ()


def test_a_folder_in_the_place_of_the_history_is_moved_aside(course, file):
    (file / "inside").mkdir(parents=True)
    assert "unable to open database file" in note(course)
    assert again(course).aside == f"{file}.damaged"
    assert Path(f"{file}.damaged/inside").is_dir()
    assert remembered(course, a_round()).notes == ()


def test_a_damaged_file_that_the_spec_names_is_left_where_it_is(file):
    file.write_bytes(b"my notes, not a database" * 99)
    spec = read_text(f"{SALES}\nhistory: {{file: {file}}}", "shop.yaml", {}, lake="lake")
    with pytest.raises(FixThis, match="The history is damaged, or no SQLite file"):
        again(Course(spec, DiskStore(file.parents[1]), still()))
    assert file.read_bytes().startswith(b"my notes")


def test_pages_that_were_damaged_are_told(course, file):
    for minute in range(40):
        remembered(course, a_round(minute))
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    file.write_bytes(data)
    assert note(course).startswith("The history is damaged, or no SQLite file: database disk image is malformed")


def test_tables_of_somebody_else_are_told(course, file):
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE _levada_history (else_ text)")
    assert note(course) == (
        f"The history cannot be used: no such column: version; {file}; make it again: levada status SPEC --rebuild; "
        "where the spec names the file, move it away before"
    )


def test_tables_beside_the_history_stay(course, file):
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE mine (id integer)")
    assert History(SqliteArchive(file), "shop").read(1) == []
    assert remembered(course, a_round()).notes == ()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM mine").fetchone() == (0,)


def test_a_file_that_another_process_keeps_is_told(course, file, monkeypatch):
    remembered(course, a_round())
    monkeypatch.setattr("levada.state.home.WAIT", 0.05)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert note(course) == (
            f"The history has been in use by another process for 0.05 s; {file}; end whatever keeps it open; the lake "
            "knows what the round did"
        )
    assert rounds(file) == 1


@contextmanager
def _unprivileged():
    """Root may write anywhere: without its rights for as long as this lasts."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def _open_way(path):
    """Whoever is not root can get to the test's folder."""
    for folder in path.parents:
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)


def test_a_folder_that_cannot_be_written_is_told(course, file):
    file.parent.chmod(0o555)
    _open_way(file)
    with _unprivileged():
        assert note(course) == (
            f"The history cannot be opened or written: unable to open database file; {file}; let this user write the "
            "file and its folder, or name another file with `history`"
        )


def test_a_file_that_cannot_be_written_is_told_and_can_be_read(course, file):
    remembered(course, a_round())
    file.chmod(0o444)
    file.parent.chmod(0o555)
    _open_way(file)
    with _unprivileged():
        assert note(course).startswith("The history cannot be opened or written: attempt to write a readonly database")
        assert rounds(file) == 1


def test_a_folder_of_a_named_file_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    spec = read_text(f"{SALES}\nhistory: {{file: {tmp_path}/file/deeper/h.sqlite}}", "shop.yaml", {}, lake="lake")
    assert note(Course(spec, DiskStore(tmp_path), still())) == (
        f"The history cannot be written: Not a directory; {tmp_path}/file/deeper/h.sqlite; let this user write there, "
        "or name another file with `history`"
    )


def test_a_disk_that_takes_no_more_is_told_and_the_history_is_as_it_was(course, file):
    remembered(course, a_round())
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size, limits[1]))
        said = [remembered(course, a_round(minute)).notes for minute in range(1, 40)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    (why,) = {text for notes in said for text in notes}
    assert why == (
        f"the history was not written: The disk refuses the history: disk I/O error; {file}; look after the disk; the "
        "lake knows what the round did"
    )
    assert rounds(file) == 1 + said.count(())


def test_a_full_disk_is_told(file):
    archive = SqliteArchive(file)
    History(archive, "shop").write(past_of(a_round()))
    many = [past_of(a_round(minute)) for minute in range(1, 200)]
    with pytest.raises(TryLater) as full, archive.writing() as rows:  # noqa: PT012 - one transaction
        # SQLite then says what it says of a full disk.
        rows._connection.execute("PRAGMA max_page_count = 8")  # noqa: SLF001 - no other way to it
        rows.add(("", "shop"), many)
    assert str(full.value).splitlines() == [
        "The disk is full.",
        f"  where: {file}",
        "  to do: free some space",
    ]
    assert rounds(file) == 1


def test_a_bug_is_a_note(course, file, monkeypatch):
    def broken(_):
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("levada.pipeline.remembering.past_of", broken)
    assert note(course) == "this is a bug of Levada: ZeroDivisionError: by nought"
    assert not file.exists()


def _started(file, number, turns):
    command = [sys.executable, "-c", _WRITER, str(file), str(number), str(turns)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_ten_processes_write_at_once_from_the_first_moment_on(file):
    processes = [_started(file, number, 10) for number in range(10)]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=PATIENCE)
    assert [process.returncode for process in processes] == [0] * 10
    assert rounds(file) == 100


def test_a_process_that_is_killed_leaves_whole_rounds(file):
    with _started(file, 0, 9999) as process:
        process.stdin.write("\n")
        process.stdin.flush()
        for _ in range(5):
            process.stdout.readline()
        process.kill()
        more = process.stdout.read().split()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert rounds(file) in (5 + len(more), 6 + len(more))
    History(SqliteArchive(file), "shop").write(past_of(a_round()))
