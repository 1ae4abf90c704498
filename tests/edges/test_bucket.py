"""A bucket that is made: what servers answer instead, told without the signed URL."""

import pytest

from levada.errors import FixThis, TryLater
from levada.lake.bucket import make_bucket
from rawserver import CLOSE, RESET, RawServer, http

SIGNED = "/a-bucket?X-Amz-Credential=someone&X-Amz-Signature=hidden-signature"


def xml(code: str) -> bytes:
    return f"<Error><Code>{code}</Code></Error>".encode()


@pytest.mark.parametrize(
    "answer",
    [[b"no HTTP at all\r\n\r\n"], [CLOSE], [RESET], [http(403, b"<Error>", Content_Length="100"), CLOSE]],
    ids=["no HTTP", "closed", "reset", "half a refusal"],
)
def test_no_answer_is_another_times(answer):
    with RawServer(lambda _: answer) as server, pytest.raises(TryLater) as told:
        make_bucket(f"{server.url}{SIGNED}", "us-east-1", "a-bucket")
    assert told.value.what.startswith("the bucket could not be made (")
    assert (told.value.where, told.value.todo) == ("a-bucket", "see that the endpoint is right; run again")
    assert "hidden-signature" not in str(told.value)


def test_what_is_no_url_is_told_without_it():
    with pytest.raises(TryLater) as told:
        make_bucket(f"http://127.0.0.1:9/a b{SIGNED}", "us-east-1", "a-bucket")
    assert "hidden-signature" not in str(told.value)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (409, "BucketAlreadyExists", "the name a-bucket is taken"),
        (403, "AccessDenied", r"could not be made \(AccessDenied\)"),
    ],
)
def test_a_refusal_is_told(status, code, said):
    with RawServer(lambda _: http(status, xml(code))) as server, pytest.raises(FixThis, match=said):
        make_bucket(f"{server.url}{SIGNED}", "us-east-1", "a-bucket")


def test_a_busy_store_is_another_times():
    with (
        RawServer(lambda _: http(503, xml("SlowDown"))) as server,
        pytest.raises(TryLater, match=r"could not be made \(SlowDown\)") as told,
    ):
        make_bucket(f"{server.url}{SIGNED}", "us-east-1", "a-bucket")
    assert told.value.todo == "run again in a while"


def test_a_bucket_that_is_mine_already_is_fine():
    with RawServer(lambda _: http(409, xml("BucketAlreadyOwnedByYou"))) as server:
        assert make_bucket(f"{server.url}{SIGNED}", "eu-west-1", "a-bucket") is False
    with RawServer(lambda _: http(200)) as server:
        assert make_bucket(f"{server.url}{SIGNED}", "eu-west-1", "a-bucket") is True
