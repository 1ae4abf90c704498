import json
from dataclasses import replace

import pytest

from levada.edges import WireFault
from levada.errors import ApiRefused, ContractBroken, TimedOut, TryLater
from levada.source.classify import classify
from levada.source.denied import advice
from levada.source.fake import answer
from levada.source.message import said, sentence
from levada.source.trouble import excerpt, from_answer, from_body, from_fault
from levada.spec.auth import ApiKey, AuthClass, Basic, Bearer, Jwt, Login, OAuth2, SecretRef, SigV4
from levada.spec.model import Budget, Limits
from plans import PLACE, plan, rule


def trouble(status, body=b"", headers=None, **parts):
    asked = plan(**parts)
    came = answer(status, body, headers)

    def tree():
        return json.loads(body)

    return from_answer(asked, came, classify(asked.stream.responses, came, tree), tree)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_its_variables(status):
    found = trouble(status, b'{"message": "Forbidden"}')
    assert (found.kind, found.again) == (ApiRefused, False)
    assert f"The API refuses the key with {status}" in found.what
    assert found.what.endswith(": Forbidden")
    assert found.todo.startswith("Check AUTH_TOKEN or API_AUTH_TOKEN (used: AUTH_TOKEN): the key may be wrong")


def test_a_key_that_is_wanted_and_not_there():
    found = trouble(401, token=None)
    assert found.todo == "The API wants a key: add `auth` to `source` (pipeline.yaml:3:5)."


def test_an_answer_that_no_rule_names_says_what_to_add():
    found = trouble(404, b"<h1>\n  no  such thing</h1>" + b"x" * 1000)
    assert (found.kind, found.again, found.unnamed) == (ApiRefused, False, 404)
    assert "The API answers 404 Not Found, and no rule says what that means: <h1> no such thing</h1>xxx" in found.what
    assert len(found.what) < 290
    assert "`- {status: 404, text: ..., means: end}`" in found.todo
    assert "stream sales (pipeline.yaml:3:5)" in found.todo


def test_a_status_without_a_name_and_a_stray_redirect():
    assert "The API answers 418 I'm a Teapot" in trouble(418).what
    assert "The API answers 499, and no rule" in trouble(499).what
    assert "points elsewhere" in trouble(304).todo


def test_a_rule_that_says_fail():
    found = trouble(200, b"quota gone", responses=(rule("fail", None, "quota"),))
    assert (found.kind, found.again) == (ApiRefused, False)
    assert found.what == "The API answers 200 OK, which pipeline.yaml:3:5 calls a failure: quota gone"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_busy_answers_are_asked_for_again(status):
    found = trouble(status, b"", {"Retry-After": "7"})
    assert (found.kind, found.again, found.retry_after) == (TryLater, True, "7")
    assert f"The API answers {status}" in found.what


def test_a_body_that_is_no_page_is_asked_for_again():
    found = from_body(ContractBroken("The body is no JSON.", todo="Look."))
    assert (found.kind, found.what, found.todo, found.again) == (ContractBroken, "The body is no JSON.", "Look.", True)
    assert found.doubtful


@pytest.mark.parametrize(
    ("kind", "error", "again", "what", "todo"),
    [
        ("timeout", TimedOut, True, "No whole answer within 60 s: it hung.", "raise `timeout` (pipeline.yaml:3:5)"),
        ("refused", TryLater, True, "api.test does not take connections: it hung.", "names the right port"),
        ("dns", TryLater, True, "The name of api.test could not be looked up now: it hung.", "network"),
        ("cut", TryLater, True, "The answer was cut short: it hung.", "again later"),
        ("reset", TryLater, True, "The connection broke off: it hung.", "again later"),
        ("no_such_host", ApiRefused, False, "The host name does not exist: it hung.", "Check `source.url`"),
        ("tls", ApiRefused, False, "No trusted connection to api.test: it hung.", "certificate"),
        ("too_large", ApiRefused, False, "`page_size` allows (268435456 bytes): it hung.", "`limits: page_size`"),
        ("redirects", ApiRefused, False, "The redirects lead nowhere: it hung.", "Check `source.url`"),
        ("coding", ApiRefused, False, "The body cannot be decoded: it hung.", "gzip and deflate"),
    ],
)
def test_each_fault_says_what_and_what_to_do(kind, error, again, what, todo):
    found = from_fault(plan(), WireFault(kind, "it hung."))
    assert (found.kind, found.again) == (error, again)
    assert what in found.what
    assert todo in found.todo


def test_texts_of_faults_with_braces_and_secrets_are_safe():
    found = from_fault(plan(token="sesame-4711"), WireFault("reset", "{host} sesame-4711 {0}"))
    assert found.what == "The connection broke off: {host} [secret] {0}."


def test_an_excerpt_shows_no_half_of_a_secret():
    plan(token="sesame-4711")
    assert excerpt(b"x" * 8190 + b"sesame-4711" + b"y" * 99) == "x" * 8190 + "[s"
    assert excerpt(b"\xff ok", 3) == "� o"


def test_only_a_call_that_was_not_sent_has_surely_done_nothing():
    kinds = ("timeout", "cut", "reset", "refused", "dns")
    assert [from_fault(plan(), WireFault(kind, "")).doubtful for kind in kinds] == [True, True, True, False, False]


@pytest.mark.parametrize(("status", "doubtful"), [(408, False), (425, False), (429, False), (500, True), (503, True)])
def test_only_a_server_in_trouble_may_have_done_what_was_asked(status, doubtful):
    assert trouble(status).doubtful is doubtful
    assert not trouble(status, responses=(rule("retry", status),)).doubtful, "the rule says that it can be asked again"


# --- words of the API


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "no"}, "no"),
        ({"error": "no"}, "no"),
        ({"error": {"code": 7, "message": "no"}}, "no"),
        ({"error": "invalid_grant", "error_description": "no"}, "no"),
        ({"errors": ["no", "nor that"]}, "no"),
        ({"errors": [{"code": 7}, {"detail": "no"}]}, "no"),
        ({"errors": {"email": ["no"]}}, "email: no"),
        ({"detail": "no", "title": "Bad"}, "no"),
        ({"title": "no", "status": 400}, "no"),
        ({"success": False, "status_code": 7, "status_message": "no"}, "no"),
        ({"data": None, "errors": [{"message": "no", "path": ["a"]}]}, "no"),
        ([{"message": "no"}], "no"),
        ({"message": " ", "error": "no"}, "no"),
        ({"message": 7, "detail": None}, None),
        ({"rows": [{"message": "not of the API"}]}, None),
        (["no"], None),
        ("no", None),
        (None, None),
    ],
)
def test_the_apis_own_sentence_is_found(body, words):
    assert sentence(body) == words


def test_a_body_without_a_sentence_is_shown_as_it_begins():
    assert said(b'{"a":  1}', lambda: {"a": 1}) == '{"a": 1}'
    assert said(b"<h1>no</h1>", lambda: json.loads(b"<")) == "<h1>no</h1>"
    assert said(b"  ", lambda: None) == ""
    deep: dict = {}
    for _ in range(50):
        deep = {"error": deep}
    assert said(b"deep", lambda: deep) == "deep"


def test_a_sentence_is_one_short_line_without_secrets():
    plan(token="sesame-4711")
    words = said(b"x", lambda: {"message": "a\n b sesame-4711 " + "x" * 999})
    assert words.startswith("a b [secret] xxx")
    assert len(words) == 200


def test_a_rule_that_says_fail_shows_the_apis_own_message():
    found = trouble(200, b'{"ok": false, "error": {"message": "quota gone"}}', responses=(rule("fail", None, "quota"),))
    assert found.what == "The API answers 200 OK, which pipeline.yaml:3:5 calls a failure: quota gone"


def test_errors_of_graphql_are_told_in_their_own_words():
    asked, came = plan(), answer(200, b'{"errors": [{"message": "no such field"}, {"message": "b"}]}')

    def tree():
        return json.loads(came.body)

    found = from_answer(asked, came, classify((), came, tree, graphql=True), tree)
    assert (found.kind, found.again) == (ApiRefused, False)
    assert found.what == "The API answers 200 OK with errors of GraphQL: no such field"


# --- refused keys


def test_a_401_with_plain_text_tells_the_status_and_the_text():
    assert "401 Unauthorized: who are you" in trouble(401, b"who are you").what


def test_what_may_be_cured_by_a_fresh_token_says_so():
    assert trouble(401).refresh
    assert not trouble(403).refresh
    found = trouble(400, b'{"error": "expired"}', responses=(rule("refresh_auth", 400, "expired"),))
    assert (found.kind, found.again, found.refresh) == (ApiRefused, False, True)
    assert found.what == "The API answers 400 Bad Request, which pipeline.yaml:3:5 calls a refused key: expired"


def ref(*names):
    return SecretRef(names, PLACE)


@pytest.mark.parametrize(
    ("auth", "todo"),
    [
        (ApiKey("header", "X-Key", ref("A", "B"), PLACE), "Check A or B: the key may be wrong"),
        (Bearer(ref("TOKEN"), PLACE), "Check TOKEN: the token may be wrong"),
        (Basic(ref("U"), ref("P"), PLACE), "Check U and P: the user or the password"),
        (OAuth2("client_credentials", "https://t", PLACE, ref("ID"), ref("S")), "Check ID and S: a token was given"),
        (Login("/login", PLACE, send=(("u", ref("U")), ("n", "1"), ("p", ref("P")))), "Check U and P: the log-in went"),
        (Login("/login", PLACE, basic=Basic(ref("U"), ref("P"), PLACE)), "Check U and P: the log-in went well"),
        (Jwt(ref("PEM"), "RS256", PLACE), "Check PEM: the key, a claim"),
        (SigV4("s3", "eu", ref("K"), ref("S"), PLACE), "Check K and S: the keys may be wrong"),
        (AuthClass("mine:Signer", PLACE, (("k", ref("K")),)), "Check K: the key may be wrong"),
        (AuthClass("mine:Signer", PLACE), "Check `mine:Signer`: the key may be wrong"),
        (Login("/login", PLACE), "Check `auth` (pipeline.yaml:3:5): the log-in"),
        (None, "The API wants a key: add `auth`"),
    ],
)
def test_each_way_of_authentication_names_its_variables(auth, todo):
    assert advice(replace(plan().source, auth=auth), answer(401)).startswith(todo)


def test_a_403_of_a_spent_budget_is_no_matter_of_the_key():
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1660284000"}
    assert "means: wait" in trouble(403, b"slow down", spent).todo
    assert trouble(403, b"", {**spent, "X-RateLimit-Remaining": "7"}).todo.startswith("Check AUTH_TOKEN")
    assert trouble(401, b"", spent).todo.startswith("Check AUTH_TOKEN")
    source = replace(plan().source, limits=Limits(budget=Budget("X-Left", "X-Begins")))
    assert "means: wait" in advice(source, answer(403, b"", {"X-Left": "0", "X-Begins": "9"}))


# --- waits by rule


def test_a_wait_by_rule_knows_what_the_api_said_of_its_budgets():
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9", "Retry-After": "7"}
    found = trouble(403, b'{"message": "slow"}', headers, responses=(rule("wait", 403),))
    assert (found.kind, found.again, found.wait) == (TryLater, True, True)
    assert (found.retry_after, found.resets) == ("7", ("9",))
    assert found.what == "The API answers 403 Forbidden: slow"
    assert not trouble(429, b"", headers).resets, "without a rule it is the limiter that waits for a budget"
    named = trouble(
        403, b"", {"x-begins": "8"}, responses=(rule("wait", 403),), limits=Limits(budget=Budget("X-Left", "X-Begins"))
    )
    assert named.resets == ("8",)


def test_a_stream_without_a_request_of_its_own_is_named_all_the_same():
    asked = plan()
    asked = replace(asked, stream=replace(asked.stream, request=None, pages_of="posts"))
    came = answer(404)
    found = from_answer(asked, came, classify((), came, dict), dict)
    assert "stream sales (pipeline.yaml:3:5)" in found.todo
