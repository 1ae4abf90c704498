import ast
import http.client
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner

from levada.cli import play
from levada.edges import FixedClock
from levada.errors import FixThis
from levada.simulate.grader import CLIENT, DEMO_KEY, make_app
from levada.simulate.grader import SEED as DEFAULT
from levada.simulate.grader_made import BAD, ODD, Amounts, attempts
from levada.simulate.server import running
from patience import PATIENCE

DAY, NOW = date(2024, 10, 8), datetime(2024, 10, 20, 12, tzinfo=UTC)
WHOLE = {"start": "2024-10-08 00:00:00", "end": "2024-10-08 23:59:59.999999"}
KEYS = ["lti_user_id", "passback_params", "is_correct", "attempt_type", "created_at"]
AMOUNTS = Amounts(rows=200, odd=2, bad=1)
SEED = 3


class Client:
    def __init__(self, url):
        self._host = url.removeprefix("http://")

    def ask(self, target, method="GET", body=None):
        connection = http.client.HTTPConnection(self._host, timeout=PATIENCE)
        try:
            connection.request(method, target, body)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def told(self, **asked):
        given = {"client": CLIENT, "client_key": DEMO_KEY, **WHOLE, **asked}
        return self.ask(
            f"/api/statistics?{urlencode({name: text for name, text in given.items() if text is not None})}"
        )

    def times(self, start, end):
        return [one["created_at"] for one in self.told(start=start, end=end)[1]]


@pytest.fixture(scope="module")
def api():
    with running(make_app(amounts=AMOUNTS, seed=SEED, clock=FixedClock(NOW), environment={})) as server:
        yield Client(server.url)


def made(day=DAY, **changes):
    return [dict(one.record) for one in attempts(day, SEED, replace(AMOUNTS, **changes))]


def params(record):
    return ast.literal_eval(record["passback_params"])


def test_a_day_is_one_bare_list_by_time(api):
    assert api.told() == (200, made())
    moments = [one.moment for one in attempts(DAY, SEED, AMOUNTS)]
    assert moments == sorted(set(moments))
    assert len(moments) == 200


def test_records_have_the_shape_of_the_api():
    courses = set()
    for one in made(odd=0, bad=0):
        assert list(one) == KEYS
        assert re.fullmatch("[0-9a-f]{32}", one["lti_user_id"])
        assert one["created_at"] == str(datetime.fromisoformat(one["created_at"]))
        assert re.fullmatch(r"2024-10-08 \d\d:\d\d:\d\d\.\d{6}", one["created_at"])
        with pytest.raises(json.JSONDecodeError):
            json.loads(one["passback_params"])
        found = params(one)
        assert list(found) == ["oauth_consumer_key", "lis_result_sourcedid", "lis_outcome_service_url"]
        assert not found["oauth_consumer_key"]
        course, block, user = re.fullmatch(
            r"course-v1:(\S+):lms\.example\.org-([0-9a-f]{32}):(\S+)", found["lis_result_sourcedid"]
        ).groups()
        assert user == one["lti_user_id"]
        assert (
            f"/course-v1:{course}/xblock/block-v1:{course}+type@lti+block@{block}/" in found["lis_outcome_service_url"]
        )
        courses.add(course)
    assert len(courses) == 4


def test_most_only_run_and_users_come_again():
    found = made(rows=1000, odd=0, bad=0)
    assert Counter((one["attempt_type"], one["is_correct"]) for one in found) == {
        ("run", None): 850,
        ("submit", 0): 90,
        ("submit", 1): 60,
    }
    assert all(type(one["is_correct"]) is int for one in found if one["is_correct"] is not None)
    users = Counter(one["lti_user_id"] for one in found)
    assert 150 < len(users) <= 250
    assert users.most_common(1)[0][1] > 50


@pytest.mark.parametrize("odd", [0, 1, 3])
def test_so_many_rows_are_odd_in_each_way(odd):
    found = made(rows=300, odd=odd, bad=0)
    texts = [one for one in found if one.get("passback_params") not in (None, "None")]
    assert {
        "no user": sum(one["lti_user_id"] is None for one in found),
        "null params": sum(one.get("passback_params", "") is None for one in found),
        "no params": sum("passback_params" not in one for one in found),
        "params None": sum(one.get("passback_params") == "None" for one in found),
        "no outcome url": sum("lis_outcome_service_url" not in params(one) for one in texts),
        "a whole second": sum("." not in one["created_at"] for one in found),
    } == {name: odd * share for name, share in ODD.items()}
    assert (found[0]["created_at"] == "2024-10-08 00:00:00") is bool(odd)


def test_so_many_rows_are_bad_in_each_way():
    found = made(rows=300, odd=0, bad=2)
    for said in BAD.values():
        assert sum(all(one.get(name) == value for name, value in said.items()) for one in found) == 2
    good = made(rows=300, odd=0, bad=0)
    assert sum(one != other for one, other in zip(found, good, strict=True)) == 2 * len(BAD)


def test_the_last_row_of_a_day_is_of_its_last_microsecond():
    last = made()[-1]
    assert last["created_at"] == "2024-10-08 23:59:59.999999"
    assert last["lti_user_id"]
    assert len(params(last)) == 3


def test_both_ends_of_a_window_are_in_it_to_the_microsecond(api):
    every = [one.moment.replace(tzinfo=None) for one in attempts(DAY, SEED, AMOUNTS)]
    first, last, tick = every[50], every[59], timedelta(microseconds=1)
    assert api.told(start=str(first), end=str(last)) == (200, made()[50:60])
    assert api.told(start=str(first + tick), end=str(last - tick)) == (200, made()[51:59])
    assert len(api.times(WHOLE["start"], "2024-10-08 23:59:59")) == 199


def test_a_day_is_the_same_whichever_window_asks(api):
    before, after = DAY - timedelta(days=1), DAY + timedelta(days=1)
    assert api.told(start=str(before), end="2024-10-09 23:59:59.999999")[1] == made(before) + made() + made(after)
    assert made() != made(after)
    assert made() != [dict(one.record) for one in attempts(DAY, SEED + 1, AMOUNTS)]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-10-08", "2024-10-09"),
        ("2024-10-08 00:00:00", "2024-10-09 00:00:00"),
        ("2024-10-08 00:00:00.000000", "2024-10-09 00:00:00.0"),
        ("2024-10-08T00:00:00", "2024-10-09T00:00:00"),
        ("2024-10-08T00:00:00Z", "2024-10-09T00:00:00+00:00"),
        ("2024-10-08 03:00:00+03:00", "2024-10-08T19:00:00-05:00"),
    ],
)
def test_forms_of_time(api, start, end):
    assert api.told(start=start, end=end)[1] == [*made(), made(DAY + timedelta(days=1))[0]]


def test_nothing_is_an_empty_list(api):
    assert api.told(start="2024-10-09", end="2024-10-08") == (200, [])
    assert api.told(start="2024-10-08 00:00:00.000001", end="2024-10-08 00:00:00.000002") == (200, [])


def test_nothing_is_later_than_now(api):
    told = api.times("2024-10-20", "2024-10-27")
    assert told
    assert max(told) <= "2024-10-20 12:00:00"
    assert len(told) < 200
    assert api.told(start="2024-10-21", end="2024-10-22") == (200, [])


@pytest.mark.parametrize(
    "wrong", ["", None, "8.10.2024", "2024-10-08 00:00", "2024-10-08T00:00:00 00:00", "2024-02-30"]
)
@pytest.mark.parametrize("name", ["start", "end"])
def test_what_is_no_time_is_told_with_200(api, name, wrong):
    text = f"{name} must be a time such as 2023-04-01 12:46:47.860798"
    assert api.told(**{name: wrong}) == (200, {"errors": text})


def test_a_window_that_is_too_long(api):
    told = api.told(start="2024-01-01", end="2024-10-08")
    assert told == (200, {"errors": "the window is longer than 100 days"})


@pytest.mark.parametrize("wrong", [{"client": "me"}, {"client_key": "GR4DER"}, {"client_key": None}, {"client": ""}])
def test_another_client_or_key(api, wrong):
    assert api.told(**wrong) == (403, {"errors": "client or client_key is wrong"})


def test_any_other_path(api):
    assert api.ask("/api/statistic") == (404, {"errors": "Not Found"})
    assert api.ask("/api/statistics", "POST") == (405, {"errors": "Method Not Allowed"})


def test_client_and_key_come_from_the_environment():
    environment = {"GRADER_CLIENT": "somebody", "GRADER_CLIENT_KEY": "another"}
    with running(make_app(environment=environment, clock=FixedClock(NOW))) as server:
        client = Client(server.url)
        assert client.told()[0] == 403
        assert len(client.told(client="somebody", client_key="another")[1]) == 1000


def test_answers_are_as_slow_as_asked_for():
    clock = FixedClock(NOW)
    with running(make_app(slow=30, clock=clock, environment={})) as server:
        assert Client(server.url).told()[0] == 200
    assert clock.slept == [30]


def test_it_fails_on_demand_and_writes_down_what_it_was_asked_without_the_key():
    with running(make_app(clock=FixedClock(NOW), environment={})) as server:
        api = Client(server.url)
        assert api.ask("/_faults", "PUT", json.dumps({"fault": {"body": {"errors": "busy"}}}))[0] == 200
        assert api.told() == (200, {"errors": "busy"})
        assert api.told()[0] == 200
        log = api.ask("/_log")[1]
        assert [entry["status"] for entry in log] == [200, 200]
        assert DEMO_KEY not in json.dumps(log)


@pytest.mark.parametrize(
    ("amounts", "todo"),
    [
        (Amounts(rows=45), "give a number from 46 to 100000"),
        (Amounts(rows=20, odd=0, bad=3), "give a number from 28 to 100000"),
        (Amounts(rows=100_001), "give a number from 46 to 100000"),
    ],
)
def test_a_day_has_room_for_what_is_odd_and_bad(amounts, todo):
    with pytest.raises(FixThis) as caught:
        make_app(amounts=amounts, environment={})
    assert str(caught.value) == f"rows is {amounts.rows}.\n  where: the simulated grader API\n  to do: {todo}"
    least = replace(amounts, rows=amounts.fewest)
    assert len(attempts(DAY, SEED, least)) == least.rows


def test_the_sample_of_the_page_is_the_first_row_of_its_day():
    page = (Path(__file__).parents[2] / "docs" / "simulators.md").read_text()
    [first, *_] = attempts(DAY, DEFAULT, Amounts())
    assert f'[{{"lti_user_id": "{first.record["lti_user_id"]}", "passback_params": "{{' in page
    said = {name: first.record[name] for name in ("is_correct", "attempt_type", "created_at")}
    assert json.dumps(said)[1:] in page


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "3601"])
def test_what_is_no_time_to_wait_is_refused(seconds):
    done = CliRunner().invoke(play.grader, ["--slow", seconds])
    assert done.exit_code == 2
    assert "is not in the range 0<=x<=3600" in done.output
