import dataclasses
from datetime import UTC, datetime

import pytest

from levada.errors import FixThis
from levada.nouns import Place
from levada.source.fingerprint import fingerprint
from levada.source.origin import origin
from levada.source.paginate import Position
from levada.source.request import build, place
from levada.source.slices import Slice
from levada.version import __version__
from plans import RULES, plan, rule, texts

THIRD = Position(3, 3)
WHOLE = Slice()


def url(*args, position=THIRD, **parts):
    return build(plan(*args, **parts), WHOLE, position).url


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [
        ("http://api.test", "/sales", "http://api.test/sales"),
        ("http://api.test/", "/sales", "http://api.test/sales"),
        ("http://api.test/", "sales/", "http://api.test/sales/"),
        ("http://api.test/v1//", "//sales", "http://api.test/v1/sales"),
        ("http://api.test:8080/v1", "sales", "http://api.test:8080/v1/sales"),
        ("http://api.test/v1/", "", "http://api.test/v1/"),
        ("http://api.test", "/by day/ü#1", "http://api.test/by%20day/%C3%BC%231"),
        ("http://api.test", "/a%2Fb", "http://api.test/a%2Fb"),
    ],
)
def test_base_and_path_are_joined_by_one_slash(base, path, expected):
    assert url(base, path=path, by="none", asked=()) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a/b?c=1#z", "a%2Fb%3Fc%3D1%23z"), ("..", "%2E%2E"), (".", "%2E"), ("50%", "50%25"), ("a b\n", "a%20b%0A")],
)
def test_a_value_in_a_path_stays_one_segment(value, expected):
    asked = url(path="/p/{id}/x", values={"id": value}, by="none", asked=())
    # A lone percent sign of a literal stays; one of a value is escaped.
    assert asked == f"http://api.test/p/{expected}/x"


def test_parameters_keep_their_order_and_the_page_comes_last():
    asked = (*texts(z="1", date="{date}", a="x y&z=ü"), *texts(z="2"))
    assert url(asked=asked) == ("http://api.test/sales?z=1&date=2022-08-09&a=x%20y%26z%3D%C3%BC&z=2&page=3")


def test_empty_parameters_are_sent_and_a_query_of_the_url_stays():
    assert url("http://api.test/?v=2", asked=texts(locale="")) == "http://api.test/sales?v=2&locale=&page=3"
    assert url(path="/sales?kind=a", asked=texts(b="1")) == "http://api.test/sales?kind=a&b=1&page=3"


def test_the_paginator_has_the_last_word_on_its_parameter():
    assert url(asked=texts(page="100", q="1"), position=Position(1, 7)) == "http://api.test/sales?q=1&page=7"
    assert url(asked=(), param="p[no]", position=Position(1, 0)) == "http://api.test/sales?p%5Bno%5D=0"
    assert url(asked=texts(page="100"), by="none") == "http://api.test/sales?page=100"


def test_a_stream_s_parameter_or_header_replaces_the_source_s():
    call = build(
        plan(
            params=texts(v="1", w="1"),
            asked=texts(v="2"),
            headers=texts(X_A="source", X_B="source"),
            request_headers=texts(x_a="stream {date}"),
        ),
        WHOLE,
        THIRD,
    )
    assert call.url == "http://api.test/sales?w=1&v=2&page=3"
    assert call.headers == (
        ("User-Agent", f"levada/{__version__}"),
        ("Accept-Encoding", "gzip, deflate"),
        ("X-B", "source"),
        ("x-a", "stream 2022-08-09"),
    )


def test_the_user_agent_may_be_changed_the_codings_may_not():
    given = texts(user_agent="me", accept_encoding="br")
    assert build(plan(headers=given), WHOLE, THIRD).headers == (
        ("Accept-Encoding", "gzip, deflate"),
        ("user-agent", "me"),
    )


def test_the_key_goes_apart_with_its_origin():
    asked = plan("https://api.test/v1", timeout=7, page_size=99)
    call = asked.signer.sign(build(asked, WHOLE, THIRD), datetime(2022, 8, 12, tzinfo=UTC))
    (key,) = call.credentials
    assert (key.carrier, key.name, key.secret.value) == ("header", "Authorization", "sesame-4711")
    assert call.origin == "https://api.test:443"
    assert (call.method, call.timeout, call.size_limit) == ("GET", 7, 99)
    assert "sesame" not in repr(call)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://API.test/x", "http://api.test:80"),
        ("https://api.test", "https://api.test:443"),
        ("http://api.test.:8080/?a", "http://api.test:8080"),
        ("http://[::1]/", "http://[::1]:80"),
    ],
)
def test_origin(address, expected):
    assert origin(address) == expected


def test_a_line_break_in_a_header_is_refused():
    with pytest.raises(FixThis, match="The header X-A holds a line break"):
        build(plan(headers=texts(X_A="{a}"), values={"a": "1\r\nEvil: 1"}, asked=()), WHOLE, THIRD)


def test_place_names_stream_partition_page_and_redacted_url():
    where = place(plan(), number=3, url="http://api.test/?q=sesame-4711")
    assert where == "stream sales, 2022-08-09, page 3, http://api.test/?q=[secret]"
    assert place(plan(values={"date": "d", "partition": "p"})) == "stream sales, p"


def test_the_fingerprint_covers_what_decides_the_pages():
    base = fingerprint(plan())
    assert len(base) == 64
    others = [
        plan("http://other.test"),
        plan(path="/x"),
        plan(asked=texts(date="{date}", a="1")),
        plan(values={"date": "2022-08-10"}),
        plan(headers=texts(a="1")),
        plan(params=texts(a="1")),
        plan(by="none"),
        plan(param="p"),
        plan(start=0),
        plan(max_pages=3),
        plan(responses=(*RULES, rule("end", 410))),
        plan(responses=RULES[::-1]),
        plan(records="$"),
        plan(slices=(Slice(0, {"row": 1}, {"row": 1}),)),
        plan(slices=(Slice(0, {"row": 1}, {"row": 2}),)),
        plan(slices=(Slice(0, {"row": 1}, {"row": 1}), Slice(1, {"row": 2}, {"row": 2}))),
    ]
    assert len({base, *map(fingerprint, others)}) == len(others) + 1


def test_the_fingerprint_leaves_out_secrets_limits_and_how_far_is_asked_ahead():
    base = fingerprint(plan())
    same = [
        plan(token="another-secret"),
        plan(concurrency=9),
        plan(ahead=False),
        plan(timeout=1),
        plan(attempts=1),
        plan(responses=tuple(dataclasses.replace(each, place=Place("moved.yaml", 9, 9)) for each in RULES)),
    ]
    assert {base} == set(map(fingerprint, same))
