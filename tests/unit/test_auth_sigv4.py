"""Signature Version 4 against the cases that AWS publishes: its signing test suite, and the S3 documentation."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from levada.edges import Call
from levada.source.auth.make import signer_for
from levada.source.origin import origin
from levada.spec.auth import SigV4
from levada.spec.model import Source
from signing import PLACE, ref

KEYS = {"ID": "AKIDEXAMPLE", "SECRET": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
SESSION = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
HOST = "https://example.amazonaws.com"
SCOPE = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"


def signer(service="service", session=None, **keys):
    token = ref("SESSION") if session else None
    auth = SigV4(service, "us-east-1", ref("ID"), ref("SECRET"), PLACE, token)
    return signer_for(Source(HOST, PLACE, auth=auth), "", {**KEYS, **keys, "SESSION": session or ""})


def signed(url, method="GET", now=NOW, *, by=None, **parts):
    call = (by or signer()).sign(Call(method, url, origin=origin(url), **parts), now)
    return dict(call.headers) | {each.name: each.secret.value for each in call.credentials}


@pytest.mark.parametrize(
    ("url", "method", "signature"),
    [
        # get-vanilla, get-vanilla-query-order-key-case, get-vanilla-utf8-query (as it is sent), post-vanilla,
        # get-space-normalized (as it is sent), get-relative, get-slash-dot-slash.
        (f"{HOST}/", "GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            f"{HOST}/?Param2=value2&Param1=value1",
            "GET",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (f"{HOST}/?%E1%88%B4=bar", "GET", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        (f"{HOST}/", "POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (f"{HOST}/example/..", "GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (f"{HOST}/./", "GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (f"{HOST}:443", "GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ],
)
def test_requests_of_the_test_suite(url, method, signature):
    told = signed(url, method)
    assert told["Authorization"] == f"{SCOPE}, SignedHeaders=host;x-amz-date, Signature={signature}"
    assert told["X-Amz-Date"] == "20150830T123600Z"


def test_a_session_token_is_sent_and_signed():
    told = signed(f"{HOST}/", by=signer(session=SESSION))
    assert told["X-Amz-Security-Token"] == SESSION
    assert told["Authorization"] == (
        f"{SCOPE}, SignedHeaders=host;x-amz-date;x-amz-security-token, "
        "Signature=07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"
    )


def test_a_form_is_signed_with_its_type():
    # post-x-www-form-urlencoded.
    told = signed(
        f"{HOST}/",
        "POST",
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        body=b"Param1=value1",
    )
    assert told["Authorization"] == (
        f"{SCOPE}, SignedHeaders=content-type;host;x-amz-date, "
        "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
    )


def test_s3_signs_the_hash_of_the_body_and_the_path_as_it_is():
    # "List objects" of the S3 documentation on the Authorization header.
    by = signer("s3", ID="AKIAIOSFODNN7EXAMPLE", SECRET="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    told = signed(
        "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", now=datetime(2013, 5, 24, tzinfo=UTC), by=by
    )
    assert told["X-Amz-Content-Sha256"] == hashlib.sha256(b"").hexdigest()
    assert told["Authorization"].endswith(
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
        "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    )


def test_the_moment_is_utc():
    east = timezone(timedelta(hours=3))
    assert signed(f"{HOST}/", now=NOW.astimezone(east)) == signed(f"{HOST}/")


def test_another_origin_is_not_signed_for():
    call = Call("GET", "https://other.example/", origin=origin(HOST))
    assert signer().sign(call, NOW) == call


def test_nothing_of_the_keys_is_shown():
    call = signer(session=SESSION).sign(Call("GET", f"{HOST}/", origin=origin(HOST)), NOW)
    assert not {KEYS["ID"], KEYS["SECRET"], SESSION} & set(repr(call).split("'"))
    assert not any(secret in f"{call!r}{signer(session=SESSION)!r}" for secret in (*KEYS.values(), SESSION, SCOPE))
