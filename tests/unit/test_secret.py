"""Secrets are found in every form in which a URL, JSON, Python or an API may repeat them."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from levada.secret import Secret, redact, remember_url, shown_url

VALUE = 'tök"en/+ x%41\\z'
PERCENT = "t%C3%B6k%22en%2F%2B%20x%2541%5Cz"


@pytest.fixture(autouse=True)
def secret():
    return Secret("TOKEN", VALUE)


def test_no_representation_shows_the_value(secret):
    assert f"{secret} {secret!r}" == "Secret(TOKEN) Secret(TOKEN)"


@pytest.mark.parametrize(
    "shown",
    [
        VALUE,
        quote(VALUE, safe=""),
        quote(VALUE),
        quote_plus(VALUE),
        PERCENT,
        PERCENT.lower(),
        PERCENT.replace("%C3%B6", "%c3%B6"),
        quote(VALUE, safe='"/+').lower(),
        json.dumps(VALUE)[1:-1],
        json.dumps(VALUE).replace("/", "\\/").replace("00f6", "00F6")[1:-1],
        json.dumps(VALUE, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(VALUE))[3:-3],
        json.dumps(repr(VALUE))[2:-2],
        repr(VALUE)[1:-1],
        ascii(VALUE)[1:-1],
        repr(VALUE.encode())[2:-1],
        VALUE.encode().decode("latin-1"),
        json.dumps(VALUE.encode().decode("latin-1"))[1:-1],
        base64.b64encode(VALUE.encode()).decode(),
        quote(base64.b64encode(VALUE.encode()).decode(), safe="").replace("%3D", "%3d"),
    ],
)
def test_every_form_is_redacted_whole(shown):
    assert redact(f"<{shown}> {shown}") == "<[secret]> [secret]"


@pytest.mark.parametrize("text", [VALUE.upper(), VALUE[:-1], VALUE.replace("ö", "o"), PERCENT.replace("%20", "%21")])
def test_other_texts_stay(text):
    assert redact(text) == text


def test_longer_secrets_go_first_and_very_short_ones_stay():
    for value in ("long-winded", "long-winded-one", "abc"):
        Secret("OTHER", value)
    assert redact("long-winded-one long-winded abc") == "[secret] [secret] abc"


def test_an_escaped_secret_leaves_json_that_can_be_read():
    assert json.loads(redact(json.dumps({"key": f'"{VALUE}"\n'}))) == {"key": '"[secret]"\n'}


def test_a_text_full_of_backslashes_takes_no_time():
    Secret("OTHER", '"\\\\"\\\\x')
    text = "\\" * 20_000
    assert redact(text) == text


@pytest.mark.parametrize(
    "name",
    [
        *("api_key", "token", "key", "access_token", "apikey", "api-key", "access-token", "secret", "password", "pwd"),
        *(
            "client_secret",
            "API_Key",
            "sig",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
            "api%5Fkey",
        ),
        *("auth[token]", "auth%5Btoken%5D", "refresh_token", "X-Goog-Signature"),
    ],
)
def test_the_value_of_a_parameter_with_a_secret_name_is_not_shown(name):
    url = f"https://host/a%2Fb?page=1&{name}=hidden%20&empty=&{name}=&c=%C3%BC#part?key=1"
    said = f"https://host/a%2Fb?page=1&{name}=[secret]&empty=&{name}=[secret]&c=%C3%BC#part?key=1"
    assert shown_url(url) == said


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/sales?page_token=abc&keys=1&key", "/sales?page_token=abc&keys=1&key"),
        ("https://me:pass@word@host:8/x@y?a=b@c", "https://[secret]@host:8/x@y?a=b@c"),
        ("//me@host", "//[secret]@host"),
        ("https://host/?a=1;token=b;c", "https://host/?a=1;token=[secret]"),
        ("https://host/?token", "https://host/?token"),
        ("https://host/?=token&&a==", "https://host/?=token&&a=="),
        ("https://host?token=a?b=c", "https://host?token=[secret]"),
        ("no url at all", "no url at all"),
        ("", ""),
    ],
)
def test_all_else_of_a_url_stays(url, said):
    assert shown_url(url) == said


def test_a_known_secret_is_not_shown_wherever_it_stands():
    assert shown_url(f"https://host/{PERCENT}?a={PERCENT}&key={PERCENT}#{PERCENT}") == (
        "https://host/[secret]?a=[secret]&key=[secret]#[secret]"
    )


def test_tokens_that_come_and_go_are_forgotten_after_a_while_but_not_those_in_use():
    for number in range(600):
        Secret("TOKEN", f"passing-token-{number}", "lately")
        Secret("TOKEN", "token-in-use", "lately")
    assert redact("passing-token-599 token-in-use passing-token-0") == "[secret] [secret] passing-token-0"


def test_a_token_that_is_known_for_good_as_well_is_never_forgotten():
    Secret("KEY", "both-a-key-and-a-token", "lately")
    Secret("KEY", "both-a-key-and-a-token")
    for number in range(600):
        Secret("TOKEN", f"another-token-{number}", "lately")
    assert redact("both-a-key-and-a-token") == "[secret]"


def test_what_is_good_for_one_request_is_not_looked_for():
    secret = Secret("SIGNATURE", "good-for-once", "never")
    assert (redact("good-for-once"), repr(secret)) == ("good-for-once", "Secret(SIGNATURE)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("see https://me:pass@word@host:8/x?y", "see https://[secret]@host:8/x?y"),
        ('{"lake": "s3://key:word@bucket/x"}', '{"lake": "s3://[secret]@bucket/x"}'),
        ("postgresql://me:word@host/db, https://me@host", "postgresql://[secret]@host/db, https://[secret]@host"),
        (
            "nothing at /a?x=1&X-Amz-Signature=0f&X-Amz-Date=2",
            "nothing at /a?x=1&X-Amz-Signature=[secret]&X-Amz-Date=2",
        ),
        ('"/a?sv=2022&sig=a%2Bb%3D&se=2027"', '"/a?sv=2022&sig=[secret]&se=2027"'),
        ("/a?X-Goog-Credential=me%40x;x-goog-signature=ab", "/a?X-Goog-Credential=[secret]"),
        ("/a?AWSAccessKeyId=AKIA&Signature=abc=&Expires=1", "/a?AWSAccessKeyId=[secret]&Signature=[secret]&Expires=1"),
        ("https://host/x@y, me@host, a://b c@d", "https://host/x@y, me@host, a://b c@d"),
        ("design=1&sig is short, ?sig=&a", "design=1&sig is short, ?sig=&a"),
    ],
)
def test_what_is_secret_by_its_place_in_a_url_is_hidden_unknown(text, said):
    assert redact(text) == said


def test_what_a_url_holds_is_known_wherever_a_server_repeats_it():
    remember_url(
        "https://me:pass%40word@host/x?X-Amz-Signature=0123abcd&key=sales&token=aB%2Fc%3D%3D123;more&page=1#sig=fragment"
    )
    said = redact("<Signature>0123abcd</Signature> pass@word pass%40word aB/c==123;more sales me page 1 fragment")
    assert said == "<Signature>[secret]</Signature> [secret] [secret] [secret] sales me page 1 fragment"
    remember_url("https://only-a-token@host")
    assert redact("only-a-token") == "[secret]"
    remember_url("data/*.csv")
    remember_url("")
