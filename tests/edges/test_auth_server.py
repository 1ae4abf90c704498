"""Credentials on real servers: all pages with the right ones, nothing to any other origin, nothing in any text."""

import logging
import traceback
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from levada.edges import Call, WireFault
from levada.secret import shown_url
from levada.source.origin import origin
from levada.spec.auth import ApiKey, Basic, Bearer, Login, OAuth2, SigV4
from mockapi import POSTS, mock_api
from signing import PLACE, Client, apart, ask, ref
from webserver import Asked, Said, WebServer

KEY = "kéy+/=&;%41 #?secret"
SAFE = "cookie-safe-4711"
ENVIRONMENT = {"U": "user", "P": "password", "T": "test-token", "K": "test-api-key", "HARD": KEY, "SAFE": SAFE}
ENVIRONMENT |= {"ID": "test-client-id", "SECRET": "test-client-secret"}
BEARER = Bearer(ref("T"), PLACE)


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    apart(monkeypatch)


def records(client, path):
    """All records of a path, page by page."""
    found = []
    for page in range(1, 6):
        answer = client.send(f"{path}?page={page}")
        assert answer.status == 200, answer
        found += body(answer)["data"]
    return found


def body(answer):
    return Asked("", "", (), {}, answer.body).json


@pytest.mark.parametrize(
    ("path", "auth"),
    [
        ("basic-auth", Basic(ref("U"), ref("P"), PLACE)),
        ("bearer-token", BEARER),
        ("api-key", ApiKey("header", "x-api-key", ref("K"), PLACE)),
    ],
)
def test_a_protected_endpoint_gives_every_page_to_who_may_read_it(path, auth):
    with mock_api() as api:
        assert records(Client(api.url, auth, ENVIRONMENT), f"/protected/posts/{path}") == POSTS
        assert len(api.seen) == 5
        assert Client(api.url, None, {}).send(f"/protected/posts/{path}").status == 401


def keyed(carrier):
    """A server whose pages are for who sends the key right."""

    def answer(asked):
        sent = asked.value("api_key") if carrier == "query" else asked.headers.get("cookie")
        right = KEY if carrier == "query" else f"session={SAFE}"
        return {"data": POSTS[:5], "asked": asked.target} if sent == right else Said("no", 401)

    return WebServer(answer)


@pytest.mark.parametrize(("carrier", "name"), [("query", "api_key"), ("cookie", "session")])
def test_a_key_in_the_query_or_in_a_cookie_arrives_and_is_in_no_url(carrier, name):
    with keyed(carrier) as server:
        client = Client(
            server.url, ApiKey(carrier, name, ref("HARD" if carrier == "query" else "SAFE"), PLACE), ENVIRONMENT
        )
        for path in ("/a", "/a?", "/a?b=%C3%BC&c=", "/a?b=1&"):
            answer = client.send(path)
            assert (answer.status, answer.url) == (200, f"{server.url}{path}")
            assert client.sign(path).url == answer.url
    assert [len(asked.query) for asked in server.seen] == ([1, 1, 3, 2] if carrier == "query" else [0, 0, 2, 1])


def test_a_query_key_that_an_api_repeats_is_sent_once_and_shown_never():
    with keyed("query") as server:
        client = Client(server.url, ApiKey("query", "api_key", ref("HARD"), PLACE), ENVIRONMENT)
        answer = client.send("/a?api_key=old&page=2&api%5Fkey=k")
        assert answer.url == f"{server.url}/a?page=2"
        assert server.seen[0].query == (("page", "2"), ("api_key", KEY))


def test_several_cookies_are_one_header_and_a_credential_takes_the_place_of_a_header():
    with WebServer(lambda _: {}) as server:
        client = Client(server.url, ApiKey("cookie", "session", ref("SAFE"), PLACE), ENVIRONMENT)
        client.send("/a", headers=(("Cookie", "lang=pt"), ("X-A", "1")))
        Client(server.url, BEARER, ENVIRONMENT).send("/a", headers=(("authorization", "none"),))
    assert server.seen[0].headers["cookie"] == f"lang=pt; session={SAFE}"
    assert server.seen[1].headers["authorization"] == "Bearer test-token"


SCHEMES = [
    BEARER,
    Basic(ref("U"), ref("P"), PLACE),
    ApiKey("header", "X-Key", ref("SAFE"), PLACE),
    ApiKey("query", "key", ref("HARD"), PLACE),
    ApiKey("cookie", "session", ref("SAFE"), PLACE),
]


@pytest.mark.parametrize("auth", SCHEMES)
def test_another_origin_gets_nothing_by_redirect_or_by_link(auth):
    with WebServer(lambda _: {}) as other, WebServer(lambda asked: to(other, asked)) as server:
        client = Client(server.url, auth, ENVIRONMENT)
        for answer in (client.send("/a"), client.send(f"{other.url}/b")):
            assert (answer.status, shown_url(answer.url)) == (200, answer.url)
        plain = Client(server.url, None, {})
        plain.send("/a"), plain.send(f"{other.url}/b")
        for signed, unsigned in zip(other.seen[:2], other.seen[2:], strict=True):
            assert signed == unsigned
            assert signed.headers == unsigned.headers
        assert server.seen[0].query + tuple(server.seen[0].headers.items()) != server.seen[1].query + tuple(
            server.seen[1].headers.items()
        )


def to(other, asked):
    """A redirect that repeats whatever it was asked with."""
    return Said(None, 302, (("Location", f"{other.url}/b?{urlencode(asked.query)}"),))


def test_a_redirect_to_another_origin_leaves_the_key_behind_that_it_repeats():
    with WebServer(lambda _: {}) as other:
        located = f"{other.url}/b?page=2&key=cookie-safe-4711&again=cookie%2Dsafe-4711&key=theirs"
        with WebServer(lambda _: Said(None, 307, (("Location", located),))) as server:
            answer = Client(server.url, ApiKey("query", "key", ref("SAFE"), PLACE), ENVIRONMENT).send("/a")
    assert other.seen[0].query == (("page", "2"), ("key", "theirs"))
    assert answer.url == f"{other.url}/b?page=2&key=theirs"


def test_headers_of_the_call_that_are_private_stay_at_home_too():
    sent = (("Authorization", "mine"), ("Cookie", "mine"), ("Referer", "mine"), ("X-Mine", "1"))
    with WebServer(lambda _: {}) as other, WebServer(lambda asked: to(other, asked)) as server:
        Client(server.url, None, {}).send("/a", headers=sent)
        assert {"authorization", "cookie", "referer", "x-mine"} <= set(server.seen[0].headers)
        assert {"authorization", "cookie", "referer", "x-mine"} & set(other.seen[0].headers) == {"x-mine"}


@pytest.mark.parametrize("auth", SCHEMES)
def test_nothing_secret_is_in_any_text(auth, caplog):
    caplog.set_level(logging.DEBUG)
    circle = Said(
        {"echo": KEY}, 302, (("Location", f"/a?key={SAFE}&page=1"), ("Set-Cookie", f"session={SAFE}; bad\x01"))
    )
    with WebServer(lambda _: circle) as server:
        client = Client(server.url, auth, ENVIRONMENT)
        signed = client.sign("/a?page=1")
        with pytest.raises(WireFault) as told:
            ask(signed)
    with pytest.raises(WireFault) as refused:
        ask(signed)  # the server is gone
    chains = [traceback.format_exception(error) for error in (told.value, refused.value)]
    assert told.value.__cause__ is refused.value.__cause__ is refused.value.__context__ is None
    texts = f"{told.value!r}{refused.value!r}{signed!r}{client.signer!r}{chains}{caplog.text}"
    assert not [value for value in (KEY, SAFE, "test-token", "dXNlcjpwYXNzd29yZA") if value in texts]
    assert "password" not in texts


class Sessions:
    """A server that gives numbered tokens, and takes those of a set."""

    def __init__(self, **gives):
        self.gives = gives
        self.given = 0
        self.good = set()

    def __call__(self, asked):
        if asked.path in ("/token", "/login"):
            self.given += 1
            self.good = {f"session-token-{self.given}"}
            return Said(
                self.gives | {"access_token": f"session-token-{self.given}"}, 200, (("X-Token", "in-header-1"),)
            )
        sent = asked.headers.get("authorization", asked.headers.get("x-session", asked.value("sid", "")))
        return {"data": POSTS} if sent.removeprefix("Bearer ") in self.good | {"in-header-1"} else Said("no", 401)


def client_of(server, environment=ENVIRONMENT, **parts):
    auth = OAuth2("client_credentials", f"{server.url}/token", PLACE, ref("ID"), ref("SECRET"), **parts)
    return Client(server.url, auth, environment)


def test_client_credentials_fetch_one_token_for_all_pages():
    with mock_api() as api:
        auth = OAuth2("client_credentials", f"{api.url}/oauth/token", PLACE, ref("ID"), ref("SECRET"))
        assert records(Client(api.url, auth, ENVIRONMENT), "/protected/posts/bearer-token") == POSTS
        assert [asked.path for asked in api.seen] == ["/oauth/token"] + ["/protected/posts/bearer-token"] * 5
        assert "authorization" not in api.seen[0].headers


def test_a_token_that_is_over_at_once_is_fetched_for_each_request():
    with mock_api() as api:
        url = f"{api.url}/oauth/token-expires-now"
        auth = OAuth2("client_credentials", url, PLACE, ref("ID"), ref("SECRET"))
        client = Client(api.url, auth, ENVIRONMENT)
        assert [client.send("/protected/posts/bearer-token").status for _ in range(2)] == [200, 200]
        assert [asked.path for asked in api.seen] == ["/oauth/token-expires-now", "/protected/posts/bearer-token"] * 2


def test_another_grant_with_fields_of_its_own_and_the_client_in_a_header():
    environment = {"ID": "test-account-id", "SECRET": "test-client-secret"}
    with mock_api() as api:
        auth = OAuth2(
            "account_credentials",
            f"{api.url}/custom-oauth/token",
            PLACE,
            ref("ID"),
            ref("SECRET"),
            client_in="basic",
            params=(("account_id", "test-account-id"),),
            scopes=("read", "list"),
        )
        assert records(Client(api.url, auth, environment), "/protected/posts/bearer-token") == POSTS
        assert api.seen[0].form == {
            "grant_type": "account_credentials",
            "account_id": "test-account-id",
            "scope": "read list",
        }


@pytest.mark.parametrize(("lives", "early"), [(3600, 60), (100, 10), ("3600", 60)])
def test_a_token_is_fetched_anew_shortly_before_its_end(lives, early):
    sessions = Sessions(expires_in=lives)
    with WebServer(sessions) as server:
        client = client_of(server)
        client.send("/a")
        client.clock.pause(int(lives) - early - 0.5)
        client.send("/a")
        assert sessions.given == 1
        client.clock.pause(1)
        client.send("/a")
        assert sessions.given == 2
        assert [asked.path for asked in server.seen] == ["/token", "/a", "/a", "/token", "/a"]


def test_after_a_401_one_more_token_is_fetched_and_a_second_401_is_final():
    sessions = Sessions()
    with WebServer(sessions) as server:
        client = client_of(server)
        assert client.send("/a").status == 200
        sessions.good = set()
        assert client.send("/a").status == 200  # by the second token
        assert sessions.given == 2
        server.answer = lambda asked: sessions(asked) if asked.path == "/token" else Said("no", 401)
        assert client.send("/a").status == 401
        assert sessions.given == 2
        client.clock.pause(61)  # no longer fresh
        assert client.send("/a").status == 401
        assert sessions.given == 3


def test_calls_that_were_under_way_when_a_token_was_replaced_fetch_no_third():
    sessions = Sessions()
    with WebServer(sessions) as server:
        client = client_of(server)
        first, second = client.sign("/a"), client.sign("/b")
        assert client.signer.refused(first)
        client.sign("/a")
        assert client.signer.refused(second)  # it was signed with the first token
        client.sign("/b")
        assert sessions.given == 2


def test_signers_of_one_credential_share_a_token_and_others_do_not():
    sessions = Sessions()
    with WebServer(sessions) as server:
        one, same = client_of(server), client_of(server)
        assert one.sign().credentials == same.sign().credentials
        assert sessions.given == 1
        assert same.signer.refused(same.sign())
        same.sign()
        assert one.sign().credentials == same.sign().credentials
        assert sessions.given == 2
        client_of(server, ENVIRONMENT | {"SECRET": "another"}).sign()
        client_of(server, scopes=("other",)).sign()
        assert sessions.given == 4


def login(server, **parts):
    parts = {"token": "$.access_token"} | parts
    return Client(server.url, Login("/login", PLACE, **parts), ENVIRONMENT)


def test_a_log_in_gives_a_session_for_all_pages():
    sessions = Sessions(expiresIn=100)
    send = (("username", ref("U")), ("password", ref("P")), ("expiresInMins", 30))
    with WebServer(sessions) as server:
        client = login(server, send=send, expires_in="$.expiresIn")
        assert [client.send("/a").status for _ in range(3)] == [200] * 3
        assert server.seen[0].json == {"username": "user", "password": "password", "expiresInMins": 30}
        assert server.seen[0].headers["content-type"] == "application/json"
        assert sessions.given == 1
        client.clock.pause(91)
        client.send("/a")
        assert sessions.given == 2


@pytest.mark.parametrize(
    "parts",
    [
        {"name": "X-Session", "prefix": ""},
        {"carrier": "query", "name": "sid", "prefix": ""},
        {"token": None, "token_header": "x-TOKEN", "lives": 50.0},
        {"send_as": "form", "send": (("user", ref("U")), ("long", True))},
        {"method": "GET", "basic": Basic(ref("U"), ref("P"), PLACE)},
    ],
)
def test_a_log_in_is_asked_and_its_token_sent_as_the_spec_says(parts):
    sessions = Sessions()
    with WebServer(sessions) as server:
        client = login(server, **parts)
        assert client.send("/a").status == 200
        client.clock.pause(46)
        assert client.send("/a").status == 200
    first = server.seen[0]
    assert sessions.given == (2 if "lives" in parts else 1)
    assert first.form == ({"user": "user", "long": "true"} if "send" in parts else {})
    assert (first.method, first.headers.get("authorization")) == (
        ("GET", "Basic dXNlcjpwYXNzd29yZA==") if "basic" in parts else ("POST", None)
    )
    assert ("content-type" in first.headers) == ("send" in parts)


def test_a_log_in_elsewhere_gets_no_more_than_it_is_sent():
    sessions = Sessions()
    with WebServer(sessions) as elsewhere, WebServer(sessions) as server:
        client = Client(server.url, Login(f"{elsewhere.url}/login", PLACE, token="$.access_token"), ENVIRONMENT)
        assert client.send("/a").status == 200
        assert [len(elsewhere.seen), len(server.seen)] == [1, 1]
        assert "authorization" not in elsewhere.seen[0].headers


@pytest.mark.parametrize("host", ["127.0.0.1", "LocalHost"])
def test_aws_is_signed_for_the_host_that_the_wire_writes(host):
    with WebServer(lambda _: {}) as server:
        url = server.url.replace("127.0.0.1", host)
        auth = SigV4("execute-api", "eu-west-1", ref("ID"), ref("SECRET"), PLACE)
        client = Client(url, auth, ENVIRONMENT)
        client.send("/a?b=1", headers=(("X-Amz-Target", "T.List"),))
    (seen,) = server.seen
    as_seen = Call("GET", f"http://{seen.headers['host']}/a?b=1", (("X-Amz-Target", "T.List"),))
    signed = client.signer.sign(replace(as_seen, origin=origin(as_seen.url)), client.clock.now())
    assert seen.headers["authorization"] == signed.credentials[0].secret.value
    assert "SignedHeaders=host;x-amz-date;x-amz-target, " in seen.headers["authorization"]
