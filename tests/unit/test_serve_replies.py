"""What a job server answers: the outcome of a job in, status, body and headers out."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from levada import errors
from levada.errors import ApiRefused, ContractBroken, FixThis, LeaseHeld, LevadaError, TimedOut, TryLater
from levada.nouns import Counts, Gap, Run
from levada.secret import remember
from levada.serve.jobs import LAND, STAGE
from levada.serve.replies import failed, succeeded

NOW = datetime(2022, 8, 12, 6, 0, tzinfo=UTC)
SECRET = "open-sesame-4711"
RUN = Run(
    pipeline="sales",
    stream="sales",
    partition="2022-08-09",
    run="20220812T060000.000000Z-4f2a",
    outcome="done",
    level="landed",
    counts=Counts(read=338, kept=337, quarantined=1),
    pages=4,
    requests=5,
    resumed=0,
    files=("raw/sales/2022-08-09/sales_2022-08-09_1.json",),
    changed=True,
    seconds=1.5,
)


#: Those that users meet; rooms have kinds of their own, which they catch themselves.
KINDS = [kind for kind in map(vars(errors).get, errors.__all__) if isinstance(kind, type) and kind is not LevadaError]
STATUS = {FixThis: 400, ApiRefused: 502, ContractBroken: 502, TryLater: 503, TimedOut: 504, LeaseHeld: 409}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_error_has_its_status_and_says_what_where_and_what_to_do(kind):
    reply = failed(kind("it broke", where="page 3", todo="mend it"), NOW)
    todo = "ask again when that job has ended" if kind is LeaseHeld else "mend it"
    assert reply.status == STATUS[kind]
    assert reply.body == {"message": "it broke", "where": "page 3", "todo": todo, "kind": kind.__name__}
    assert reply.message == "it broke"
    assert json.loads(json.dumps(reply.body)) == reply.body
    assert dict(reply.headers) == ({"Retry-After": "60"} if issubclass(kind, TryLater) else {})


def test_what_an_error_does_not_know_is_left_out():
    assert failed(FixThis("it broke"), NOW).body == {"message": "it broke", "kind": "FixThis"}


@pytest.mark.parametrize(
    ("at", "seconds"),
    [(120, "120"), (0.2, "1"), (59.1, "60"), (0, "1"), (-3600, "1"), (86400 * 30, "2592000")],
)
def test_when_to_ask_again_is_whole_seconds_from_now(at, seconds):
    error = TryLater("away", at=NOW + timedelta(seconds=at))
    assert failed(error, NOW).headers == (("Retry-After", seconds),)


def test_a_bug_is_500_and_keeps_its_words_for_the_log():
    reply = failed(KeyError(f"/home/someone {SECRET}"), NOW)
    assert reply.status == 500
    assert reply.body.keys() == {"message", "kind"}
    assert reply.body["kind"] == "Bug"
    assert "a bug of Levada: KeyError; the report is in this server's log" in reply.message
    assert "someone" not in json.dumps(reply.body)
    assert reply.headers == ()


def test_no_secret_leaves_with_an_error():
    remember(SECRET)
    error = FixThis(f"the key {SECRET} was refused", where=f"http://x/?key={SECRET}", todo=f"do not use {SECRET}")
    assert SECRET not in json.dumps(failed(error, NOW).body)
    assert failed(error, NOW).message == "the key [secret] was refused"


def test_no_secret_leaves_with_a_run_however_deep():
    remember(SECRET)
    run = replace(RUN, outcome="no data", files=(f"raw/{SECRET}.json",), notes=(f"No data for {SECRET}",))
    for reply in (succeeded(LAND, run), succeeded(LAND, replace(run, outcome="done"))):
        assert SECRET not in json.dumps(reply.body)
        assert reply.body["run"]["files"] == ["raw/[secret].json"]


@pytest.mark.parametrize("kind", [LAND, STAGE])
@pytest.mark.parametrize("outcome", ["done", "done with quarantine", "partial"])
def test_what_is_done_is_told_in_the_words_of_the_course_with_its_figures(kind, outcome):
    reply = succeeded(kind, replace(RUN, outcome=outcome))
    assert (reply.status, reply.message, reply.headers) == (201, kind.message, ())
    assert reply.body["run"]["outcome"] == outcome
    assert reply.body["run"]["counts"] == {"read": 338, "kept": 337, "quarantined": 1, "dropped": 0, "nullified": 0}
    assert "ignored" not in reply.body
    assert json.loads(json.dumps(reply.body)) == reply.body


def test_the_words_of_the_course():
    assert succeeded(LAND, None).body == {"message": "Data retrieved successfully from API"}
    assert succeeded(STAGE, None).body == {"message": "Data converted from JSON to Avro successfully"}


def test_what_was_of_no_use_is_told():
    assert succeeded(LAND, None, ("data", "x")).body["ignored"] == ["data", "x"]
    assert succeeded(LAND, RUN, ("data",)).body["ignored"] == ["data"]


def test_no_data_is_404_in_the_words_of_the_api():
    reply = succeeded(LAND, replace(RUN, outcome="no data", notes=("the API says: No data found", "and more")), ("x",))
    assert reply.status == 404
    assert reply.message == "No data for 2022-08-09: the API says: No data found; and more"
    assert reply.body["run"]["outcome"] == "no data"
    assert reply.body["ignored"] == ["x"]
    assert succeeded(LAND, replace(RUN, outcome="no data")).message == "No data for 2022-08-09: the API has none"


def test_what_is_partial_lists_its_gaps_as_a_207_would():
    remember(SECRET)
    gaps = (Gap("page 3", f"418: no {SECRET}", "http://api.test/x?page=3", 418),)
    reply = succeeded(LAND, replace(RUN, outcome="partial", gaps=gaps))
    assert reply.status == 201
    assert reply.body["gaps"] == [
        {"where": "page 3", "why": "418: no [secret]", "url": "http://api.test/x?page=3", "status": 418}
    ]
    assert "gaps" not in succeeded(LAND, RUN).body
