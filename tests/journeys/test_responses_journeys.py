"""What answers mean: each word of `responses`, each condition, from a spec to the lake."""

import json
from typing import Any

import pytest

from cases import DAY, Case, Settings, attempt, one, run, text_of
from levada.errors import ApiRefused, TryLater
from simulated import Levada
from webserver import Asked, Said, WebServer

PAGED = "request: {path: /rows}\npaging: {by: page}"
TOKEN = 'auth: {login: {path: /login, json: {key: "${KEY}"}, token: $.token}}'
SETTINGS: dict[str, Any] = {"environment": {"KEY": "hidden-4711"}}


def rows(*ids: int) -> list[dict[str, int]]:
    return [{"id": n} for n in ids]


def odd(said: Said, at: int = 3, times: int = 99, last: int = 5) -> WebServer:
    """Pages of one record up to `last`, then an empty one; page `at` is odd the first `times` it is asked for."""

    def answer(asked: Asked) -> Any:
        if asked.path == "/login":
            logins.append(asked)
            return {"token": f"session-{len(logins)}"}
        number = asked.number("page", 1)
        if number == at and len(met) < times:
            met.append(asked)
            return said
        return rows(number) if number <= last else []

    met: list[Asked] = []
    logins: list[Asked] = []
    return WebServer(answer)


def case_of(rules: str, server: WebServer, *, below: str = PAGED, source: str = "") -> Case:
    with server:
        text = one(f"{below}\nresponses: [{rules}]", source=source)
        return attempt(text, server, Settings(**SETTINGS))


# --- conditions -------------------------------------------------------------------------------------------------------

GONE = Said({"code": "gone", "errors": [{"message": "no more"}]}, 404, (("X-Why", "Over"), ("X-More", "")))
MEANT = [
    "status: 404",
    "status: [410, 404]",
    "status: 4xx",
    "text: 'no more'",
    "json: $.errors",
    "json: '$[?@ == \"gone\"]'",
    "header: X-Why",
    "header: X-More",
    "header: 'x-why: Over'",
    "status: 404, text: gone, json: $.code, header: X-Why",
]
NOT_MEANT = [
    "status: 405",
    "status: [400, 410]",
    "status: 5xx",
    "text: 'No More'",
    "json: $.error",
    "header: X-Because",
    "header: 'X-Why: Ove'",
    "header: 'X-Why: over'",
    "status: 404, text: other",
    "status: 404, json: $.other",
    "status: 404, header: 'X-Why: Other'",
    "status: 403, text: gone, json: $.code, header: X-Why",
]


@pytest.mark.parametrize("condition", MEANT)
def test_a_rule_whose_conditions_fit_decides(condition):
    case = case_of(f"{{{condition}, means: end}}", odd(GONE))
    assert (case.outcome, case.records()) == ("done", rows(1, 2))
    assert case.requests == [f"/rows?page={n}" for n in (1, 2, 3)]


@pytest.mark.parametrize("condition", NOT_MEANT)
def test_a_rule_of_which_one_condition_does_not_fit_decides_nothing(condition):
    case = case_of(f"{{{condition}, means: end}}", odd(GONE))
    assert isinstance(case.error, ApiRefused)
    assert "404 Not Found, and no rule says what that means" in case.error.what
    assert case.records() == []


def test_the_first_rule_that_fits_decides():
    rules = "{status: 410, means: fail}", "{json: $.code, means: end}", "{text: gone, means: fail}"
    assert case_of(", ".join(rules), odd(GONE)).outcome == "done"
    assert isinstance(case_of(", ".join(reversed(rules)), odd(GONE)).error, ApiRefused)


@pytest.mark.parametrize("form", ["csv", "xml", "json_lines", "{type: json, unpack: gzip}"])
def test_errors_are_json_whatever_the_pages_are_written_in(form):
    below = f"request: {{path: /rows}}\nformat: {form}"
    said = Said({"errors": [{"message": "the quota is spent"}]}, 400)
    with WebServer(lambda _: said) as server:
        case = attempt(one(f"{below}\nresponses: [{{json: $.errors, means: fail}}]"), server)
        as_200 = WebServer(lambda _: Said(said.body, 200, (("Content-Type", "application/problem+json; x=1"),)))
    assert "400 Bad Request, which case.yaml:7:" in str(case.error)
    assert "the quota is spent" in str(case.error)
    with as_200:
        case = attempt(one(f"{below}\nresponses: [{{json: $.errors, means: no_data}}]"), as_200)
    assert (case.error, case.outcome) == (None, "no data")


def test_texts_are_compared_as_texts_whatever_their_charset():
    said = Said("não há mais".encode("latin-1"), 404, (("Content-Type", "text/plain; charset=iso-8859-1"),))
    assert case_of("{status: 404, text: 'não há', means: end}", odd(said)).outcome == "done"
    failed = case_of("{status: 404, means: fail}", odd(said))
    assert "não há mais" in str(failed.error)
    refused = case_of("{status: 404, means: end}", odd(Said(said.body, 401, said.headers)))
    assert "não há mais" in str(refused.error)


# --- meanings ---------------------------------------------------------------------------------------------------------


def test_end_and_no_data_and_empty():
    assert case_of("{status: 404, means: end}", odd(GONE)).records() == rows(1, 2)
    at_once = case_of("{status: 404, means: no_data}", odd(GONE, at=1))
    assert (at_once.outcome, at_once.requests) == ("no data", ["/rows?page=1"])
    # An empty page ends page numbers by itself.
    empty = case_of("{status: 404, means: empty}", odd(GONE))
    assert (empty.outcome, empty.records()) == ("done", rows(1, 2))
    below = "request: {path: /rows}\npaging: {by: page, stop_when_empty: false, last: 5}"
    between = case_of("{status: 404, means: empty}", odd(GONE), below=below)
    assert (between.outcome, between.records()) == ("done", rows(1, 2, 4, 5))


def test_retry_is_counted_and_ends_with_try_later():
    again = case_of("{status: 404, means: retry}", odd(GONE, times=4))
    assert (again.outcome, again.requests.count("/rows?page=3"), again.records()) == ("done", 5, rows(1, 2, 3, 4, 5))
    for_good = case_of("{status: 404, means: retry}", odd(GONE))
    assert isinstance(for_good.error, TryLater)
    assert for_good.requests.count("/rows?page=3") == 5
    assert "no more (asked 5 times)" in str(for_good.error)


def test_wait_is_not_counted_and_lasts_as_long_as_the_api_says():
    told = Said({"message": "being made"}, 202, (("Retry-After", "20"),))
    case = case_of("{status: 202, means: wait}", odd(told, times=12))
    assert (case.outcome, case.slept, case.records()) == ("done", [20.0] * 12, rows(1, 2, 3, 4, 5))
    untold = case_of("{status: 202, means: wait}", odd(Said({"message": "being made"}, 202), times=6))
    assert untold.outcome == "done"
    assert untold.slept == sorted(untold.slept)
    assert untold.slept[0] >= 1
    for_good = case_of("{status: 202, means: wait}", odd(told), source="retry: {max_wait: 1m}")
    assert isinstance(for_good.error, TryLater)
    assert (for_good.slept, for_good.requests.count("/rows?page=3")) == ([20.0] * 3, 4)
    assert for_good.error.at is not None


def test_waits_by_rule_leave_all_tries_to_what_follows():
    def answer(_: Asked) -> Any:
        came = len(server.seen)
        return Said("being made", 202) if came <= 5 else Said("broken", 500) if came <= 9 else rows(1)

    with WebServer(answer) as server:
        case = run(one("request: {path: /rows}\nresponses: [{status: 202, means: wait}]"), server)
    assert (len(case.requests), case.records()) == (10, rows(1))


def test_skip_is_a_counted_gap():
    case = case_of("{status: 404, means: skip}", odd(GONE))
    (done,) = case.runs
    assert (done.outcome, case.records()) == ("partial", rows(1, 2, 4, 5))
    assert [(gap.status, "no more" in gap.why) for gap in done.gaps] == [(404, True)]


def test_skip_leaves_the_command_with_4_and_tells_the_gap(tmp_path):
    with odd(GONE) as server:
        text = one(f"{PAGED}\nresponses: [{{status: 404, means: skip}}]").replace("${URL}", server.url)
        (tmp_path / "case.yaml").write_text(text)
        shell = Levada({}, tmp_path)
        done = shell("run", "case.yaml", "--date", DAY)
        status = shell("status", "--lake", "lake")
    assert done.returncode == 4
    assert f"case/rows {DAY}: partial, 1 gap, " in done.stdout
    assert "gap: " in done.stdout
    assert "404: " in done.stdout
    assert "partial" in status.stdout
    (record,) = (tmp_path / "lake").rglob("commit.json")
    assert [gap["status"] for gap in json.loads(record.read_text())["gaps"]] == [404]


def test_skip_moves_no_cursor():
    text = one(
        'request: {path: /rows, params: {since: "{start}"}}\npaging: {by: page}\n'
        "incremental: {cursor: $.at, type: number, start: 0}\nresponses: [{status: 404, means: skip}]",
        fields="id: int64, at: int64",
    )

    def answer(asked: Asked) -> Any:
        number = asked.number("page", 1)
        if number == 2 and server.broken:
            return GONE
        return [{"id": number, "at": number}] if number <= 3 else []

    settings = Settings(date=None)
    with WebServer(answer) as server:
        server.broken = {2}
        first = attempt(text, server, settings)
        assert (first.error, first.outcome) == (None, "partial")
        server.broken = set()
        settings.clock.pause(60)
        second = run(text, server, settings)
        settings.clock.pause(60)
        third = run(text, server, settings)
    assert [case.requests[0] for case in (first, second, third)] == [
        "/rows?since=0&page=1",
        "/rows?since=0&page=1",
        "/rows?since=3&page=1",
    ]
    assert second.outcome == "done"


@pytest.mark.parametrize(
    "said", [Said({"message": "session over"}, 403), Said({"error": "session over"}, 200), Said("session over", 419)]
)
def test_refresh_auth_fetches_a_token_and_asks_once_more(said):
    rule = "{text: 'session over', means: refresh_auth}"
    once = case_of(rule, odd(said, times=1), source=TOKEN)
    assert (once.outcome, once.records()) == ("done", rows(1, 2, 3, 4, 5))
    assert (once.requests.count("/login"), once.requests.count("/rows?page=3")) == (2, 2)
    for_good = case_of(rule, odd(said), source=TOKEN)
    assert isinstance(for_good.error, ApiRefused)
    assert (for_good.requests.count("/login"), for_good.requests.count("/rows?page=3")) == (2, 2)
    assert "which case.yaml:7:17 calls a refused key: " in for_good.error.what
    assert "session over" in for_good.error.what


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "The quota is spent."}, "The quota is spent."),
        ({"error": {"code": 7, "message": "bad filter"}}, "bad filter"),
        ({"errors": [{"detail": "no such field"}]}, "no such field"),
        ({"title": "Gone", "detail": "was moved"}, "was moved"),
        ("plain words", "plain words"),
    ],
)
def test_fail_shows_the_apis_own_message(body, words):
    case = case_of("{status: 418, means: fail}", odd(Said(body, 418)))
    assert isinstance(case.error, ApiRefused)
    assert case.error.what == f"The API answers 418 I'm a Teapot, which case.yaml:7:17 calls a failure: {words}"
    assert case.requests.count("/rows?page=3") == 1


@pytest.mark.parametrize("status", [200, 201])
def test_errors_of_graphql_fail_with_their_message_unless_a_rule_says_otherwise(status):
    def answer(_: Asked) -> Any:
        said = {"data": {"rows": rows(1)}, "errors": [{"message": "rows are slow today", "path": ["rows"]}]}
        return Said(said if len(server.seen) == 1 else {"data": {"rows": rows(1)}}, status)

    below = 'request: {path: /graph, graphql: {query: "{ rows { id } }"}}\nrecords: $.data.rows[*]'
    with WebServer(answer) as server:
        failed = attempt(one(below), server)
        server.forget()
        case = run(one(f"{below}\nresponses: [{{json: $.errors, means: retry}}]"), server)
    assert isinstance(failed.error, ApiRefused)
    assert "with errors of GraphQL: rows are slow today" in failed.error.what
    assert (len(case.requests), case.records()) == (2, rows(1))


def test_rules_of_defaults_hold_for_every_stream_that_has_none():
    text = text_of(f"""
one:
  {PAGED.replace(chr(10), chr(10) + "  ")}
  contract: {{fields: {{id: int64}}}}
two:
  {PAGED.replace(chr(10), chr(10) + "  ")}
  responses: [{{status: 404, means: skip}}]
  contract: {{fields: {{id: int64}}}}
""")
    with odd(GONE) as server:
        case = run(text + "defaults: {responses: [{status: 404, means: end}]}\n", server)
    assert [done.outcome for done in case.runs] == ["done", "partial"]
