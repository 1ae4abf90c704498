"""What API, data and disk do wrong, as job servers tell it: the folder stays as it was, no secret leaves."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from patience import HELD
from refusals import quick
from serving import DAY, Answer, Server, serving, tree
from simulated import TOKEN

OTHER = "2022-08-10"
#: A page on which no record is as the contract wants it.
BAD_ROWS = json.dumps([{"client": None, "purchase_date": DAY, "product": "P", "price": "1$"}] * 5)


@dataclass
class Place:
    """A job server, and a folder for each kind of job that holds what nobody but a good job may touch."""

    server: Server
    raw: Path
    stg: Path

    def land(self, day: str = DAY) -> Answer:
        return self._done("land", {"date": day, "raw_dir": str(self.raw)})

    def stage(self) -> Answer:
        return self._done("stage", {"raw_dir": str(self.raw), "stg_dir": str(self.stg)})

    def _done(self, kind: str, body: dict) -> Answer:
        before = tree(self.raw), tree(self.stg)
        answer = self.server.post(kind, body)
        assert answer.status != 201, answer
        assert (tree(self.raw), tree(self.stg)) == before
        assert TOKEN.encode() not in answer.body
        line = self.server.logged(status=answer.status, **body)
        assert line["message"] == answer.message
        return answer


def furnished(server: Server, name: str) -> Place:
    place = Place(server, server.root / "raw" / name / DAY, server.root / "stg" / name / DAY)
    for folder in (place.raw, place.stg):
        folder.mkdir(parents=True)
        (folder / "old.txt").write_text("of an earlier day")
    return place


def shown(server: Server) -> list[str]:
    """Where the token stands that nobody may see."""
    files = [server.out, server.err, *(path for path in server.root.rglob("*") if path.is_file())]
    return [str(path) for path in files if TOKEN.encode() in path.read_bytes()]


@pytest.fixture(scope="module")
def server(_sales_api, tmp_path_factory) -> Iterator[Server]:
    base = tmp_path_factory.mktemp("errors")
    with serving(_sales_api.environment, base / "lake", spec=quick(base)) as running:
        yield running
        assert running.process.poll() is None
        running.stop()
        assert shown(running) == []


@pytest.fixture
def place(server, api, request) -> Place:
    return furnished(server, request.node.name.replace("/", "_")[:80])


def told(answer: Answer, status: int, kind: str, *, what: str, todo: str = "") -> dict:
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/json"
    body = answer.json
    assert body["kind"] == kind
    assert what in body["message"], body
    assert todo in body["todo"], body
    assert body["where"]
    return body


def always(fault: dict, **match: object) -> dict:
    return {"match": match, "times": None, "fault": fault}


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_refused_is_502_and_what_to_do_is_told(place, api, status):
    echo = {"message": f"key {TOKEN} is unknown", "key": TOKEN}
    api.fail(always({"status": status, "body": echo}))
    answer = place.land()
    told(answer, 502, "ApiRefused", what=str(status), todo="AUTH_TOKEN")
    assert "retry-after" not in answer.headers
    assert api.pages_asked().count(1) == 1


@pytest.mark.parametrize("status", [400, 405, 410, 418, 422, 451])
def test_a_refusal_that_no_rule_names_is_502(place, api, status):
    api.fail(always({"status": status, "body": {"message": f"no {TOKEN}"}}, page=2))
    told(place.land(), 502, "ApiRefused", what=str(status))


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ({"body": {"data": []}}, "an object with the keys data, not a list of records"),
        ({"html": True}, "HTML"),
        ({"invalid_json": True}, "no JSON"),
        ({"repeat_page": 1}, "page"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_answer_that_is_not_what_the_spec_says_is_502(place, api, fault, what):
    api.fail(always(fault, page=2))
    told(place.land(), 502, "ContractBroken", what=what)


@pytest.mark.parametrize(
    "fault",
    [{"status": 503}, {"status": 500}, {"status": 429}, {"reset": True}, {"cut_body": 50}],
    ids=lambda value: str(value)[:20],
)
def test_an_api_in_trouble_is_503_and_when_to_come_again(place, api, fault):
    api.fail(always(fault, page=3))
    answer = place.land()
    told(answer, 503, "TryLater", what="", todo="later")
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("retry_after", [3600, {"date_in": 3600}], ids=["seconds", "date"])
def test_a_wait_that_is_too_long_is_handed_on(api, tmp_path, retry_after):
    api.fail(always({"status": 503, "retry_after": retry_after}, page=1))
    # A server of its own: for that hour it asks the API for no other job either.
    with serving(api.environment, tmp_path / "lake", spec=quick(tmp_path)) as server:
        answer = furnished(server, "too_long").land()
        other = furnished(server, "another").land()
    told(answer, 503, "TryLater", what="3")
    told(other, 503, "TryLater", what="")
    # What it took to come here is gone from it, on a starved machine perhaps some minutes.
    assert 2400 < int(answer.headers["retry-after"]) <= 3601
    assert api.pages_asked().count(1) == 1


def test_no_data_is_404_with_the_words_of_the_api(place):
    answer = place.land("2022-08-08")
    assert answer.status == 404
    assert answer.message.startswith("No data for 2022-08-08: ")
    assert "No data found for date 2022-08-08" in answer.message
    assert answer.json["run"]["outcome"] == "no data"


def test_no_data_in_words_that_hold_the_token(place, api):
    api.fail(always({"status": 404, "body": {"message": f"No data found for {TOKEN}"}}))
    answer = place.land()
    assert answer.status == 404
    assert "No data found for [secret]" in answer.message


def test_rows_that_are_all_bad_are_502_at_the_stage_job(server, api, place):
    api.fail(always({"body": BAD_ROWS}, page=1), always({"status": 404, "body": {"message": NO_SUCH_PAGE}}, page=2))
    assert server.land(folder=place.raw).status == 201
    answer = place.stage()
    body = told(answer, 502, "ContractBroken", what="5")
    assert body["todo"]


#: A process that may write 8 KB into a file.
LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))"
NO_SUCH_PAGE = "You requested page that doesn't exist: page=2"


def test_an_api_that_is_not_there_is_503(api, tmp_path):
    with serving(
        {**api.environment, "SALES_API_URL": "http://127.0.0.1:9"}, tmp_path / "lake", spec=quick(tmp_path)
    ) as it:
        place = furnished(it, "x")
        answer = place.land()
        told(answer, 503, "TryLater", what="")
        assert int(answer.headers["retry-after"]) >= 1
        it.stop()
        assert shown(it) == []


def test_an_api_that_is_silent_is_504(api, tmp_path):
    spec = quick(tmp_path, ("  retry: {attempts: 3,", "  timeout: 500ms\n  retry: {attempts: 2,"))
    api.fail(always({"delay": HELD}, page=2))
    with serving(api.environment, tmp_path / "lake", spec=spec) as it:
        place = furnished(it, "x")
        answer = place.land()
        told(answer, 504, "TimedOut", what="")
        assert int(answer.headers["retry-after"]) >= 1


def test_a_wrong_token_is_502_and_nobody_learns_it(api, tmp_path):
    given = {**api.environment, "AUTH_TOKEN": "not-the-right-one"}
    with serving(given, tmp_path / "lake") as it:
        place = furnished(it, "x")
        told(place.land(), 502, "ApiRefused", what="403", todo="AUTH_TOKEN")
        it.stop()
        everywhere = [it.out, it.err, *(path for path in it.root.rglob("*") if path.is_file())]
        assert not [path for path in everywhere if b"not-the-right" in path.read_bytes()]


def test_a_lake_that_cannot_be_written_is_400(api, tmp_path):
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "_levada").write_text("somebody's file")
    with serving(api.environment, tmp_path / "lake") as it:
        place = furnished(it, "x")
        told(place.land(), 400, "FixThis", what="_levada")
        assert api.log() == []


def test_a_disk_that_takes_no_more_is_503(api, tmp_path):
    """A limit for files, which holds for root, too, stands for a quota."""
    with serving(api.environment, tmp_path / "lake", first=LIMITED) as it:
        place = furnished(it, "x")
        told(place.land(), 503, "TryLater", what="the disk did not do what it was asked to (File too large)")


def test_what_went_wrong_before_is_no_burden(place, api, server):
    """The next job ends right, asks only for what had not come, and the page shows both."""
    api.fail(always({"status": 503}, page=3))
    assert place.land().status == 503
    api.forget()
    answer = server.land(folder=place.raw)
    assert answer.status == 201
    assert sorted(path.name for path in place.raw.iterdir()) == [f"sales_{DAY}_{page}.json" for page in range(1, 5)]
    assert answer.json["run"]["resumed"] == 2
    assert min(api.pages_asked()) == 3
    page = server.ask("land", "GET", "/").body.decode()
    assert str(place.raw) in page
