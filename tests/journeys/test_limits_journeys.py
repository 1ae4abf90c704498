"""Limits and retries, from a spec to the lake: what a server counts, what a person sees, and the run after that."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from cases import DAY, Settings, attempt, one, run, text_of
from levada.edges import Edges, FixedClock
from levada.errors import ContractBroken, LevadaError, TryLater
from levada.lake.memory import MemoryStore
from levada.pipeline import Pipeline
from levada.spec.read import read_text
from patience import PATIENCE, settles
from serving import serving
from terminals import Terminal
from webserver import Asked, Said, WebServer

PAGED = "request: {path: /rows}\npaging: {by: page, total_pages: $.pages}\nrecords: $.data[*]"


def page(asked: Asked, pages: int) -> dict[str, Any]:
    return {"data": [{"id": asked.number("page", 1)}], "pages": pages}


def rows(pages: int) -> list[dict[str, int]]:
    return [{"id": n} for n in range(1, pages + 1)]


def most(moments: Sequence[float], seconds: float) -> int:
    """The most requests in any span of so many seconds."""
    return max(sum(begin <= each < begin + seconds for each in moments) for begin in moments)


class Counted(WebServer):
    """Notes when each request came, on a clock of the test's choice."""

    def __init__(self, answer: Callable[[Asked], Any], monotonic: Callable[[], float] = time.monotonic) -> None:
        self.moments: list[float] = []

        def noted(asked: Asked) -> Any:
            self.moments.append(monotonic())
            return answer(asked)

        super().__init__(noted)


CLIENT = {"I": "client-4711", "S": "hidden-4711"}


def token_at(url: str) -> str:
    client = 'client_id: "${I}", client_secret: "${S}"'
    return f'auth: {{oauth2: {{grant: client_credentials, token_url: "{url}/token", {client}}}}}'


# --- rates ------------------------------------------------------------------------------------------------------------


def test_no_span_of_a_second_sees_more_than_ten_however_many_go_at_once():
    with Counted(lambda asked: page(asked, 31)) as server:
        limits = "limits: {concurrency: 8, rate: 10/s}"
        text = one(PAGED, source=limits).replace("${URL}", server.url)
        pipeline = Pipeline(read_text(text, "case.yaml", {}, lake="lake"), MemoryStore(), Edges(environment={}))
        assert pipeline.run(date=DAY)[0].counts.kept == 31
    # What was sent a second apart may come a little closer on a starved machine.
    assert most(server.moments, 0.8) <= 10
    assert server.moments[-1] - server.moments[0] >= 2.8


def test_a_rate_counts_from_when_requests_leave(monkeypatch):
    """Looking up the host takes a while: what was to go at once goes then, and the next second begins there."""
    lookup = socket.getaddrinfo

    def slow(*arguments: Any, **more: Any) -> Any:
        time.sleep(0.5)
        return lookup(*arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with Counted(lambda asked: page(asked, 8)) as server:
        text = one(PAGED, source="limits: {concurrency: 8, rate: 4/s}")
        text = text.replace("${URL}", server.url.replace("127.0.0.1", "localhost"))
        pipeline = Pipeline(read_text(text, "case.yaml", {}, lake="lake"), MemoryStore(), Edges(environment={}))
        assert pipeline.run(date=DAY)[0].counts.kept == 8
    assert most(server.moments, 0.8) <= 4


def test_all_rates_hold_to_the_moment_and_both_streams_share_them():
    clock = FixedClock()
    streams = "\n".join(
        f"{name}:\n  request: {{path: /{name}}}\n  paging: {{by: page, total_pages: $.pages}}\n"
        "  records: $.data[*]\n  contract: {fields: {id: int64}}"
        for name in ("one", "two")
    )
    with Counted(lambda asked: page(asked, 7), clock.monotonic) as server:
        text = text_of(streams, source="limits: {concurrency: 1, rate: [2/s, 6/10s]}")
        case = run(text, server, Settings(clock=clock))
    assert [done.counts.kept for done in case.runs] == [7, 7]
    assert [most(server.moments, seconds) for seconds in (1, 10)] == [2, 6]
    assert server.moments[-1] >= 20


@pytest.mark.parametrize("lives", [0, 3600])
def test_a_token_from_the_api_itself_counts_too(lives):
    """The page that a token was fetched for does not go out beside it."""
    clock = FixedClock()

    def answer(asked: Asked) -> Any:
        if asked.path == "/token":
            return {"access_token": "given-4711", "expires_in": lives}
        return page(asked, 4)

    with Counted(answer, clock.monotonic) as server:
        source = f"{token_at(server.url)}, limits: {{concurrency: 1, rate: 1/s}}"
        case = run(one(PAGED, source=source), server, Settings(environment=CLIENT, clock=clock))
    assert case.records() == rows(4)
    assert len(server.moments) == (8 if lives == 0 else 5)
    assert most(server.moments, 1) == 1


def test_a_token_fetched_anew_waits_for_its_turn_and_so_does_the_page():
    clock = FixedClock()
    given: list[str] = []

    def answer(asked: Asked) -> Any:
        if asked.path == "/token":
            given.append(f"given-{len(given)}")
            return {"access_token": given[-1]}
        if asked.number("page", 1) == 3 and len(given) == 1:
            return Said("ended", 401)
        return page(asked, 4)

    with Counted(answer, clock.monotonic) as server:
        source = f"{token_at(server.url)}, limits: {{concurrency: 1, rate: 1/s}}"
        case = run(one(PAGED, source=source), server, Settings(environment=CLIENT, clock=clock))
    assert (case.records(), len(given)) == (rows(4), 2)
    assert most(server.moments, 1) == 1


def test_what_a_token_endpoint_elsewhere_says_of_its_budget_is_not_about_the_api():
    def elsewhere(_: Asked) -> Said:
        spent = (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "3600"))
        return Said({"access_token": "given-4711", "expires_in": 0}, 200, spent)

    with WebServer(elsewhere) as endpoint, WebServer(lambda asked: page(asked, 4)) as server:
        case = run(one(PAGED, source=token_at(endpoint.url)), server, Settings(environment=CLIENT))
        assert len(endpoint.seen) == 4
    assert (case.records(), case.slept) == (rows(4), [])


def test_faults_of_a_token_endpoint_elsewhere_are_told_of_it():
    def failed(endpoint: str) -> LevadaError:
        case = attempt(one(PAGED, source=token_at(endpoint)), server, Settings(environment=CLIENT))
        assert case.error
        return case.error

    with WebServer(lambda asked: page(asked, 4)) as server, WebServer(lambda _: Said("busy now", 503)) as endpoint:
        gone, away, busy = failed("http://token.invalid"), failed("http://localhost:9"), failed(endpoint.url)
        assert (len(endpoint.seen), server.seen) == (5, [])
        endpoint.answer = lambda _: Said(None, 307, (("Location", f"{server.url}/token"),))
        astray = failed(endpoint.url)
        endpoint.answer = lambda _: b" " * 2_000_000
        large = failed(endpoint.url)
        assert server.seen == []
    assert "The host name does not exist: token.invalid" in gone.what
    assert "localhost does not take connections" in away.what
    assert isinstance(busy, TryLater)
    said = "127.0.0.1, asked for what `auth` needs, answers 503 Service Unavailable: busy now (asked 5 times)"
    assert said in busy.what
    assert "The redirects of 127.0.0.1 lead nowhere" in astray.what
    assert "The answer of 127.0.0.1 is too large for one with a token" in large.what
    for error in (gone, away, astray, large):
        assert "the URL of `auth` (case.yaml:2:" in error.todo
        assert "source.url" not in error.todo


def test_jobs_of_a_server_share_one_limiter(tmp_path):
    with Counted(lambda asked: page(asked, 6)) as api:
        text = one(PAGED, source="limits: {concurrency: 4, rate: 5/s}").replace("${URL}", api.url)
        (tmp_path / "case.yaml").write_text(text)
        with serving({}, tmp_path / "root", "--job", "land", spec=tmp_path / "case.yaml") as server:
            folders = [server.root / "raw" / "rows" / day for day in ("2022-08-01", "2022-08-02")]
            with ThreadPoolExecutor(2) as pool:
                jobs = list(pool.map(lambda folder: server.land(folder.name, folder), folders))
        assert [job.status // 100 for job in jobs] == [2, 2], jobs
    assert len(api.moments) == 12
    assert most(api.moments, 0.8) <= 5
    assert api.moments[-1] - api.moments[0] >= 1.8


# --- what the API says ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["epoch", "milliseconds", "seconds", "date"])
@pytest.mark.parametrize(
    "names", [("X-RateLimit-Remaining", "X-RateLimit-Reset"), ("ratelimit-remaining", "RateLimit-Reset")]
)
def test_with_nothing_left_no_request_goes_before_the_reset(names, style):
    clock = FixedClock()

    def answer(asked: Asked) -> Any:
        at = clock.start + timedelta(seconds=100)
        left = 100 - clock.monotonic()
        told = {"epoch": at.timestamp(), "milliseconds": 1000 * at.timestamp(), "seconds": left}.get(style)
        reset = format_datetime(at, usegmt=True) if told is None else f"{told:.0f}"
        if left <= 0:
            return page(asked, 4)
        return Said(page(asked, 4), 200, ((names[0], str(2 - len(server.moments))), (names[1], reset)))

    with Counted(answer, clock.monotonic) as server:
        case = run(one(PAGED), server, Settings(clock=clock))
    assert case.records() == rows(4)
    assert server.moments[:2] == [0, 0]
    assert all(99.9 <= each <= 101 for each in server.moments[2:])


def test_a_reset_of_a_403_is_waited_for_by_rule_and_the_names_may_be_the_specs():
    clock = FixedClock()

    def answer(asked: Asked) -> Any:
        if clock.monotonic() < 50:
            return Said({"message": "slow"}, 403, (("X-Left", "0"), ("X-Begins", "50")))
        return page(asked, 2)

    below = f"{PAGED}\nresponses: [{{status: 403, header: 'X-Left: 0', means: wait}}]"
    source = "limits: {concurrency: 1, budget: {remaining: X-Left, reset: X-Begins}}"
    with Counted(answer, clock.monotonic) as server:
        case = run(one(below, source=source), server, Settings(clock=clock))
    assert (case.records(), len(server.moments)) == (rows(2), 3)
    assert 50 <= server.moments[1] <= 51


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["7", "7.0", "date", "past", "nonsense"])
def test_retry_after_in_full(status, form):
    clock = FixedClock()

    def answer(asked: Asked) -> Any:
        if len(server.moments) > 1:
            return page(asked, 1)
        dates = {"date": 7, "past": -3600}
        value = format_datetime(clock.now() + timedelta(seconds=dates[form]), usegmt=True) if form in dates else form
        return Said("later", status, (("Retry-After", value),))

    with Counted(answer, clock.monotonic) as server:
        case = run(one(PAGED, source="retry: {wait: 2s}"), server, Settings(clock=clock))
    assert case.records() == rows(1)
    # What is past or cannot be read is no leave to ask at once: the whole `wait` goes by.
    assert server.moments[1] == pytest.approx(2 if form in ("past", "nonsense") else 7, abs=0.01)


def test_a_storm_of_429_narrows_what_is_under_way_and_loses_nothing():
    """Three at once is what the API bears; more are refused."""
    storm: list[int] = []
    lock = threading.Lock()

    def answer(asked: Asked) -> Any:
        with lock:
            storm.append(server.now)
        return page(asked, 120) if server.now <= 3 else Said("too many", 429)

    with WebServer(answer) as server:
        server.latency = 0.01
        retry = "retry: {wait: 10ms, attempts: 50}, limits: {concurrency: 16}"
        text = one(PAGED, source=retry).replace("${URL}", server.url)
        pipeline = Pipeline(read_text(text, "case.yaml", {}, lake="lake"), MemoryStore(), Edges(environment={}))
        assert pipeline.run(date=DAY)[0].counts.kept == 120
    assert max(storm) > 3, "more are asked for at once until the API says no"
    late = storm[len(storm) // 2 :]
    assert max(late) <= 6, "halved until it is borne, then one more at a time"
    assert len(storm) < 240


def test_while_a_page_is_asked_again_what_has_come_does_not_count_as_under_way():
    """As many as are left of the budget are under way; once they have come, nothing is waited for until the reset."""
    failed: list[int] = []

    def answer(asked: Asked) -> Any:
        number = asked.number("page", 1)
        left = (("X-RateLimit-Remaining", "3"), ("X-RateLimit-Reset", "3000"))
        if number == 4 and not failed:
            failed.append(number)
            settles(lambda: server.now > 1)  # those after it are under way
            return Said("broken", 500, left)
        return Said(page(asked, 12), 200, left)

    with WebServer(answer) as server:
        case = run(one(PAGED, source="retry: {wait: 10ms, max_wait: 2h}", concurrency=4), server)
    assert case.records() == rows(12)
    assert sum(case.slept) < 3000


# --- retries ----------------------------------------------------------------------------------------------------------


def waits(jitter: str) -> list[float]:
    with WebServer(lambda _: Said("away", 500)) as server:
        retry = f"retry: {{attempts: 8, wait: 2s, factor: 3, cap: 20s, jitter: {jitter}}}"
        case = attempt(one(PAGED, source=retry), server)
    assert (type(case.error), len(case.requests)) == (TryLater, 8)
    return case.slept


def test_jitter_is_between_nothing_and_the_whole_wait():
    longest = [2, 6, 18, 20, 20, 20, 20]
    assert waits("none") == longest
    several = [waits("full") for _ in range(6)]
    assert all(0 <= each <= most for one_run in several for each, most in zip(one_run, longest, strict=True))
    shares = [each / most for one_run in several for each, most in zip(one_run, longest, strict=True)]
    assert min(shares) < 0.25
    assert max(shares) > 0.75


@pytest.mark.parametrize(
    ("request_", "times"),
    [
        ("{path: /rows, json: {q: 1}}", 1),
        ("{path: /rows, method: POST}", 1),
        ("{path: /rows, json: {q: 1}, repeatable: true}", 5),
        ("{path: /rows, repeatable: false}", 1),
        ('{path: /rows, graphql: {query: "{ rows { id } }"}}', 5),
        ('{path: /rows, graphql: {query: "mutation { make { id } }"}}', 1),
    ],
)
@pytest.mark.parametrize("broken", [Said("half done", 500), Said("[{", 200), Said("half done", 504)])
def test_a_post_that_may_have_done_its_work_is_not_sent_twice(request_, times, broken):
    with WebServer(lambda _: broken) as server:
        case = attempt(one(f"request: {request_}"), server)
    # A body that stays broken is asked for three times or five; what counts is that it is asked again at all.
    assert (len(case.requests) > 1) == (times > 1)
    assert isinstance(case.error, TryLater | ContractBroken)
    assert ("`request: {repeatable: true}`" in case.error.todo) == (times == 1)


@pytest.mark.parametrize("status", [408, 425, 429])
def test_a_post_is_sent_again_where_it_was_surely_not_done(status):
    with WebServer(lambda _: Said("not now", status) if len(server.seen) == 1 else [{"id": 1}]) as server:
        assert run(one("request: {path: /rows, json: {q: 1}}"), server).records() == rows(1)


# --- what a person sees, and the next run -----------------------------------------------------------------------------


def spent(asked: Asked, reset: str, server: WebServer) -> Any:
    """After two pages nothing is left until the reset."""
    left = 2 - len(server.seen)
    return Said(page(asked, 4), 200, (("X-RateLimit-Remaining", str(max(0, left))), ("X-RateLimit-Reset", reset)))


def waiting(server: WebServer, tmp_path, max_wait: str):
    text = one(PAGED, source=f"retry: {{max_wait: {max_wait}}}").replace("${URL}", server.url)
    (tmp_path / "case.yaml").write_text(text)
    return "run", tmp_path / "case.yaml", "--date", DAY


def test_a_long_wait_is_a_plain_line_in_a_pipe_and_can_be_stopped(tmp_path):
    with WebServer(lambda asked: spent(asked, "40", server)) as server:
        command = [sys.executable, "-m", "levada", *map(str, waiting(server, tmp_path, "5m"))]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        ) as process:
            line = process.stderr.readline()
            process.terminate()
            process.communicate(timeout=PATIENCE)
        assert len(server.seen) == 2
    assert line in {f"case/rows {DAY}: waiting {seconds} s for the API's limit\n" for seconds in (39, 40)}
    assert process.returncode == 143


def test_a_long_wait_counts_down_on_a_terminal(shell, tmp_path):
    with WebServer(lambda asked: spent(asked, "40", server)) as server:
        terminal = Terminal(shell, *waiting(server, tmp_path, "5m"))
        live = f"case/rows {DAY}: 2 pages, 2 rows, waiting"
        terminal.until(lambda: f"{live} 37 s for the API's limit" in terminal.text)
        terminal.type("\x03")
        assert terminal.end() == 130
    assert f"{live} 38 s for the API's limit" in terminal.text
    assert "Traceback" not in terminal.text


def test_a_wait_over_max_wait_ends_with_75_and_its_time_and_the_next_run_goes_on(shell, tmp_path):
    at = int(time.time()) + 3600
    with WebServer(lambda asked: spent(asked, str(at), server)) as server:
        command = waiting(server, tmp_path, "5m")
        done = shell(*command)
        as_json = shell(*command, "--json")
        assert server.targets == ["/rows?page=1", "/rows?page=2", "/rows?page=3"]
        server.answer = lambda asked: page(asked, 4)
        again = shell(*command)
        assert server.targets[3:] == ["/rows?page=4"]
    assert done.returncode == as_json.returncode == 75
    moment = time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))
    assert f"not before: {moment}" in done.stderr
    assert "for the API's limit, and `max_wait` is 300 s." in done.stderr
    assert "page 3" in done.stderr
    assert json.loads(as_json.stdout)["errors"][0]["at"].startswith(moment.replace(" ", "T"))
    assert again.returncode == 0
    assert "4 pages, 4 rows read" in again.stdout
    assert "3 pages taken over from an interrupted run" in again.stdout


@pytest.mark.parametrize("form", ["3600", "date"])
def test_a_retry_after_over_max_wait_ends_with_75_and_its_time(form, shell, tmp_path):
    def answer(asked: Asked) -> Any:
        if asked.number("page", 1) < 3:
            return page(asked, 4)
        value = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3600)) if form == "date" else form
        return Said({"message": "come back later"}, 429, (("Retry-After", value),))

    with WebServer(answer) as server:
        done = shell(*waiting(server, tmp_path, "5m"))
        assert server.targets.count("/rows?page=3") == 1
        server.forget()
        server.answer = lambda asked: page(asked, 4)
        again = shell(*waiting(server, tmp_path, "5m"))
        assert server.targets[0] == "/rows?page=3"
        assert sorted(server.targets) == ["/rows?page=3", "/rows?page=4"]
    assert done.returncode == 75
    assert "The API answers 429 Too Many Requests: come back later." in done.stderr
    assert "not before: 20" in done.stderr
    assert again.returncode == 0
