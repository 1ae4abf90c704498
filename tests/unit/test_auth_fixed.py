"""Credentials that stay: what is carried where, what cannot be carried, and what a message names."""

import base64

import pytest

from levada.edges import Call
from levada.errors import FixThis
from levada.secret import redact
from levada.source.auth.make import signer_for
from levada.source.auth.names import listed, refs, variables
from levada.spec.auth import ApiKey, AuthClass, Basic, Bearer, Jwt, Login, OAuth2
from levada.spec.model import Source
from signing import PLACE, Client, apart, ref

CALL = Call("GET", "https://host/a", origin="https://host:443")


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    apart(monkeypatch)


def carried(auth, **environment):
    client = Client("https://host", auth, environment)
    return [(each.carrier, each.name, each.secret.value) for each in client.sign("/a").credentials]


@pytest.mark.parametrize("carrier", ["header", "query", "cookie"])
def test_a_key_is_carried_as_it_is(carrier):
    assert carried(ApiKey(carrier, "X-Key", ref("A", "B"), PLACE), B="key=ü+/") == [(carrier, "X-Key", "key=ü+/")]


def test_a_bearer_token_has_its_word_before_it():
    assert carried(Bearer(ref("T"), PLACE), T="mF_9.B5f-4.1JqM") == [
        ("header", "Authorization", "Bearer mF_9.B5f-4.1JqM")
    ]


@pytest.mark.parametrize(
    ("user", "password", "written"),
    [
        # RFC 7617, sections 2 and 2.1.
        ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("test", "123£", "Basic dGVzdDoxMjPCow=="),
        ("me", "a:b", "Basic " + base64.b64encode(b"me:a:b").decode()),
    ],
)
def test_user_and_password_are_basic_in_utf_8(user, password, written):
    assert carried(Basic(ref("U"), ref("P"), PLACE), U=user, P=password) == [("header", "Authorization", written)]
    assert redact(f"{written} {written[6:]}") == "[secret] [secret]"


def test_a_source_without_auth_gets_nothing_and_nothing_new():
    signer = signer_for(Source("https://host", PLACE), "", {})
    assert signer.sign(CALL, None) == CALL
    assert not signer.refused(CALL)


def test_what_stays_is_never_refreshed():
    assert not Client("https://host", Bearer(ref("T"), PLACE), {"T": "token"}).signer.refused(CALL)


@pytest.mark.parametrize(
    ("auth", "what", "todo"),
    [
        (Bearer(ref("NOT", "SET"), PLACE), "The secret NOT or SET is not set.", "export NOT=..."),
        (Basic(ref("COLON"), ref("GOOD"), PLACE), "COLON holds a colon", "Set COLON to the user alone"),
        (ApiKey("cookie", "s", ref("SPLIT"), PLACE), "SPLIT holds a blank, comma or semicolon", "Set SPLIT"),
        (ApiKey("header", "s", ref("LINES"), PLACE), "LINES holds a line break", "set LINES"),
    ],
)
def test_what_cannot_be_sent_is_told_without_its_value(auth, what, todo):
    environment = {"COLON": "hid:den", "GOOD": "hidden", "SPLIT": "hid; den", "LINES": "hid\nden"}
    with pytest.raises(FixThis) as told:
        signer_for(Source("https://host", PLACE, auth=auth), "", environment)
    assert what in told.value.what
    assert todo in told.value.todo
    assert told.value.where == "api.yaml:3:9"
    assert "hid" not in str(told.value)


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        (Basic(ref("U"), ref("P"), PLACE), "U and P"),
        (OAuth2("x", "https://t", PLACE, ref("I"), ref("S"), ref("R", "Q")), "I, S and R or Q"),
        (Login("/l", PLACE, send=(("a", ref("A")), ("b", "plain")), basic=Basic(ref("U"), ref("A"), PLACE)), "A and U"),
        (Jwt(ref("K"), "RS256", PLACE), "K"),
        (AuthClass("m:n", PLACE, (("k", ref("K")),)), "K"),
        (AuthClass("m:n", PLACE), ""),
    ],
)
def test_messages_name_every_variable_once(auth, said):
    assert variables(auth) == said
    assert listed(*refs(auth), None) == said
