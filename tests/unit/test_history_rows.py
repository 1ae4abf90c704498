"""What is remembered of a round, where, and what the lake tells of rounds that nobody wrote down."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lakeside import FINGERPRINTS, area_in, carry, later, page_of, run_of, still
from levada.errors import FixThis, TryLater
from levada.lake.disk import DiskStore
from levada.lake.lease import hold
from levada.lake.memory import MemoryStore
from levada.lake.work import begin
from levada.nouns import Counts
from levada.pipeline.course import Course
from levada.pipeline.remembering import again, oldest, remembered
from levada.round import Reported
from levada.secret import remember
from levada.spec.read import read_text
from levada.state.home import Home, history_of, home_of
from levada.state.model import Past, RoundRow, RunRow, past_of
from levada.state.told import told
from pasts import NOW, a_round, a_run, failure
from shop import SALES


def spec(history=""):
    return read_text(f"{SALES}\n{history}", "/specs/shop.yaml", {}, lake="lake")


def test_a_round_in_rows():
    done = a_round(0, a_run(), failures=(failure(),), not_tried=(("sales", "2022-08-11"),), notes=("one", "two"))
    assert past_of(done) == Past(
        RoundRow(done.id, "run", "command", "failure", NOW, NOW + timedelta(seconds=3), notes="one\ntwo"),
        (
            RunRow(
                "sales",
                "2022-08-09",
                "done with quarantine",
                "20220812T060000.000000Z-sales",
                "staged",
                read=10,
                kept=7,
                quarantined=2,
                dropped=1,
                nullified=3,
                loaded=7,
                pages=4,
                requests=5,
                resumed=1,
                files=2,
                gaps=1,
                changed=True,
                seconds=1.5,
            ),
            RunRow(
                "sales",
                "2022-08-10",
                "failed",
                kind="TryLater",
                what="The API is away.",
                place="page 3",
                todo="try later",
            ),
            RunRow("sales", "2022-08-11", "not tried"),
        ),
    )


def test_a_failure_of_the_round_itself_or_of_a_report_stands_on_the_round():
    own = past_of(a_round(0, failures=(failure("No disk.", "", ""),))).round
    assert (own.kind, own.what, own.place, own.todo) == ("TryLater", "No disk.", "page 3", "try later")
    report = Reported("daily", "2022-08-09", error=failure("No such sheet.", "", ""))
    assert past_of(a_round(0, reports=(report,))).round.what == "No such sheet."


def test_nothing_secret_and_nothing_that_no_database_takes_is_remembered():
    remember("hunter2-hunter2")
    done = a_round(0, failures=(failure("hunter2-hunter2\0 \ud800 " + "x" * 5000),), notes=("hunter2-hunter2",))
    past = past_of(done)
    assert past.round.notes == "[secret]"
    assert past.runs[1].what.startswith("[secret] ? xxx")
    assert len(past.runs[1].what) == 4003


@pytest.mark.parametrize(
    ("history", "home"),
    [
        ("", Home(inside=True)),
        ("history: {keep: 7d}", Home(inside=True)),
        ("history: none", Home(without="the spec says `history: none`")),
        ("history: {file: past/rounds.sqlite}", "/specs/past/rounds.sqlite"),
        ('history: {postgres: "${DATABASE_URL}"}', Home(postgres=True)),
    ],
)
def test_where_the_history_of_a_lake_on_disk_is(tmp_path, history, home):
    found = home_of(spec(history), DiskStore(tmp_path))
    if isinstance(home, str):
        assert (str(found.file), found.inside) == (home, False)
    elif home.inside:
        assert found == replace(home, file=tmp_path / "_levada" / "history.sqlite")
    else:
        assert found == home


def test_a_lake_that_is_no_folder_has_no_history_unless_the_spec_names_one():
    store = MemoryStore()
    found = home_of(spec(), store)
    assert found.without == f"the lake {store.describe()} is no folder; name a file or a database with `history`"
    assert history_of(spec(), store, {}) is None
    assert home_of(spec("history: {file: x.sqlite}"), store).file


def test_who_shares_an_archive_is_told_apart_by_lake(tmp_path):
    store = DiskStore(tmp_path)
    assert history_of(spec(), store, {}).lake == ""  # it moves with the lake
    assert history_of(spec(f"history: {{file: {tmp_path}/x.sqlite}}"), store, {}).lake == str(tmp_path)


def test_the_variable_of_a_database_that_is_not_set_is_a_note(tmp_path):
    course = Course(spec('history: {postgres: "${DATABASE_URL}"}'), DiskStore(tmp_path), still())
    done = remembered(course, a_round())
    (note,) = done.notes
    assert note.startswith("the history was not written: Not set: DATABASE_URL; /specs/shop.yaml:")
    assert note.endswith("export DATABASE_URL=..., or write DATABASE_URL=... into a file .env beside the spec")


def test_no_lake_is_made_for_a_history(tmp_path):
    lake = tmp_path / "lake"
    course = Course(spec(), DiskStore(lake), still())
    assert remembered(course, a_round()).notes == ()
    assert again(course).added == 0
    assert not lake.exists()


def test_a_history_that_there_is_none_of_is_not_made_again():
    course = Course(spec("history: none"), MemoryStore(), still())
    with pytest.raises(FixThis) as refused:
        again(course)
    assert str(refused.value).splitlines() == [
        "There is no history: the spec says `history: none`.",
        "  where: /specs/shop.yaml",
        "  to do: name a file or a database with `history`, or do without",
    ]


@pytest.mark.parametrize(("history", "days"), [("", 90), ("history: {keep: 7d}", 7)])
def test_how_long_rounds_are_kept(history, days):
    assert oldest(Course(spec(history), MemoryStore(), still()), NOW) == NOW - timedelta(days=days)


def test_the_lake_tells_runs_failures_and_what_was_killed_after_its_commit():
    store, edges = MemoryStore(), still()
    record = carry(store, edges=edges)
    store.delete(area_in(store).run(record.run, "run.json"))
    later(edges, minutes=1)
    with hold(area_in(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 3600)
        work.land(page_of(1, b'["a"]'))
        later(edges, seconds=5)
        work.failed(TryLater("The API is away.", where="page 2", todo="try later"), Counts(read=1))
    killed, failed = told(store, "shop")
    assert killed.round.door == failed.round.door == "lake"
    assert (killed.round.ending, killed.runs[0].run, killed.runs[0].kept) == ("success", record.run, 4)
    assert killed.runs[0].outcome == "done with quarantine"
    assert failed.round.ended - failed.round.started == timedelta(seconds=5)
    (row,) = failed.runs
    assert (row.outcome, row.read, row.what, row.place, row.todo) == (
        "failed",
        1,
        "The API is away.",
        "page 2",
        "try later",
    )
    assert told(store, "other") == []


def test_a_run_that_ended_tells_itself():
    store, edges = MemoryStore(), still()
    record = carry(MemoryStore(), edges=still())
    with hold(area_in(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 3600)
        work.close(replace(run_of(record, work.run, changed=True), outcome="partial", seconds=7.0))
    (past,) = told(store, "shop")
    assert (past.round.ending, past.round.ended - past.round.started) == ("partial", timedelta(seconds=7))
    assert (past.runs[0].run, past.runs[0].requests) == (work.run, 5)
