"""What an answer tells the paging, from the places that the spec names."""

from datetime import UTC, datetime

import pytest

from levada.jsonpath import values
from levada.nouns import PageFacts
from levada.secret import remember
from levada.source.paginate import Broken, Said, Trail
from levada.source.signals import UNKEPT, Told, kept, said
from levada.spec.model import Paging, Ref

URL = "http://example.com/api/resource"


def told(body=None, headers=None, rows=1, url=URL, last=None):
    facts = PageFacts(1, 1, "page", url, 200, {}, rows, 2, "sha", datetime(2022, 8, 12, tzinfo=UTC))
    return Told(facts, None, url, headers or {}, lambda path: values(path, body), lambda: last)


def next_of(paging, **parts):
    return said(paging, told(**parts), Trail()).next


def by_url(path="$.next"):
    return Paging(by="next_url", next=Ref(body=path))


@pytest.mark.parametrize(
    ("previous", "reference", "expected"),
    [
        (URL, "http://example.com/next", "http://example.com/next"),
        (URL, "/api/resource?page=2", "http://example.com/api/resource?page=2"),
        ("http://example.com/api/page/3/items", "/api/page/4/items?filter=active", None),
        (f"{URL}?page=2", "/api/resource?page=3&category=books&sort=author", None),
        ("http://example.com:8080/api/resource", "/api/resource?page=2", "http://example.com:8080/api/resource?page=2"),
        (URL, "?query=%E3%81%82", f"{URL}?query=%E3%81%82"),
        (f"{URL}?page=2&x=1", "/api/resource?cursor=b", None),
        (f"{URL}/", "next#part", f"{URL}/next"),
        (URL, "//other.example/x", "http://other.example/x"),
    ],
)
def test_a_next_url_is_resolved_by_rfc_3986(previous, reference, expected):
    wanted = expected or f"http://example.com{reference}"
    assert next_of(by_url(), body={"next": reference}, url=previous) == wanted


@pytest.mark.parametrize("path", ["$['@odata.nextLink']", '$["@odata.nextLink"]'])
def test_a_key_is_read_literally(path):
    assert next_of(by_url(path), body={"@odata.nextLink": "/b"}) == "http://example.com/b"


@pytest.mark.parametrize("end", [{}, {"next": None}, {"next": ""}, {"next": False}])
def test_nothing_null_false_and_empty_are_the_end(end):
    assert next_of(by_url(), body=end) is None
    assert next_of(Paging(by="cursor", next=Ref(body="$.next")), body=end) is None


def test_a_cursor_comes_from_body_header_or_last_record():
    assert next_of(Paging(by="cursor", next=Ref(body="$.meta.next")), body={"meta": {"next": 33}}) == 33
    assert next_of(Paging(by="cursor", next=Ref(header="X-Next")), headers={"x-next": "b"}) == "b"
    assert next_of(Paging(by="cursor", next=Ref(header="X-Next")), headers={"x-next": ""}) is None
    assert next_of(Paging(by="cursor", next=Ref(header="X-Next"))) is None
    assert next_of(Paging(by="cursor", next=Ref(last="$.id")), last={"id": "z9"}) == "z9"
    assert next_of(Paging(by="cursor", next=Ref(last="$.id")), last=None, rows=0) is None


def test_a_link_header_leads_on():
    paging = Paging(by="link")
    assert next_of(paging, headers={"link": '</x?page=2>; rel="prev next"'}) == "http://example.com/x?page=2"
    assert next_of(paging, headers={}) is None
    assert next_of(Paging(by="link", rel="more"), headers={"link": "</y>; rel=more"}) == "http://example.com/y"


def test_a_class_gets_what_was_asked_the_body_and_the_headers():
    seen = []

    def follow(value, body, headers):
        seen.append((value, body, headers))
        return body["n"] + 1

    assert said(Paging(by="class"), told(body={"n": 4}, headers={"a": "b"}), Trail(), follow).next == 5
    assert seen == [(None, {"n": 4}, {"a": "b"})]


@pytest.mark.parametrize("bad", [{"next": {"href": "x"}}, {"next": ["x"]}, {"next": True}])
def test_what_can_be_no_cursor_is_broken(bad):
    broken = said(Paging(by="cursor", next=Ref(body="$.next")), told(body=bad), Trail())
    assert isinstance(broken, Broken)
    assert "stands where the next cursor belongs" in broken.what
    assert "`next`" in broken.todo


def test_a_link_that_is_no_http_address_is_broken():
    broken = said(by_url(), told(body={"next": "ftp://example.com/x"}), Trail())
    assert isinstance(broken, Broken)
    assert "no http address: ftp://example.com/x" in broken.what


@pytest.mark.parametrize("total", [20, "20", " 20 ", 20.0])
def test_a_total_may_be_text(total):
    paging = Paging(by="page", total_rows=Ref(body="$.total"))
    assert said(paging, told(body={"total": total}), Trail()) == Said(total_rows=20)


@pytest.mark.parametrize(("bad", "finding"), [({}, "finds nothing"), ({"total": "invalid"}, "finds 'invalid'")])
def test_a_total_that_is_none_is_broken(bad, finding):
    broken = said(Paging(by="page", total_rows=Ref(body="$.total")), told(body=bad), Trail())
    assert isinstance(broken, Broken)
    assert broken.what == f"`total_rows` ($.total) {finding}, and no page before told it."
    assert "`total_rows`" in broken.todo


def test_a_total_that_was_told_before_or_an_empty_page_need_not_tell_it():
    paging = Paging(by="page", total_pages=Ref(header="X-Total-Pages"))
    known = Trail(total_pages=3)
    assert said(paging, told(), known) == Said()
    assert said(paging, told(rows=0), Trail()) == Said()
    assert said(paging, told(headers={"x-total-pages": "3"}), Trail()) == Said(total_pages=3)


@pytest.mark.parametrize(("flag", "more"), [(True, True), (False, False), ("true", True), ("False", False), (1, True)])
def test_a_flag_may_be_text(flag, more):
    paging = Paging(by="page", has_more=Ref(body="$.more"))
    assert said(paging, told(body={"more": flag}), Trail()) == Said(has_more=more)


@pytest.mark.parametrize(("bad", "finding"), [({}, "finds nothing"), ({"more": "invalid"}, "finds 'invalid'")])
def test_a_flag_that_is_none_is_broken(bad, finding):
    broken = said(Paging(by="page", has_more=Ref(body="$.more")), told(body=bad), Trail())
    assert isinstance(broken, Broken)
    assert broken.what == f"`has_more` ($.more) {finding}: neither true nor false."


def test_a_header_that_leads_on_is_kept_unless_it_holds_a_secret():
    link = f'<{URL}?page=2>; rel="next"'
    assert kept("link", link) == link
    assert kept("x-next", "b") == "b"
    assert kept("link", f'<{URL}?page=2&sig=abcdef>; rel="next"') == UNKEPT
    remember("sesame-signals-77")
    assert kept("x-next", "sesame-signals-77") == UNKEPT


def test_a_header_that_was_not_kept_is_no_end():
    broken = said(Paging(by="link"), told(headers={"link": UNKEPT}), Trail())
    assert isinstance(broken, Broken)
    assert said(Paging(by="cursor", next=Ref(header="a")), told(headers={"a": UNKEPT}), Trail()).__class__ is Broken
