"""Which downloads may go on, what is asked for then, and whether an answer is just that."""

import pytest

from levada.source.rest import asking, follows, validator

PARTS = {"accept-ranges": "bytes"}
OLD = {"last-modified": "Tue, 09 Aug 2022 06:00:00 GMT"}


@pytest.mark.parametrize(
    ("headers", "valid"),
    [
        ({**PARTS, "etag": '"a"'}, '"a"'),
        ({**PARTS, "etag": '"a"', "content-encoding": "identity"}, '"a"'),
        ({**PARTS, **OLD, "date": "Tue, 09 Aug 2022 06:01:00 GMT"}, OLD["last-modified"]),
        ({**PARTS, **OLD, "date": "Tue, 09 Aug 2022 06:00:59 GMT"}, None),
        ({**PARTS, **OLD, "date": "Tue, 09 Aug 2022 06:10:00 -0000"}, None),
        ({**PARTS, **OLD, "date": "now"}, None),
        ({**PARTS, **OLD}, None),
        ({**PARTS, **OLD, "date": "Tue, 09 Aug 2022 06:10:00 GMT", "etag": 'W/"a"'}, None),
        ({**PARTS, "etag": '"a"', "content-encoding": "gzip"}, None),
        ({"accept-ranges": "none", "etag": '"a"'}, None),
        ({"etag": '"a"'}, None),
        ({}, None),
    ],
)
def test_only_what_names_the_very_bytes_is_a_condition(headers, valid):
    assert validator(headers) == valid


def test_the_rest_is_asked_for_on_a_condition():
    assert asking(7, '"a"') == (("Range", "bytes=7-"), ("If-Range", '"a"'))


TAGGED = {**PARTS, "content-length": "10", "etag": '"a"'}
DATED = {**PARTS, "content-length": "10", **OLD, "date": "Tue, 09 Aug 2022 06:10:00 GMT"}
REST = {"content-range": "bytes 7-9/10"}


@pytest.mark.parametrize(
    ("headers", "fits"),
    [
        (REST, True),
        ({**REST, "content-encoding": "gzip"}, False),
        ({"content-range": "bytes 6-9/10"}, False),
        ({"content-range": "bytes 7-8/10"}, False),
        ({"content-range": "bytes 7-9/*"}, False),
        ({"content-range": "bytes 7-10/11"}, False),
        ({"content-type": "multipart/byteranges"}, False),
    ],
)
def test_only_all_of_the_rest_follows(headers, fits):
    assert follows(7, TAGGED, {"etag": '"a"', **headers}) is fits


@pytest.mark.parametrize(
    ("before", "headers", "fits"),
    [
        (TAGGED, {"etag": '"a"'}, True),
        (TAGGED, {"etag": '"a"', "last-modified": "Tue, 09 Aug 2022 07:00:00 GMT"}, True),
        (TAGGED, {"etag": '"b"'}, False),
        (TAGGED, {"etag": 'W/"a"'}, False),
        (TAGGED, {}, False),
        (DATED, OLD, True),
        (DATED, {"last-modified": "Tue, 09 Aug 2022 06:05:00 GMT"}, False),
        (DATED, {**OLD, "etag": '"a"'}, False),
        (DATED, {}, False),
        ({"content-length": "10"}, {}, False),
    ],
)
def test_nothing_follows_that_does_not_bring_back_what_named_the_bytes(before, headers, fits):
    assert follows(7, before, {**REST, **headers}) is fits


def test_without_a_length_the_size_is_what_the_rest_says():
    assert follows(7, {**PARTS, "etag": '"a"'}, {"content-range": "bytes 7-10/11", "etag": '"a"'})
