"""A round: what is gathered, how it ends, what becomes of what ends it early."""

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
from levada.spec.model import Partitioning, Source, Spec

PLACE = Place("sales.yaml", 1, 1)
NOW = datetime(2022, 8, 12, 6, tzinfo=UTC)


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
        ongoing.ran(a_run())
        course.edges.clock.pause(90)
        ongoing.failed(ContractBroken("no records", where="page 1"), "sales", "2022-08-10")
        ongoing.not_tried("items", "2022-08-10")
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
        ({"reports": (Reported("daily", "2022-08-09", error=Failure("FixThis", 2, "no table")),)}, "failure"),
        ({"reports": (Reported("daily", "2022-08-09"),), "notes": ("no mail",)}, "success"),
    ],
    ids=["nothing", "done", "quarantine", "gaps", "failed", "not tried", "report failed", "note"],
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


def test_a_signal_has_the_round_written_down_and_nobody_told(course, seen):
    with pytest.raises(KeyboardInterrupt), begun(course, "run", "python"):
        raise KeyboardInterrupt
    assert seen == ["written"]


@pytest.fixture
def seen(monkeypatch):
    """What follows a round, in order: the failures that people are told; of one that a signal ends, that it is kept."""
    told = []

    def notified(_, done):
        told.append(done.failures)
        return done

    def remembered(_, done):
        if not done.failures:
            told.append("written")
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
