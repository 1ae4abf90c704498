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


@pytest.mark.parametrize(
    ("headers", "fits"),
    [
        ({"content-range": "bytes 7-9/10"}, True),
        ({"content-range": "bytes 7-9/10", "etag": '"a"'}, True),
        ({"content-range": "bytes 7-9/10", "etag": '"b"'}, False),
        ({"content-range": "bytes 7-9/10", "content-encoding": "gzip"}, False),
        ({"content-range": "bytes 6-9/10"}, False),
        ({"content-range": "bytes 7-8/10"}, False),
        ({"content-range": "bytes 7-9/*"}, False),
        ({"content-range": "bytes 7-10/11"}, False),
        ({"content-type": "multipart/byteranges"}, False),
    ],
)
def test_only_all_of_the_rest_follows(headers, fits):
    assert follows(7, {"content-length": "10", "etag": '"a"'}, headers) is fits


def test_without_a_length_the_size_is_what_the_rest_says():
    assert follows(7, {"etag": '"a"'}, {"content-range": "bytes 7-10/11"})
