import json

import pytest

from levada.source.detect import detect, single_entity

URL = "https://api.example.com/v1/things"
ROWS = [{"id": 1}, {"id": 2}]


def seen(body, headers=None, url=URL, status=200):
    return detect(status, headers or {}, json.dumps(body).encode(), url)


def paging(found):
    return dict(found.paging.said) if found.paging else None


def link(path):
    return {"by": "next_url", "next": path}


@pytest.mark.parametrize(
    ("body", "path", "expected"),
    [
        pytest.param({"data": ROWS, "pagination": {"offset": 0, "limit": 2, "total": 9}}, "$.data", None, id="C1"),
        pytest.param(
            {"items": ROWS, "page_info": {"current_page": 1, "items_per_page": 2, "total_pages": 9}},
            "$.items",
            {"by": "page", "param": "page", "start": 1, "total_pages": "$.page_info.total_pages"},
            id="C2",
        ),
        pytest.param(
            {"products": ROWS, "next_cursor": "eyJpZCI6"},
            "$.products",
            {"by": "cursor", "next": "$.next_cursor", "param": "cursor"},
            id="C3",
        ),
        pytest.param(
            {"results": ROWS, "cursors": {"next": "NjM5", "previous": "Mjkw"}},
            "$.results",
            {"by": "cursor", "next": "$.cursors.next", "param": "cursor"},
            id="C4",
        ),
        pytest.param(
            {"entries": ROWS, "next_id": 33, "limit": 2},
            "$.entries",
            {"by": "cursor", "next": "$.next_id", "param": "id"},
            id="C5",
        ),
        pytest.param(
            {"comments": ROWS, "page_number": 3, "total_pages": 15},
            "$.comments",
            {"by": "page", "param": "page_number", "start": 1, "total_pages": "$.total_pages"},
            id="C6",
        ),
        pytest.param(
            {"count": 9, "next": "https://api.example.com/v1/things?page=5", "previous": None, "results": ROWS},
            "$.results",
            link("$.next"),
            id="C7",
        ),
        pytest.param(
            {
                "_embedded": {"items": ROWS},
                "_links": {"first": {"href": "/a"}, "self": {"href": "/b"}, "next": {"href": "https://h/a?page=2"}},
                "page": {"size": 2, "totalElements": 9, "totalPages": 5, "number": 1},
            },
            "$._embedded.items",
            link("$._links.next.href"),
            id="C8",
        ),
        pytest.param(
            {"items": ROWS, "meta": {"totalPages": 5}, "links": {"prevPage": None, "nextPage": "/items?page=2"}},
            "$.items",
            link("$.links.nextPage"),
            id="C9",
        ),
        pytest.param(
            {"data": ROWS, "pagination": {"totalPages": 5}},
            "$.data",
            {"by": "page", "param": "page", "start": 1, "total_pages": "$.pagination.totalPages"},
            id="C10",
        ),
        pytest.param(
            {"items": ROWS, "pagination": {"page": 1, "perPage": 2, "total": 9, "totalPages": 5}},
            "$.items",
            {"by": "page", "param": "page", "start": 1, "total_pages": "$.pagination.totalPages"},
            id="C10 more",
        ),
        pytest.param(
            {
                "data": ROWS,
                "meta": {"count": 2},
                "links": {"first": "/api/items?page=1", "previous": None, "next": "/api/items?page=2", "last": "/l"},
            },
            "$.data",
            link("$.links.next"),
            id="C11",
        ),
        pytest.param(
            {"page": 1, "per_page": 2, "total": 9, "pages": 5, "data": ROWS},
            "$.data",
            {"by": "page", "param": "page", "start": 1, "total_pages": "$.pages"},
            id="C12",
        ),
        pytest.param({"articles": ROWS, "paging": {"current": 1, "size": 2, "total": 9}}, "$.articles", None, id="C13"),
        pytest.param({"feed": ROWS, "offset": 0, "limit": 2, "total_count": 9}, "$.feed", None, id="C14"),
        pytest.param(ROWS, "$", None, id="C15 a bare list"),
        pytest.param({"id": 1, "name": "x"}, "$", None, id="C15 a plain object"),
        pytest.param(
            {"items": [{"id": 1}], "total_pages": 5},
            "$.items",
            {"by": "page", "param": "page", "start": 1, "total_pages": "$.total_pages"},
            id="Z1",
        ),
        pytest.param({"items": ROWS, "next_update": "2026-01-01"}, "$.items", None, id="Z2"),
        pytest.param(
            {"data": ROWS, "page": 0, "total_pages": 5},
            "$.data",
            {"by": "page", "param": "page", "start": 0, "total_pages": "$.total_pages"},
            id="counting from 0",
        ),
        pytest.param(
            {"value": ROWS, "@odata.nextLink": "https://h/v?$skip=2"},
            "$.value",
            link("$['@odata.nextLink']"),
            id="a key that is no identifier",
        ),
        pytest.param(
            {"data": ROWS, "paging": {"cursors": {"before": "a", "after": "b"}}},
            "$.data",
            {"by": "cursor", "next": "$.paging.cursors.after", "param": "cursor"},
            id="after, among cursors",
        ),
        pytest.param({"data": ROWS, "after": "2022-08-09"}, "$.data", None, id="after, alone"),
        pytest.param({"data": ROWS, "next": ""}, "$.data", None, id="an empty link"),
        pytest.param({"data": ROWS, "next": False}, "$.data", None, id="a link that is false"),
    ],
)
def test_records_and_paging_of_an_answer(body, path, expected):
    found = seen(body)
    assert (found.path, paging(found)) == (path, expected)
    assert found.rows == (1 if path == "$" and isinstance(body, dict) else len(ROWS[: found.rows]))


def test_a_link_header_leads_on():
    header = f'<{URL}?page=1>; rel="first", <{URL}?page=2>; rel="next"'
    for body in (ROWS, {"data": ROWS, "total_pages": 5, "next": "https://h/x"}):
        found = seen(body, {"link": header})
        assert (paging(found), found.paging.certainty) == ({"by": "link"}, "certain")
    assert seen(ROWS, {"link": f'<{URL}>; rel="prev"'}).paging is None


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"warnings": [], "data": ROWS}, "$.data"),
        ({"values": ROWS, "data": ROWS}, "$.data"),
        ({"others": ROWS, "meta": {"results": ROWS}}, "$.meta.results"),
        ({"meta": {"values": ROWS}, "items": ROWS}, "$.items"),
        ({"a": {"b": ROWS}, "c": ROWS}, "$.c"),
        ({"a": {"b": {"c": ROWS}}}, "$.a.b.c"),
        ({"a": {"b": {"c": {"d": ROWS}}}}, "$"),
        ({"tags": ["x", "y"], "things": ROWS}, "$.things"),
        ({"id": 1, "tags": ["x", "y"]}, "$"),
        ({"it's": ROWS}, "$['it\\'s']"),
    ],
)
def test_which_list_is_taken_for_the_records(body, path):
    assert seen(body).path == path


@pytest.mark.parametrize(
    ("body", "certainty"),
    [
        ({"data": ROWS}, "certain"),
        ({"data": ROWS, "warnings": []}, "likely"),
        ({"things": ROWS}, "likely"),
        ({"things": ROWS, "others": ROWS}, "guess"),
        ({"data": []}, "guess"),
    ],
)
def test_how_sure_the_records_are(body, certainty):
    assert seen(body).records.certainty == certainty


def test_a_bare_list_needs_no_word_and_an_object_is_a_record_itself():
    assert seen(ROWS).records is None
    assert seen({"id": 1}).records.said == (("", "$"),)


@pytest.mark.parametrize(
    "path",
    [
        "/users/{user_id}",
        "/x/{id}/",
        "/x/{id}?p=1",
        "/x/{id}#s",
        "/x/{id}.json",
        "/x/{id}_data",
        "{entity}",
        "/{user_123}",
        "/users/{user-id}",
        "/users/{123}",
    ],
)
def test_c17_paths_of_one_entity(path):
    assert single_entity(path)
    assert seen({"data": ROWS, "next": "https://h/x"}, url=f"https://h{path}" if path[0] == "/" else path).path == "$"


@pytest.mark.parametrize(
    "path",
    [
        "/users/user_id",
        "/users/{id}/details",
        "/",
        "/{}",
        "/x/{id}/#section",
        "/users/{user id}",
        "/users/{user_id}/{",
    ],
)
def test_c17_paths_of_many(path):
    assert not single_entity(path)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("page=1", {"by": "page", "param": "page", "start": 1}),
        ("Page=0&x=2", {"by": "page", "param": "Page", "start": 0}),
        ("page=7", None),
        ("offset=0&limit=50", {"by": "offset", "param": "offset", "limit": 50, "limit_param": "limit"}),
        ("offset=0", None),
        ("offset=0&limit=0", None),
        ("date=1", None),
    ],
)
def test_paging_that_the_url_itself_has(query, expected):
    found = seen(ROWS, url=f"{URL}?{query}")
    assert paging(found) == expected
    assert found.paging is None or found.paging.certainty == "certain"


def test_what_the_url_has_makes_a_guess_sure():
    body = {"data": ROWS, "total_pages": 5}
    assert seen(body).paging.certainty == "likely"
    assert "`page` from 1 is a guess" in seen(body).paging.why
    typed = seen(body, url=f"{URL}?pageNumber=0")
    assert (paging(typed)["param"], paging(typed)["start"], typed.paging.certainty) == ("pageNumber", 0, "certain")
    cursor = {"data": ROWS, "next_token": "x"}
    assert (paging(seen(cursor))["param"], seen(cursor).paging.certainty) == ("token", "guess")
    known = seen(cursor, url=f"{URL}?token=")
    assert (paging(known)["param"], known.paging.certainty) == ("token", "likely")


def test_more_rows_than_a_page_and_no_way_to_them_is_told():
    (hint,) = seen({"feed": ROWS, "offset": 0, "limit": 2, "total_count": 9}).hints
    assert hint.startswith("$.total_count says 9, this page has 2: there are more pages, and no way to them")
    (hint,) = seen(ROWS, {"x-total-count": "9"}).hints
    assert hint.startswith("{header: x-total-count} says 9, this page has 2: there are more pages")
    (hint,) = seen({"data": ROWS, "total": 9, "next": "https://h/x"}).hints
    assert hint == "$.total says 9, this page has 2: `total_rows: $.total` in `paging` would hold every run to that"
    assert seen({"data": ROWS, "total": 2}).hints == ()


def test_a_last_page_says_that_it_cannot_show_the_way():
    (hint,) = seen({"data": ROWS, "next": None}).hints
    assert hint.startswith("$.next is empty: this page is the last one")


@pytest.mark.parametrize(
    ("headers", "body", "kind"),
    [
        ({}, b'{"a": 1}\n{"a": 2}\n', "json_lines"),
        ({"content-type": "application/xml"}, b"<?xml version='1.0'?><a/>", "xml"),
        ({"content-type": "text/csv; charset=utf-8"}, b"a,b\n1,2\n", "csv"),
    ],
)
def test_bodies_that_are_no_json(headers, body, kind):
    found = detect(200, headers, body, URL)
    assert dict(found.format.said) == {"": kind}


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, b'{"data": [{}]}', "status 404 tells nothing"),
        (200, b"<!doctype html><html></html>", "neither JSON, JSON lines, CSV nor XML"),
        (200, b"{", "neither JSON"),
        (200, b"", "the body is empty"),
        (200, b"null", "the body is empty"),
    ],
)
def test_answers_that_tell_nothing(status, body, said):
    found = detect(status, {}, body, URL)
    assert (found.records, found.paging, found.format) == (None, None, None)
    assert said in found.hints[0]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {"x-next-page": "2", "x-total-pages": "9"},
            {"by": "cursor", "next": "{header: x-next-page}", "param": "page"},
        ),
        ({"x-next-page": "", "x-total-pages": "9"}, {"by": "page", "total_pages": "{header: x-total-pages}"}),
        ({"x-wp-totalpages": "9"}, {"by": "page", "total_pages": "{header: x-wp-totalpages}"}),
        ({"x-wp-totalpages": "many"}, None),
    ],
)
def test_paging_that_headers_tell(headers, expected):
    found = seen(ROWS, headers)
    numbered = expected and expected["by"] == "page"
    assert paging(found) == (expected | {"param": "page", "start": 1} if numbered else expected)
    assert found.paging is None or found.paging.certainty == "likely"
    typed = seen(ROWS, headers, url=f"{URL}?page=1")
    assert typed.paging.certainty == "certain"


def test_totals_in_headers_and_in_objects_are_seen():
    (hint,) = seen(ROWS, {"x-wp-total": "9"}).hints
    assert hint.startswith("{header: x-wp-total} says 9")
    (hint,) = seen({"hits": {"total": {"value": 9}, "hits": ROWS}}).hints
    assert hint.startswith("$.hits.total.value says 9")


def test_more_without_a_way_to_it_is_told():
    (hint,) = seen({"data": ROWS, "has_more": True}).hints
    assert hint.startswith("$.has_more is true: there are more pages")
    assert seen({"data": ROWS, "has_more": False}).hints == ()
    assert seen({"data": ROWS, "has_more": True, "next_cursor": "x"}).hints == ()


def test_what_went_wrong_is_no_record():
    found = seen({"errors": [{"message": "no query"}]})
    assert (found.path, found.rows) == ("$", 1)
    assert found.hints[0].startswith("$.errors says that something is wrong")
    (hint,) = seen({"ok": False, "error": "invalid_auth"}).hints
    assert "{status: 2xx, json: $.error, means: fail}" in hint
    assert seen({"data": ROWS, "errors": []}).hints == ()
