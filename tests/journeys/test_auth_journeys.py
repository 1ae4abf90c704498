"""Every way to say who asks, from a spec to the lake, on servers that look at what they get."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

import jwt
import pytest

from cases import Settings, attempt, one, run
from levada.cli.main import main
from levada.edges import Edges, FixedClock
from levada.errors import ApiRefused, LevadaError
from levada.pipeline import load
from levada.source.auth.token import forget
from levada.source.events import Refused
from mockapi import PAGE, POSTS
from patience import PATIENCE
from signing import apart
from simulated import Levada
from webserver import Asked, Said, WebServer

DAY = "2022-08-09"
FIELDS = "id: int64, title: string"
PAGED = """request: {path: /posts}
paging: {by: page, total_pages: $.total_pages}
records: $.data[*]"""
FIVE = [f"/posts?page={n}" for n in range(1, 6)]

#: Values that need every kind of escape on some way: blanks, quotes and what URLs and forms reserve.
KEY = 'kéy+/=&;%41 #?"open'
PLAIN = "plain-key-4711"
#: Ten characters: the Base64 of user and password does not begin with that of the user alone.
USER, PASSWORD = "some users", "pass:wörd/+&4711"
CLIENT, SECRET = "client-4711", "client secret/+&=4711"
REFRESH = "refresh-token-0"
HMAC = "a-shared-secret-of-more-than-thirty-two-bytes"
AWS_ID, AWS_SECRET, AWS_SESSION = "AKIDEXAMPLE4711", "wJalrXUtnFEMI/K7MDENG+bPxRfiCY", "session/token+4711=="
ENVIRONMENT = {"KEY": KEY, "PLAIN": PLAIN, "USER_": USER, "PASS": PASSWORD, "ID": CLIENT, "SECRET": SECRET}
ENVIRONMENT |= {"REFRESH": REFRESH, "HMAC": HMAC, "AWS_ID": AWS_ID, "AWS_SECRET": AWS_SECRET, "AWS_TOKEN": AWS_SESSION}
BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
MODULE = """
import hashlib
from dataclasses import replace
from levada.edges import Credential
from levada.secret import Secret

class Signer:
    def __init__(self, key):
        self.key = key
    def sign(self, call, now):
        line = call.url.partition("://")[2].partition("/")[2] + self.key.value
        stamp = Secret("stamp", hashlib.sha256(line.encode()).hexdigest())
        return replace(call, credentials=(Credential("header", "X-Stamp", stamp),))
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    apart(monkeypatch)
    yield
    sys.modules.pop("journey_hooks", None)


def page_of(asked: Asked) -> dict[str, Any]:
    page = asked.number("page", 1)
    return {"data": POSTS[(page - 1) * PAGE : page * PAGE], "total_pages": len(POSTS) // PAGE}


def said_of(asked: Asked) -> str:
    """All that a request told, as a server may give it back."""
    alone = asked.headers.get("authorization", "").split(" ")[-1]
    return f"{asked.raw} {dict(asked.headers)} {alone} {asked.body.decode('utf-8', 'replace')}"


class Door(WebServer):
    """25 posts for who is let in; gives tokens at /token and /login, numbered, and tells everything it was told."""

    def __init__(self, admits: Callable[["Door", Asked], Any], **gives: Any) -> None:
        super().__init__(self._door, truth=POSTS)
        self._admits, self.gives = admits, gives
        self.given = 0
        self.good: set[str] = set()
        #: Pages that were given.
        self.served = 0
        self.counting = threading.Lock()

    def _door(self, asked: Asked) -> Any:
        if asked.path in ("/token", "/login"):
            return self.token(asked)
        with self.counting:
            if not self._admits(self, asked):
                return Said({"message": f"you said {said_of(asked)}"}, 401)
            self.served += 1
        return page_of(asked)

    def token(self, asked: Asked) -> Any:  # noqa: ARG002 - others look at it
        with self.counting:
            self.given += 1
            value = f"given-token-{self.given}"
            self.good = {value}
        return Said({"access_token": value, **self.gives}, 200, (("X-Session", value),))

    @property
    def tokens(self) -> list[Asked]:
        return [asked for asked in self.seen if asked.path in ("/token", "/login")]

    @property
    def pages(self) -> list[str]:
        return [asked.target for asked in self.seen if asked.path == "/posts"]


def bearer(door: Door, asked: Asked) -> bool:
    return asked.headers.get("authorization", "").removeprefix("Bearer ") in door.good


def jwt_of(_: Door, asked: Asked) -> bool:
    token = asked.headers.get("authorization", "").removeprefix("Bearer ")
    try:
        claims = jwt.decode(
            token, HMAC, algorithms=["HS256"], issuer="me", options={"verify_exp": False, "verify_iat": False}
        )
    except jwt.PyJWTError:
        return False
    return claims["exp"] - claims["iat"] == 300


def aws(_: Door, asked: Asked) -> bool:
    """Whether a request is signed as AWS's documents have it; made from what has arrived alone."""
    algorithm, _, rest = asked.headers.get("authorization", "").partition(" ")
    if algorithm != "AWS4-HMAC-SHA256":
        return False
    told = dict(part.split("=", 1) for part in rest.split(", "))
    access, day, region, service, last = told["Credential"].split("/")
    names = told["SignedHeaders"].split(";")
    pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in asked.query)
    canonical = [asked.method, asked.path, "&".join(f"{name}={value}" for name, value in pairs)]
    canonical += [*(f"{name}:{asked.headers[name]}" for name in names), "", ";".join(names)]
    canonical.append(hashlib.sha256(asked.body).hexdigest())
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    stamp = asked.headers["x-amz-date"]
    text = "\n".join([algorithm, stamp, f"{day}/{region}/{service}/{last}", digest])
    key = f"AWS4{AWS_SECRET}".encode()
    for part in (day, region, service, last):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    right = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return (
        (access, region, service, stamp[:8]) == (AWS_ID, "eu-west-1", "execute-api", day)
        and {"host", "x-amz-date", "x-amz-security-token"} <= set(names)
        and asked.headers["x-amz-security-token"] == AWS_SESSION
        and told["Signature"] == right
    )


def stamped(_: Door, asked: Asked) -> bool:
    return asked.headers.get("x-stamp") == hashlib.sha256(f"{asked.raw[1:]}{KEY}".encode()).hexdigest()


@dataclass(frozen=True)
class Way:
    """A way of authentication: the spec's `auth`, and who is let in."""

    auth: str
    admits: Callable[[Door, Asked], Any]
    #: Tokens that a run fetches.
    tokens: int = 0
    gives: dict[str, Any] = field(default_factory=dict)


_CLIENT = 'client_id: "${ID}", client_secret: "${SECRET}"'
_LOGIN = 'path: /login, json: {username: "${USER_}", password: "${PASS}"}'
WAYS = {
    "header": Way('{header: X-Key, key: "${PLAIN}"}', lambda _, asked: asked.headers.get("x-key") == PLAIN),
    "query": Way('{query: api_key, key: "${KEY}"}', lambda _, asked: asked.value("api_key") == KEY),
    "cookie": Way('{cookie: sid, key: "${PLAIN}"}', lambda _, asked: asked.headers.get("cookie") == f"sid={PLAIN}"),
    "bearer": Way('{bearer: "${PLAIN}"}', lambda _, asked: asked.headers.get("authorization") == f"Bearer {PLAIN}"),
    "basic": Way(
        '{basic: {user: "${USER_}", password: "${PASS}"}}',
        lambda _, asked: asked.headers.get("authorization") == f"Basic {BASIC}",
    ),
    "client credentials": Way(
        f'{{oauth2: {{grant: client_credentials, token_url: "URL/token", {_CLIENT}}}}}', bearer, 1
    ),
    "client in basic": Way(
        f'{{oauth2: {{grant: client_credentials, token_url: "URL/token", {_CLIENT}, client_in: basic}}}}', bearer, 1
    ),
    "refresh token": Way(
        f'{{oauth2: {{grant: refresh_token, token_url: "URL/token", {_CLIENT}, refresh_token: "${{REFRESH}}"}}}}',
        bearer,
        1,
        {"refresh_token": "rotated-refresh-token"},
    ),
    "log-in": Way(f"{{login: {{{_LOGIN}, token: $.access_token}}}}", bearer, 1),
    "log-in by header, sent in the query": Way(
        f"{{login: {{{_LOGIN}, token_header: X-Session, query: sid, lives: 30m}}}}",
        lambda door, asked: asked.value("sid") in door.good,
        1,
    ),
    "signed token": Way('{jwt: {key: "${HMAC}", algorithm: HS256, claims: {iss: me}}}', jwt_of),
    "traded token": Way(
        '{jwt: {key: "${HMAC}", algorithm: HS256, claims: {iss: me}, token_url: "URL/token"}}', bearer, 1
    ),
    "aws": Way(
        '{sigv4: {service: execute-api, region: eu-west-1, access_key: "${AWS_ID}", secret_key: "${AWS_SECRET}",'
        ' session_token: "${AWS_TOKEN}"}}',
        aws,
    ),
    "class": Way('{class: "journey_hooks:Signer", secrets: {key: "${KEY}"}}', stamped),
}
#: What may be read nowhere: the values, and what is made of them on the way.
_MADE = (BASIC, base64.b64encode(f"{quote_plus(CLIENT)}:{quote_plus(SECRET)}".encode()).decode(), "given-token-1")
_ALL = (*ENVIRONMENT.values(), *_MADE, "rotated-refresh-token")


def forms(value: str) -> set[str]:
    """A value in every form in which it may show."""
    written = {
        value,
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        json.dumps(value)[1:-1],
        repr(value)[1:-1],
    }
    written |= {json.dumps(value, ensure_ascii=False)[1:-1], value.encode().decode("latin-1")}
    return written | {base64.b64encode(value.encode()).decode(), base64.urlsafe_b64encode(value.encode()).decode()}


def leaks(*texts: str | bytes) -> list[str]:
    """The secrets that stand in these texts, in whatever form."""
    joined = b"\0".join(text.encode() if isinstance(text, str) else text for text in texts).lower()
    return [value for value in _ALL for form in forms(value) if form.encode().lower() in joined]


def written(folder, server: WebServer, way: Way, below: str = PAGED, **more: Any):
    """A spec of this way in a folder of its own, as a file, its own module beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "journey_hooks.py").write_text(MODULE)
    source = f"auth: {way.auth.replace('URL', server.url)}"
    text = one(below, fields=FIELDS, source=source, **more).replace("${URL}", server.url)
    (folder / "case.yaml").write_text(text)
    return folder / "case.yaml"


def files(folder) -> list[bytes]:
    """All that stands in a folder but what the user wrote, and the file that is there to keep tokens."""
    own = {"case.yaml", "journey_hooks.py", ".levada-tokens.json"}
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name not in own]


@pytest.fixture
def shell(tmp_path) -> Levada:
    return Levada(ENVIRONMENT, tmp_path)


@dataclass(frozen=True)
class Told:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def here(monkeypatch, capsys) -> Callable[..., Told]:
    """The command line in this process, as a new one would start for each way costs a second each time."""

    def told(*arguments: object) -> Told:
        monkeypatch.setattr(sys, "argv", ["levada", *map(str, arguments)])
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        forget()
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return Told(int(left.value.code or 0), said.out, said.err)

    return told


@pytest.mark.parametrize("name", WAYS)
def test_every_way_gives_all_posts_and_shows_nothing(name, here, tmp_path, caplog):
    caplog.set_level("DEBUG")
    way = WAYS[name]
    with Door(way.admits, **way.gives) as door:
        spec = written(tmp_path, door, way, concurrency=4)
        done = [here("check", spec), here("preview", spec, "--date", DAY), here("check", spec, "--live")]
        assert [each.returncode for each in done] == [0, 0, 0], done
        assert not (tmp_path / "lake").exists()
        door.forget()
        done.append(here("run", spec, "--date", DAY))
        assert done[-1].returncode == 0, done[-1].stderr
        assert "done, 5 pages, 25 rows read, 25 kept" in done[-1].stdout
        assert sorted(asked.value("page") for asked in door.seen if asked.path == "/posts") == list("12345")
        assert len(door.tokens) == way.tokens
        done.append(here("status", "--lake", tmp_path / "lake", "--json"))
    kept = files(tmp_path / "lake")
    assert kept
    assert leaks(caplog.text, *(each.stdout + each.stderr for each in done), *files(tmp_path)) == []


@pytest.mark.parametrize("name", WAYS)
def test_who_is_not_let_in_leaves_with_2_and_shows_nothing(name, here, tmp_path):
    way = WAYS[name]
    with Door(lambda *_: False, **way.gives) as door:
        spec = written(tmp_path, door, way)
        done = [here("run", spec, "--date", DAY)]
        # Once more with a token that was fetched anew, where there is one; a second 401 is final.
        fetched = 2 if way.tokens or name == "signed token" else 1
        assert (len(door.pages), len(door.tokens)) == (fetched, 2 * way.tokens)
        done += [here("run", spec, "--date", DAY, "--json"), here("preview", spec, "--date", DAY)]
        done.append(here("check", spec, "--live"))
        assert [each.returncode for each in done] == [2, 2, 2, 2], done
        assert "401 Unauthorized: you said /posts?page=1" in done[0].stderr
    assert "Check " in done[0].stderr
    assert leaks(*(each.stdout + each.stderr for each in done), *files(tmp_path)) == []


@pytest.mark.parametrize("name", [name for name in WAYS if WAYS[name].tokens])
def test_an_endpoint_that_refuses_is_told_with_2_and_shows_nothing(name, here, tmp_path):
    def answer(asked: Asked) -> Any:
        return Said({"error": "invalid_client", "error_description": f"not you: {said_of(asked)}"}, 401)

    with WebServer(answer) as server:
        spec = written(tmp_path, server, WAYS[name])
        done = [here("run", spec, "--date", DAY), here("run", spec, "--date", DAY, "--json")]
        assert [each.returncode for each in done] == [2, 2]
        assert server.targets == [server.targets[0]] * 2
    assert "answers 401 Unauthorized" in done[0].stderr
    assert "not you: " in done[0].stderr
    assert f"{server.targets[0]}" in done[0].stderr
    assert "Check " in done[0].stderr
    assert leaks(*(each.stdout + each.stderr for each in done), *files(tmp_path)) == []


@pytest.mark.parametrize("name", WAYS)
def test_errors_and_events_of_a_pipeline_hold_nothing_either(name, tmp_path):
    way, seen = WAYS[name], []
    clock = FixedClock()

    def refuse(asked: Asked) -> Said:
        return Said({"error": "invalid_client", "error_description": said_of(asked)}, 401)

    def busy(asked: Asked) -> Said:
        return Said(f"busy: {said_of(asked)}", 503)

    for server in (Door(lambda *_: False, **way.gives), WebServer(refuse), WebServer(busy)):
        forget()
        with server:
            edges = Edges(clock=clock, environment=ENVIRONMENT)
            pipeline = load(str(written(tmp_path, server, way)), edges=edges)
            with pytest.raises(LevadaError) as told:
                pipeline.observed(seen.append).run(date=DAY)
        assert leaks(str(told.value), repr(told.value), repr(seen), *files(tmp_path)) == []
    assert [event for event in seen if isinstance(event, Refused)]


# --- tokens -----------------------------------------------------------------------------------------------------------


def tokens(door: Door, more: str = "", grant: str = "client_credentials") -> str:
    return f'auth: {{oauth2: {{grant: {grant}, token_url: "{door.url}/token", {_CLIENT}{more}}}}}'


SETTINGS: dict[str, Any] = {"environment": ENVIRONMENT}


def many(asked: Asked, pages: int = 12) -> dict[str, Any]:
    page = asked.number("page", 1)
    return {"data": [{"id": page, "title": "t"}], "total_pages": pages}


def test_pages_in_flight_with_a_token_that_ended_are_asked_again_and_one_token_is_fetched():
    """From the sixth page on only the next token counts: whatever was under way with the first one is refused."""
    refused: list[str] = []

    def answer(asked: Asked) -> Any:
        if asked.path == "/token":
            door.given += 1
            return {"access_token": f"given-token-{door.given}"}
        with door.counting:
            door.served += 1
            good = "given-token-1" if door.served <= 5 else "given-token-2"
        if asked.headers.get("authorization") == f"Bearer {good}":
            return many(asked)
        refused.append(asked.target)
        return Said({"message": "ended"}, 401)

    door = Door(bearer)
    door.answer = answer
    door.latency = 0.02
    with door:
        case = run(
            one(PAGED, fields=FIELDS, source=tokens(door) + ", limits: {concurrency: 4}"), door, Settings(**SETTINGS)
        )
    assert case.records() == [{"id": n, "title": "t"} for n in range(1, 13)]
    assert door.given == 2
    assert 1 < len(refused) <= 4
    assert len(set(refused)) == len(refused)
    assert len(door.pages) == 12 + len(refused)
    assert case.slept == []


def test_a_token_that_is_about_to_end_is_fetched_before_and_nothing_is_refused():
    """Each page and each token takes a minute; a token that lives 200 s is good for the two pages after it."""
    with Door(bearer, expires_in=200) as door:
        source = f"{tokens(door)}, limits: {{concurrency: 1, rate: 1/m}}, retry: {{max_wait: 1h}}"
        case = run(one(PAGED, fields=FIELDS, source=source), door, Settings(**SETTINGS))
    assert (case.records(), door.served) == (POSTS, 5)
    assert [asked.path for asked in door.seen] == ["/token", "/posts", "/posts"] * 2 + ["/token", "/posts"]


def test_a_token_that_ends_at_once_is_fetched_for_each_page_whatever_the_concurrency():
    with Door(
        lambda _, asked: asked.headers.get("authorization", "").startswith("Bearer given-"), expires_in=0
    ) as door:
        case = run(one(PAGED, fields=FIELDS, source=tokens(door), concurrency=4), door, Settings(**SETTINGS))
    assert (case.records(), door.given, len(door.pages)) == (POSTS, 5, 5)


def test_a_second_refusal_is_final_after_one_more_token():
    with Door(lambda *_: False) as door:
        case = attempt(one(PAGED, fields=FIELDS, source=tokens(door), concurrency=4), door, Settings(**SETTINGS))
    assert isinstance(case.error, ApiRefused)
    assert (door.given, door.pages.count(FIVE[0])) == (2, 2)
    assert "ID and SECRET" in case.error.todo


def test_an_endpoint_that_is_busy_is_asked_again_and_its_wait_is_kept():
    with Door(bearer) as door:
        door.fail("/token", None, [Said("busy", 429, (("Retry-After", "7"),)), Said("busy", 503)])
        case = run(one(PAGED, fields=FIELDS, source=tokens(door)), door, Settings(**SETTINGS))
    assert (len(door.tokens), case.records()) == (3, POSTS)
    assert case.slept[0] == 7


class Rotating(Door):
    """Takes each refresh token once and gives the next; tells who used one twice."""

    def __init__(self, expires_in: int) -> None:
        super().__init__(lambda _, asked: "given-" in asked.headers.get("authorization", ""))
        self.expires_in = expires_in
        self.reused = 0

    def token(self, asked: Asked) -> Any:
        with self.counting:
            if asked.form.get("refresh_token") != f"refresh-token-{self.given}":
                self.reused += 1
                return Said({"error": "invalid_grant"}, 400)
            self.given += 1
            rotated = f"refresh-token-{self.given}"
            return {"access_token": f"given-{self.given}", "refresh_token": rotated, "expires_in": self.expires_in}


def test_rotated_tokens_go_from_run_to_run(shell, tmp_path):
    with Rotating(3600) as door:
        spec = written(tmp_path, door, WAYS["refresh token"])
        done = [shell("run", spec, "--date", f"2022-08-0{n}") for n in (1, 2, 3)]
        assert [each.returncode for each in done] == [0, 0, 0], done
    assert [asked.form["refresh_token"] for asked in door.tokens] == [f"refresh-token-{n}" for n in range(3)]
    store = tmp_path / ".levada-tokens.json"
    assert store.stat().st_mode & 0o777 == 0o600
    assert "refresh-token-3" in store.read_text()
    shown = b"".join([*files(tmp_path), *(f"{each.stdout}{each.stderr}".encode() for each in done)])
    assert b"refresh-token" not in shown


def test_two_runs_at_once_lose_no_rotated_token(shell, tmp_path):
    together = threading.Barrier(2)

    def answer(asked: Asked) -> Any:
        if asked.target == FIVE[0]:
            together.wait(PATIENCE)  # from here on both ask, again and again
        return door.asked(asked)

    door = Rotating(0)
    door.asked, door.answer = door.answer, answer
    door.latency = 0.05
    with door:
        spec = written(tmp_path, door, WAYS["refresh token"])
        both = [
            subprocess.Popen(
                [sys.executable, "-m", "levada", "run", str(spec), "--date", day, "--lake", str(tmp_path / day)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, **ENVIRONMENT},
            )
            for day in ("2022-08-01", "2022-08-02")
        ]
        said = [each.communicate(timeout=PATIENCE) for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert (door.reused, door.given, len(door.pages)) == (0, 10, 10)


# --- other origins ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["redirect", "next link"])
@pytest.mark.parametrize("name", WAYS)
def test_another_origin_gets_nothing(name, how, tmp_path):
    way = WAYS[name]

    def answer(asked: Asked) -> Any:
        if asked.path != "/posts":
            return door.token(asked)
        if not way.admits(door, asked):
            return Said("no", 401)
        if how == "redirect":
            return Said(None, 307, (("Location", f"{stranger.url}/items?{urlsplit(asked.raw).query}"),))
        return {"data": POSTS[:2], "next": f"{stranger.url}/items?{urlsplit(asked.raw).query}&n=2"}

    below = "request: {path: /posts, params: {n: '1'}}\nrecords: $.data[*]\npaging: {by: next_url}"
    if how == "redirect":
        below = "request: {path: /posts, params: {n: '1'}}\nrecords: $.data[*]\npaging: {by: none}"
    door = Door(way.admits, **way.gives)
    door.answer = answer
    with door, WebServer(lambda _: {"data": POSTS[2:4]}) as stranger:
        ran(written(tmp_path, door, way, below=below))
    (asked,) = stranger.seen
    assert leaks(said_of(asked)) == []
    extra = set(asked.headers) - {"host", "user-agent", "accept", "accept-encoding", "connection"}
    assert extra <= {"x-amz-date"}, extra
    assert {key for key, _ in asked.query} <= {"n"}


def ran(spec) -> None:
    load(str(spec), edges=Edges(clock=FixedClock(), environment=ENVIRONMENT)).run(date=DAY)
