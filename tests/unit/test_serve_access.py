"""The lines of the access log: each one a JSON object, on one line, without secrets."""

import json
import logging

import pytest

from levada.errors import FixThis
from levada.secret import remember
from levada.serve import access
from levada.serve.app import make_app
from levada.serve.jobs import LAND

SECRET = 'acc"ess/\\logged-52'
NUMBER = "73914"
GIVEN = {"date": "2022-08-09", "raw_dir": "/data/raw"}


@pytest.fixture(autouse=True)
def _secrets():
    remember(SECRET)
    remember(NUMBER)


@pytest.fixture
def told(caplog):
    """The lines that the log has got, as they are."""
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records]


def client(work=lambda **_: None):
    return make_app(LAND, work).test_client()


def test_a_line_is_one_json_object_without_what_is_none():
    assert json.loads(access.line({"path": "/", "status": 201, "run": None})) == {"path": "/", "status": 201}


@pytest.mark.parametrize(
    "break_", ["\n", "\r", "\x00", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\ud800"]
)
def test_nothing_that_a_request_holds_begins_a_line_or_moves_the_cursor(break_):
    line = access.line({"path": f"/x{break_}forged"})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"path": f"/x{break_}forged"}


@pytest.mark.parametrize("text", [SECRET, json.dumps(SECRET), f"/a?key={SECRET}&b", "acc%22ess%2F%5Clogged-52"])
def test_a_secret_is_not_logged_and_the_line_stays_json(text):
    line = access.line({"raw_dir": text, "status": 400})
    assert "logged-52" not in line
    assert "[secret]" in json.loads(line)["raw_dir"]
    assert json.loads(line)["status"] == 400


def test_a_secret_of_digits_does_not_break_the_figures_of_a_line():
    assert json.loads(access.line({"rows": 73914, "message": f"key {NUMBER}"})) == {
        "rows": 73914,
        "message": "key [secret]",
    }


def test_long_texts_are_cut_in_the_middle():
    shown = json.loads(access.line({"bug": "a" * 100_000 + "the end"}))["bug"]
    assert len(shown) < 17_000
    assert shown.startswith("aaa")
    assert shown.endswith("the end")


def test_a_cut_never_leaves_a_part_of_a_secret():
    shown = json.loads(access.line({"bug": "a" * 7_995 + SECRET + "b" * 10_000}))["bug"]
    assert SECRET[:4] not in shown


def test_each_request_is_one_line_with_its_facts(told):
    app = client()
    app.post("/", json=GIVEN)
    app.post("/", json={})
    app.get("/?token=in-the-query")
    app.get("/nowhere\nforged")
    lines = [json.loads(line) for line in told()]
    assert [(line["method"], line["status"]) for line in lines] == [
        ("POST", 201),
        ("POST", 400),
        ("GET", 200),
        ("GET", 404),
    ]
    assert lines[0].items() >= {**GIVEN, "path": "/", "remote": "127.0.0.1"}.items()
    assert lines[1]["message"] == "date parameter missed"
    assert "in-the-query" not in "".join(told())


def test_a_refused_job_is_logged_with_its_reason_and_without_secrets(told):
    def work(**_):
        raise FixThis(f"the API refuses {SECRET}")

    client(work).post("/", json=GIVEN)
    (line,) = told()
    assert json.loads(line)["message"] == "the API refuses [secret]"


def test_a_bug_in_a_job_is_one_line_with_its_traceback(told):
    def work(**_):
        raise RuntimeError(f"bug with {SECRET}")

    assert client(work).post("/", json=GIVEN).status_code == 500
    (line,) = told()
    assert "RuntimeError: bug with [secret]" in json.loads(line)["bug"]
    assert "Traceback" in json.loads(line)["bug"]
    assert "logged-52" not in line


def test_a_bug_outside_of_a_job_is_told_the_same_way(told):
    class Broken:
        def latest(self):
            raise RuntimeError(f"bug with {SECRET}")

    reply = make_app(LAND, lambda **_: None, history=Broken()).test_client().get("/")
    assert reply.status_code == 500
    assert reply.json["kind"] == "Bug"
    (line,) = told()
    assert "RuntimeError: bug with [secret]" in json.loads(line)["bug"]
