import gzip
import json
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from levada.simulate.replies import Reply, altered
from levada.simulate.rules import parse

NOW = datetime(2022, 8, 12, 6, 0, 0, 250_000, tzinfo=UTC)
BODY = b'[{"client": "Ada Byron", "price": 346}]'
RIGHT = Reply(200, {"content-type": b"application/json"}, BODY, len(BODY))


def reply(**fault):
    (rule,) = parse(json.dumps({"fault": fault}).encode())
    return altered(rule.fault, RIGHT, NOW)


def test_a_delay_changes_nothing():
    assert reply(delay=1) == RIGHT


def test_a_cut_body_goes_in_chunks_and_has_no_end():
    assert reply(cut_body=10) == Reply(200, RIGHT.headers, BODY[:10], length=None, cut=True)


def test_a_body_shorter_than_the_cut_still_has_no_end():
    assert reply(cut_body=1000) == Reply(200, RIGHT.headers, BODY, length=None, cut=True)


def test_a_wrong_length_promises_more_than_there_is():
    wrong = reply(wrong_length=True)
    assert wrong.body == BODY
    assert wrong.length > len(BODY)
    assert wrong.cut


def test_html_is_a_good_answer_of_the_wrong_kind():
    page = reply(html=True)
    assert (page.status, page.headers["content-type"], page.length) == (
        200,
        b"text/html; charset=utf-8",
        len(page.body),
    )
    assert page.body.startswith(b"<!doctype html>")


def test_invalid_json_has_the_right_length():
    cut = reply(invalid_json=True)
    assert (cut.status, cut.length, cut.cut) == (200, len(cut.body), False)
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.body)


def test_gzip_says_so():
    packed = reply(gzip=True)
    assert packed.headers["content-encoding"] == b"gzip"
    assert packed.length == len(packed.body)
    assert gzip.decompress(packed.body) == BODY


def test_truncated_gzip_has_the_length_of_what_is_left():
    packed = reply(gzip_truncated=True)
    assert packed.headers["content-encoding"] == b"gzip"
    assert packed.length == len(packed.body)
    assert not packed.cut
    stream = zlib.decompressobj(wbits=31)
    stream.decompress(packed.body)
    assert not stream.eof


def test_a_status_has_its_phrase():
    assert reply(status=503).status == 503
    assert json.loads(reply(status=503).body) == {"message": "Service Unavailable"}
    assert json.loads(reply(status=599).body) == {"message": "Status 599"}


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body(status):
    assert reply(status=status) == Reply(status, {}, b"", None)


@pytest.mark.parametrize(("given", "sent"), [(2, b"2"), (1.5, b"1.5"), (-3, b"-3"), ("soon", b"soon")])
def test_retry_after_in_seconds_or_as_written(given, sent):
    assert reply(status=429, retry_after=given).headers["retry-after"] == sent


@pytest.mark.parametrize("seconds", [2, 2.5, 0, -60])
def test_retry_after_as_a_date_is_never_too_early(seconds):
    date = parsedate_to_datetime(reply(status=429, retry_after={"date_in": seconds}).headers["retry-after"].decode())
    asked = NOW + timedelta(seconds=seconds)
    assert asked <= date < asked + timedelta(seconds=1)


def test_without_retry_after_there_is_no_such_header():
    assert "retry-after" not in reply(status=429).headers


def test_a_body_of_json():
    made = reply(body={"rows": [1]})
    assert (made.status, made.headers["content-type"], json.loads(made.body)) == (
        200,
        b"application/json",
        {"rows": [1]},
    )


def test_a_body_of_null_and_with_a_status():
    made = reply(body=None, status=418, retry_after=1)
    assert (made.status, made.body, made.headers["retry-after"]) == (418, b"null", b"1")


def test_a_body_of_text_goes_as_it_is():
    made = reply(body="[1, 2")
    assert (made.headers["content-type"], made.body) == (b"text/plain; charset=utf-8", b"[1, 2")
