"""A round: what is gathered, how it ends, what becomes of what ends it early."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from levada.edges import Edges, FixedClock
from levada.errors import BUG, ContractBroken, FixThis, LeaseHeld, LevadaError, TryLater
from levada.lake.memory import MemoryStore
from levada.nouns import Counts, Place, Run
from levada.pipeline.course import Course
from levada.pipeline.rounds import begun
from levada.round import Failure, Reported, Round, error_of, failure_of, said_of
from levada.secret import remember
from levada.spec.model import Partitioning, Source, Spec, Stream

PLACE = Place("sales.yaml", 1, 1)
NOW = datetime(2022, 8, 12, 6, tzinfo=UTC)
SALES, ITEMS = Stream("sales", None, PLACE), Stream("items", None, PLACE)


@pytest.fixture
def course():
    spec = Spec("sales", "sales.yaml", "memory:", Partitioning(), Source("", PLACE), ())
    return Course(spec, MemoryStore(), Edges(clock=FixedClock(NOW), environment={}))


def a_run(outcome="done"):
    return Run("sales", "sales", "2022-08-09", "r", outcome, "staged", Counts(), 1, 1, 0, (), changed=True, seconds=1.0)


def a_round(**facts):
    return Round("sales", "r", "run", "command", NOW, NOW, **facts)


def test_a_round_gathers_in_order_and_knows_its_begin_and_end(course):
    with begun(course, "run", "command") as ongoing:
        ongoing.meant([("2022-08-09", SALES), ("2022-08-10", SALES), ("2022-08-10", ITEMS)])
        ongoing.ran(a_run())
        course.edges.clock.pause(90)
        ongoing.failed(ContractBroken("no records", where="page 1"), "sales", "2022-08-10")
        done = ongoing.close()
    assert (done.pipeline, done.verb, done.door) == ("sales", "run", "command")
    assert (done.ended - done.started).total_seconds() == 90
    assert done.id.startswith("20220812T060000")
    assert done.runs == (a_run(),)
    assert done.failures == (Failure("ContractBroken", 3, "no records", "page 1", "", "sales", "2022-08-10"),)
    assert done.not_tried == (("items", "2022-08-10"),)
    assert done.partitions == ("2022-08-09",)


@pytest.mark.parametrize(
    ("facts", "ending"),
    [
        ({}, "success"),
        ({"runs": (a_run(),)}, "success"),
        ({"runs": (a_run("done with quarantine"),)}, "success"),
        ({"runs": (a_run("partial"),)}, "partial"),
        ({"runs": (a_run("partial"),), "failures": (Failure("TryLater", 75, "away"),)}, "failure"),
        ({"not_tried": (("sales", "2022-08-09"),)}, "failure"),
        ({"runs": (a_run(),), "stopped": True}, "failure"),
        ({"reports": (Reported("daily", "2022-08-09", error=Failure("FixThis", 2, "no table")),)}, "failure"),
        ({"reports": (Reported("daily", "2022-08-09"),), "notes": ("no mail",)}, "success"),
    ],
    ids=["nothing", "done", "quarantine", "gaps", "failed", "not tried", "stopped", "report failed", "note"],
)
def test_how_a_round_ended(facts, ending):
    assert a_round(**facts).ending == ending


def test_an_error_that_ends_the_round_is_told_once_of_its_partition_and_raised(course, seen):
    with pytest.raises(TryLater), begun(course, "run", "python") as ongoing, ongoing.of("sales", "2022-08-09"):
        raise TryLater("the API is away")
    assert seen == [(Failure("TryLater", 75, "the API is away", "", "", "sales", "2022-08-09"),)]
    assert ongoing.closed


def test_a_bug_ends_the_round_as_a_failure(course, seen):
    with pytest.raises(ZeroDivisionError), begun(course, "run", "python"):
        _ = 1 / 0
    assert seen == [(Failure("Bug", BUG, "ZeroDivisionError: division by zero"),)]


def test_a_signal_has_the_round_written_down_with_what_was_left_and_nobody_told(course, seen):
    with pytest.raises(KeyboardInterrupt), begun(course, "run", "python") as ongoing:
        stop_after(ongoing, ("2022-08-09", SALES), ("2022-08-10", SALES))
    assert seen == [("written", "failure", (("sales", "2022-08-10"),))]


def stop_after(ongoing, *work):
    ongoing.meant(work)
    ongoing.ran(a_run())
    raise KeyboardInterrupt


def test_a_round_of_which_nothing_is_left_is_no_success_either_where_a_signal_ended_it(course, seen):
    with pytest.raises(KeyboardInterrupt), begun(course, "run", "python") as ongoing:
        stop_after(ongoing)
    assert seen == [("written", "failure", ())]


def test_a_signal_while_reports_are_asked_has_the_round_written_down(course, seen, monkeypatch):
    def asked_and_stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("levada.pipeline.rounds.reported", asked_and_stopped)
    with pytest.raises(KeyboardInterrupt), begun(course, "run", "python") as ongoing:
        ongoing.close()
    assert seen == [("written", "failure", ())]


def test_an_incremental_stream_that_went_on_is_not_left(course):
    with begun(course, "run", "python") as ongoing:
        ongoing.meant([("", SALES), ("", ITEMS)])
        ongoing.ran(a_run())
        assert ongoing.close().not_tried == (("items", ""),)


def test_notes_of_a_round_that_ends_by_an_error_are_logged(course, monkeypatch, caplog):
    monkeypatch.setattr("levada.pipeline.rounds.remembered", lambda _, done: replace(done, notes=("no history",)))
    with pytest.raises(TryLater), begun(course, "run", "python"):
        raise TryLater("the API is away")
    assert "no history" in caplog.messages


@pytest.fixture
def seen(monkeypatch):
    """What follows a round, in order: the failures that people are told; of one that a signal ends, that it is kept."""
    told = []

    def notified(_, done, *__):
        told.append(done.failures)
        return done

    def remembered(_, done):
        if done.stopped:
            told.append(("written", done.ending, done.not_tried))
        return done

    monkeypatch.setattr("levada.pipeline.rounds.notified", notified)
    monkeypatch.setattr("levada.pipeline.rounds.remembered", remembered)
    return told


def test_nothing_of_a_failure_is_secret():
    remember("s3cr3t-token")
    error = FixThis("token s3cr3t-token refused", where="s3cr3t-token", todo="replace s3cr3t-token")
    failure = failure_of(error)
    assert (failure.what, failure.where, failure.todo) == ("token [secret] refused", "[secret]", "replace [secret]")
    assert failure_of(ValueError("s3cr3t-token")).what == "ValueError: [secret]"


@pytest.mark.parametrize(
    ("error", "kind"), [(FixThis("a"), FixThis), (ContractBroken("a"), ContractBroken), (LeaseHeld("a"), TryLater)]
)
def test_a_failure_is_an_error_again_of_its_kind(error, kind):
    again = error_of(failure_of(error))
    assert type(again) is kind
    assert again.what == "a"


def test_a_bug_is_no_kind_of_error():
    assert type(error_of(failure_of(ValueError("a")))) is LevadaError


def test_a_report_in_words():
    assert (Reported("daily", "2022-08-09").name, Reported("all", "").name) == ("daily 2022-08-09", "all")
    assert said_of(Reported("daily", "d", ("a",), ((1,),))) == "1 row"
    whole = Reported("daily", "d", ("a",), ((1,), (2,)), ("/r/d.csv",), "https://sheet", added=1, unchanged=1)
    assert said_of(whole) == "2 rows; /r/d.csv; https://sheet: 1 added, 0 updated, 1 unchanged"
