"""Secrets are found in every form in which a URL, JSON, Python or an API may repeat them."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from levada.secret import Secret, redact

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
