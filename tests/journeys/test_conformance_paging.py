"""Every way of paging, through a spec: the requests that are seen, and the records that come."""

import itertools
import json
from urllib.parse import urlsplit

import pytest

from cases import attempt, one, run, spec
from levada.errors import ContractBroken, FixThis
from mockapi import POSTS
from webserver import Said, WebServer

POST = "id: int64, title: string"


@pytest.fixture
def api(posts):
    return posts


def book(*pages):
    """A server that answers the n-th request with the n-th page; one more request is an error that no spec expects."""
    order = itertools.count()

    def answer(_):
        place = next(order)
        return pages[place] if place < len(pages) else Said("nobody should ask for this", 418)

    return WebServer(answer)


def read(below, *pages, **settings):
    """What comes of a stream whose answers are these pages, in this order."""
    with book(*pages) as server:
        return attempt(one(below, **settings), server)


def ids(case):
    return [row["id"] for row in case.records()]


def items(*numbers, **more):
    return {"items": [{"id": number} for number in numbers], **more}


ITEMS = "records: {path: '$.items[*]', optional: true}"

# --- A: one fact each -------------------------------------------------------------------------------------------------


def linked(next_url, **more):
    headers = (("Link", f'<{next_url}>; rel="next"'),) if next_url else ()
    return Said(**{"body": [{"id": 1}], "headers": headers, **more})


def test_a1_a_link_is_followed_until_there_is_none():
    case = read("request: {path: /a}\npaging: {by: link}", linked("/a?page=2"), Said([{"id": 2}]))
    assert (case.requests, ids(case)) == (["/a", "/a?page=2"], [1, 2])


def test_a2_an_empty_page_does_not_stop_a_next_url():
    case = read(
        f"request: {{path: /a}}\npaging: {{by: next_url}}\n{ITEMS}",
        items(1, next="/a?page=2"),
        items(next="/a?page=3"),
        items(3),
    )
    assert (case.requests, ids(case)) == (["/a", "/a?page=2", "/a?page=3"], [1, 3])


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("$.next_page", {"next_page": "/a?page=2"}),
        ("$.next_page.url", {"next_page": {"url": "/a?page=2"}}),
        ("$['@odata.nextLink']", {"@odata.nextLink": "/a?page=2"}),
        ('$["@odata.nextLink"]', {"@odata.nextLink": "/a?page=2"}),
    ],
)
def test_a3_where_the_next_url_stands(path, told):
    below = f"request: {{path: /a}}\npaging: {{by: next_url, next: '{path.replace(chr(39), chr(39) * 2)}'}}\n{ITEMS}"
    case = read(below, items(1, **told), items(2))
    assert (case.requests, ids(case)) == (["/a", "/a?page=2"], [1, 2])


def test_a4_without_a_next_url_there_is_one_page():
    case = read(f"request: {{path: /a}}\npaging: {{by: next_url}}\n{ITEMS}", items(1))
    assert (case.requests, ids(case)) == (["/a"], [1])


@pytest.mark.parametrize(
    ("path", "reference", "second"),
    [
        ("/api/resource", "URL/api/resource?page=2", "/api/resource?page=2"),
        ("/api/resource", "/api/resource?page=2", "/api/resource?page=2"),
        ("/api/resource", "?page=2", "/api/resource?page=2"),
        ("/api/resource", "other?page=2", "/api/other?page=2"),
        ("/api/page/3/items", "/api/page/4/items?filter=active", "/api/page/4/items?filter=active"),
        (
            "/api/resource, params: {page: 2}",
            "/api/resource?page=3&category=books&sort=author",
            "/api/resource?page=3&category=books&sort=author",
        ),
        ("/api/resource, params: {page: 2, q: 1}", "/api/resource?category=books", "/api/resource?category=books"),
    ],
)
def test_a5_references_resolve_as_rfc_3986_says(path, reference, second):
    def answer(asked):
        first = len(server.seen) == 1
        return items(1, next=reference.replace("URL", server.url)) if first else items(2)

    with WebServer(answer) as server:
        case = attempt(one(f"request: {{path: {path}}}\npaging: {{by: next_url}}\n{ITEMS}"), server)
    assert (case.error, len(case.requests), case.requests[1], ids(case)) == (None, 2, second, [1, 2])


@pytest.mark.parametrize("query", ["query=%E3%81%82", "q=a%2Fb&t=1+2&u=%7E", "since=2022-01-01T00%3A00%3A00%2B00%3A00"])
def test_a5_an_escaped_query_is_kept_byte_for_byte(query):
    with book(items(1, next=f"/a?{query}"), items(2)) as server:
        case = attempt(one(f"request: {{path: /a}}\npaging: {{by: next_url}}\n{ITEMS}"), server)
        assert server.seen[1].raw == f"/a?{query}"
    assert ids(case) == [1, 2]


def test_a6_parameters_that_the_next_url_has_come_once():
    below = f"request: {{path: /api/resource, params: {{param1: value1}}}}\npaging: {{by: next_url}}\n{ITEMS}"
    case = read(below, items(1, next="/api/resource?page=2&param1=value1"), items(2))
    assert case.requests == ["/api/resource?param1=value1", "/api/resource?page=2&param1=value1"]


def test_a7_without_paging_there_is_one_page_whatever_the_answer_says():
    page = Said(items(1, next="/a?page=2"), headers=(("Link", '</a?page=2>; rel="next"'),))
    for paging in ("", "paging: {by: none}\n"):
        case = read(f"request: {{path: /a}}\n{paging}{ITEMS}", page)
        assert (case.requests, ids(case)) == (["/a"], [1])


TENS = "request: {path: /a}\npaging: {by: offset, limit: 10, total_rows: $.total}\n" + ITEMS


@pytest.mark.parametrize("total", [20, "20"])
def test_a8_an_offset_ends_at_the_total(total):
    case = read(TENS, items(*range(10), total=total), items(*range(10, 20), total=total))
    assert (case.requests, ids(case)) == (["/a?limit=10&offset=0", "/a?limit=10&offset=10"], list(range(20)))


@pytest.mark.parametrize("told", [{"total": "invalid"}, {}, {"total": None}, {"total": -1}])
def test_a8_a_total_that_is_none_is_an_error(told):
    case = read(TENS, items(*range(10), **told))
    assert isinstance(case.error, ContractBroken | FixThis)
    assert "total" in str(case.error)
    assert case.records() == []


def test_a9_the_first_request_carries_offset_and_limit():
    below = "request: {path: /a}\npaging: {by: offset, start: 123, limit: 42, stop_when_short: true}\n" + ITEMS
    case = read(below, items(*range(42)), items(99))
    assert case.requests == ["/a?limit=42&offset=123", "/a?limit=42&offset=165"]


def test_a10_the_last_offset_is_asked_for_and_none_beyond():
    below = "request: {path: /a}\npaging: {by: offset, limit: 2, last: 4}\n" + ITEMS
    case = read(below, items(0, 1), items(2, 3), items(4, 5))
    assert case.requests == ["/a?limit=2&offset=0", "/a?limit=2&offset=2", "/a?limit=2&offset=4"]
    assert ids(case) == [0, 1, 2, 3, 4, 5]


MORE = "request: {path: /a}\npaging: {by: offset, limit: 2, has_more: $.more}\n" + ITEMS


@pytest.mark.parametrize("yes", [True, "true", 1])
@pytest.mark.parametrize("no", [False, "false", 0])
def test_a11_has_more(yes, no):
    case = read(MORE, items(0, 1, more=yes), items(2, 3, more=no))
    assert (case.requests, ids(case)) == (["/a?limit=2&offset=0", "/a?limit=2&offset=2"], [0, 1, 2, 3])


@pytest.mark.parametrize("told", [{"more": "invalid"}, {}])
def test_a11_has_more_that_says_neither_is_an_error(told):
    case = read(MORE, items(0, 1, **told))
    assert isinstance(case.error, ContractBroken | FixThis)
    assert "more" in str(case.error)


def bodies(below, *pages):
    with book(*pages) as server:
        case = attempt(one(below), server)
        return case, [asked.json for asked in server.seen]


@pytest.mark.parametrize(
    ("param", "limit", "sent"),
    [
        ("offset", "limit", lambda n: {"kept": 1, "offset": n, "limit": 2}),
        ("pagination.offset", "pagination.limit", lambda n: {"kept": 1, "pagination": {"offset": n, "limit": 2}}),
    ],
)
def test_a12_an_offset_in_the_body_leaves_the_rest_of_it(param, limit, sent):
    paging = f"{{by: offset, in: body, param: {param}, limit: 2, limit_param: {limit}, total_rows: $.total}}"
    below = f"request: {{path: /a, json: {{kept: 1}}}}\npaging: {paging}\n{ITEMS}"
    case, sent_bodies = bodies(below, items(0, 1, total=3), items(2, total=3))
    assert (sent_bodies, ids(case), case.requests) == ([sent(0), sent(2)], [0, 1, 2], ["/a", "/a"])


def test_a12_what_stands_beside_a_nested_offset_is_kept():
    below = f"""
    request: {{path: /a, json: {{pagination: {{order: up}}, kept: [1]}}}}
    paging: {{by: page, in: body, param: pagination.page, max_pages: 2}}
    {ITEMS}"""
    _, sent = bodies(below, items(0), items(1))
    assert sent == [{"pagination": {"order": "up", "page": n}, "kept": [1]} for n in (1, 2)]


@pytest.mark.parametrize("by", ["page", "offset, limit: 2"])
def test_a13_an_empty_page_ends_paging(by):
    case = read(f"request: {{path: /a}}\npaging: {{by: {by}}}\n{ITEMS}", items(0, 1), items())
    assert (len(case.requests), ids(case)) == (2, [0, 1])


@pytest.mark.parametrize(
    ("paging", "said"),
    [
        ("{by: page, stop_when_empty: false}", "nothing ends"),
        ("{by: offset, limit: 5, stop_when_empty: false}", "nothing ends"),
        ("{by: offset}", "limit"),
        ("{by: offset, limit: 0}", "limit"),
        ('{by: page, param: ""}', "param"),
        ("{by: cursor}", "next"),
        ('{by: cursor, next: ""}', "JSONPath"),
        ("{by: pages}", "by"),
        ("{}", "by"),
    ],
)
def test_a14_paging_without_an_end_or_a_name_is_refused(paging, said):
    with pytest.raises(FixThis, match=said):
        spec(one(f"request: {{path: /a}}\npaging: {paging}"))


@pytest.mark.parametrize(
    ("paging", "asked"),
    [
        ("by: page, max_pages: 1", "/a?page=1"),
        ("by: offset, limit: 7, stop_when_short: true", "/a?limit=7&offset=0"),
        ("by: page, start: 0, limit: 7, limit_param: per_page, stop_when_short: true", "/a?per_page=7&page=0"),
    ],
)
def test_a14_names_that_are_not_given(paging, asked):
    assert read(f"request: {{path: /a}}\npaging: {{{paging}}}\n{ITEMS}", items(1)).requests == [asked]


def test_a14_a_cursor_is_called_cursor_and_not_sent_at_first():
    case = read(f"request: {{path: /a}}\npaging: {{by: cursor, next: $.next}}\n{ITEMS}", items(1, next="c 2"), items(2))
    assert case.requests == ["/a", "/a?cursor=c 2"]


def test_a15_pages_end_at_their_total():
    below = f"request: {{path: /a}}\npaging: {{by: page, total_pages: $.pages}}\n{ITEMS}"
    case = read(below, *(items(n, pages=3) for n in (1, 2, 3)))
    assert (case.requests, ids(case)) == (["/a?page=1", "/a?page=2", "/a?page=3"], [1, 2, 3])


def test_a15_pages_from_zero_end_at_their_total():
    below = f"request: {{path: /a}}\npaging: {{by: page, start: 0, total_pages: $.pages}}\n{ITEMS}"
    case = read(below, items(1, pages=2), items(2, pages=2))
    assert (case.requests, ids(case)) == (["/a?page=0", "/a?page=1"], [1, 2])


@pytest.mark.parametrize("bound", ["max_pages: 3", "last: 3"])
def test_a16_bounds_are_inclusive(bound):
    case = read(f"request: {{path: /a}}\npaging: {{by: page, {bound}}}\n{ITEMS}", *(items(n) for n in (1, 2, 3)))
    assert (case.requests, ids(case)) == (["/a?page=1", "/a?page=2", "/a?page=3"], [1, 2, 3])


def test_a17_a_second_run_starts_at_the_first_page(api):
    text = one("request: {path: /posts}\npaging: {by: page, total_pages: $.total_pages}\nrecords: $.data[*]")
    assert run(text, api).requests == run(text, api).requests == [f"/posts?page={n}" for n in range(1, 6)]


@pytest.mark.parametrize(
    ("param", "sent"),
    [("page", lambda n: {"kept": 1, "page": n}), ("page.next", lambda n: {"kept": 1, "page": {"next": n}})],
)
def test_a18_a_page_in_the_body(param, sent):
    below = f"request: {{path: /a, json: {{kept: 1}}}}\npaging: {{by: page, in: body, param: {param}}}\n{ITEMS}"
    case, sent_bodies = bodies(below, items(1), items(2), items())
    assert (sent_bodies, ids(case)) == ([sent(1), sent(2), sent(3)], [1, 2])


CURSOR = "request: {path: /a}\npaging: {by: cursor, next: $.next}\n" + ITEMS


@pytest.mark.parametrize("end", [{"next": ""}, {"next": None}, {}])
def test_a19_a_cursor_that_is_empty_null_or_absent_ends_paging(end):
    case = read(CURSOR, items(1, next="cursor-2"), items(2, **end))
    assert (case.requests, ids(case)) == (["/a", "/a?cursor=cursor-2"], [1, 2])


def test_a20_an_empty_page_stops_a_cursor_only_where_the_spec_says_so():
    pages = items(1, next="b"), items(next="c"), items(3)
    assert ids(read(CURSOR, *pages)) == [1, 3]
    stops = CURSOR.replace("next: $.next", "next: $.next, stop_when_empty: true")
    case = read(stops, *pages)
    assert (case.requests, ids(case)) == (["/a", "/a?cursor=b"], [1])


@pytest.mark.parametrize("no", [False, "false"])
def test_a21_a_cursor_with_has_more(no):
    below = CURSOR.replace("next: $.next", "next: $.next, has_more: $.more")
    case = read(below, items(1, next="b", more=True), items(next="c", more=True), items(3, next="d", more=no))
    assert (case.requests, ids(case)) == (["/a", "/a?cursor=b", "/a?cursor=c"], [1, 3])


def test_a21_a_cursor_whose_has_more_is_missing_is_an_error():
    case = read(CURSOR.replace("next: $.next", "next: $.next, has_more: $.more"), items(1, next="b"))
    assert isinstance(case.error, ContractBroken | FixThis)
    assert "more" in str(case.error)


@pytest.mark.parametrize(
    ("param", "second"), [("cursor", {"kept": 1, "cursor": "b"}), ("cursor.next", {"kept": 1, "cursor": {"next": "b"}})]
)
def test_a22_a_cursor_in_the_body(param, second):
    below = f"""
    request: {{path: /a, json: {{kept: 1}}}}
    paging: {{by: cursor, in: body, param: {param}, next: $.next}}
    {ITEMS}"""
    case, sent = bodies(below, items(1, next="b"), items(2))
    assert (sent, ids(case)) == ([{"kept": 1}, second], [1, 2])


def test_a22_a_cursor_in_a_header():
    below = f"request: {{path: /a}}\npaging: {{by: cursor, in: header, param: X-After, next: $.next}}\n{ITEMS}"
    with book(items(1, next="b"), items(2)) as server:
        case = attempt(one(below), server)
        assert [asked.headers.get("x-after") for asked in server.seen] == [None, "b"]
    assert ids(case) == [1, 2]


def test_a23_a_cursor_from_a_header():
    below = f"request: {{path: /a}}\npaging: {{by: cursor, next: {{header: X-Next}}, param: page}}\n{ITEMS}"
    case = read(below, Said(items(1), headers=(("x-next", "2"),)), items(2))
    assert (case.requests, ids(case)) == (["/a", "/a?page=2"], [1, 2])


def test_a_cursor_from_the_last_record():
    below = f"""
    request: {{path: /a}}
    paging: {{by: cursor, next: {{last: $.id}}, param: after, stop_when_empty: true}}
    {ITEMS}"""
    case = read(below, items(1, 2), items(3, 4), items())
    assert (case.requests, ids(case)) == (["/a", "/a?after=2", "/a?after=4"], [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("paging", "requests"),
    [
        ("by: page, max_pages: 2, has_more: $.more", ["/a?page=1", "/a?page=2"]),
        ("by: page, total_pages: $.pages, has_more: $.more", ["/a?page=1", "/a?page=2"]),
        ("by: page, last: 2, has_more: $.more", ["/a?page=1", "/a?page=2"]),
        ("by: cursor, next: $.next, max_pages: 2, has_more: $.more", ["/a", "/a?cursor=b"]),
    ],
)
def test_a24_has_more_never_carries_paging_past_its_end(paging, requests):
    pages = items(1, more=True, pages=2, next="b"), items(2, more=True, pages=2, next="c")
    case = read(f"request: {{path: /a}}\npaging: {{{paging}}}\n{ITEMS}", *pages)
    assert (case.requests, ids(case)) == (requests, [1, 2])


# --- B: end to end on the reference API -------------------------------------------------------------------------------

DATA = "records: $.data[*]"
#: Stream and the requests that it makes, one by one.
SHAPES = {
    "B1 link": (
        "request: {path: /posts_header_link}\npaging: {by: link}",
        ["", "?page=2", "?page=3", "?page=4", "?page=5"],
    ),
    "B2 absolute next URL": (
        f"request: {{path: /posts}}\npaging: {{by: next_url, next: $.next_page}}\n{DATA}",
        ["", "?page=2", "?page=3", "?page=4", "?page=5"],
    ),
    "B2 relative next URL": (
        f"request: {{path: /posts_relative_next_url}}\npaging: {{by: next_url, next: $.next_page}}\n{DATA}",
        ["", "?page=2", "?page=3", "?page=4", "?page=5"],
    ),
    "B3 offset": (
        (
            "request: {path: /posts_offset_limit}\n"
            f"paging: {{by: offset, limit: 5, total_rows: $.total_records}}\n{DATA}"
        ),
        [f"?limit=5&offset={n}" for n in range(0, 25, 5)],
    ),
    "B3 offset in the body": (
        (
            "request: {path: /posts_offset_limit_via_json_body, method: POST, json: {}}\n"
            f"paging: {{by: offset, in: body, limit: 5, total_rows: $.total_records}}\n{DATA}"
        ),
        [""] * 5,
    ),
    "B4 page": (
        f"request: {{path: /posts}}\npaging: {{by: page, total_pages: $.total_pages}}\n{DATA}",
        [f"?page={n}" for n in range(1, 6)],
    ),
    "B4 page, told": (
        f"request: {{path: /posts}}\npaging: {{by: page, start: 1, param: page, total_pages: $.total_pages}}\n{DATA}",
        [f"?page={n}" for n in range(1, 6)],
    ),
    "B5 page from zero": (
        f"request: {{path: /posts_zero_based}}\npaging: {{by: page, start: 0, total_pages: $.total_pages}}\n{DATA}",
        [f"?page={n}" for n in range(5)],
    ),
    "B6 page in the body": (
        (
            "request: {path: /posts/search, json: {page_size: 5, ids_greater_than: -1}}\n"
            f"paging: {{by: page, in: body, total_pages: $.total_pages}}\n{DATA}"
        ),
        [""] * 5,
    ),
    "B7 cursor": (
        f"request: {{path: /posts_cursor}}\npaging: {{by: cursor, next: $.next_cursor}}\n{DATA}",
        ["", "?cursor=5", "?cursor=10", "?cursor=15", "?cursor=20"],
    ),
    "B8 cursor into the body": (
        (
            "request: {path: /posts/search, json: {page_size: 5, ids_greater_than: -1}}\n"
            f"paging: {{by: cursor, in: body, param: page, next: $.next_page}}\n{DATA}"
        ),
        [""] * 5,
    ),
    "B9 cursor in a header": (
        "request: {path: /posts_header_cursor}\npaging: {by: cursor, param: page, next: {header: cursor}}",
        ["", "?page=2", "?page=3", "?page=4", "?page=5"],
    ),
}


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_b_all_posts_in_five_pages(api, shape, concurrency):
    below, queries = SHAPES[shape]
    case = run(one(below, fields=POST, concurrency=concurrency), api)
    path = urlsplit(case.requests[0]).path
    assert sorted(case.requests) == sorted(f"{path}{query}" for query in queries)
    assert concurrency > 1 or case.requests == [f"{path}{query}" for query in queries]
    assert case.records() == POSTS
    assert (case.outcome, case.runs[0].pages, case.runs[0].requests) == ("done", 5, 5)


@pytest.mark.parametrize(
    ("path", "records"),
    [("/posts_no_key", "$.null[*]"), ("/posts_under_a_different_key", "$['many-results'][*]")],
)
def test_b_records_under_other_keys(api, path, records):
    below = f'request: {{path: {path}}}\npaging: {{by: next_url, next: $.next_page}}\nrecords: "{records}"'
    assert run(one(below, fields=POST), api).records() == POSTS


def test_b11_a_single_page(api):
    case = run(one(f"request: {{path: /posts}}\n{DATA}", fields=POST), api)
    assert (case.requests, case.records()) == (["/posts"], POSTS[:5])


def test_b12_null_instead_of_records_is_an_empty_page(api):
    below = """
    request: {path: /posts_cursor_null_terminated}
    paging: {by: cursor, next: $.next_token}
    records: $.users
    """
    case = run(one(below, fields="id: int64, name: string"), api)
    path = "/posts_cursor_null_terminated"
    assert case.requests == [path, f"{path}?cursor=cursor_page_2", f"{path}?cursor=cursor_final"]
    assert [row["id"] for row in case.records()] == list(range(14))
    assert case.outcome == "done"


def test_b13_a_search_by_a_body_without_a_query(api):
    below = f"""
    request: {{path: /posts/search, json: {{page_size: 5, ids_greater_than: 9}}}}
    paging: {{by: cursor, in: body, param: page, next: $.next_page}}
    {DATA}"""
    case = run(one(below, fields=POST), api)
    assert case.requests == ["/posts/search"] * 3
    assert [asked.json for asked in api.seen] == [
        {"page_size": 5, "ids_greater_than": 9},
        {"page_size": 5, "ids_greater_than": 9, "page": 2},
        {"page_size": 5, "ids_greater_than": 9, "page": 3},
    ]
    assert case.records() == POSTS[10:]
    assert {asked.headers["content-type"] for asked in api.seen} == {"application/json"}


def test_b14_each_page_is_known_by_the_request_that_gave_it(api):
    below = f"request: {{path: /posts}}\npaging: {{by: next_url, next: $.next_page}}\n{DATA}"
    case = run(one(below, fields=POST), api)
    facts = [
        json.loads(case.store.read(e.key))
        for e in case.store.list("_levada")
        if "/pages/" in e.key and e.key.endswith(".json")
    ]
    assert sorted(fact["url"].removeprefix(api.url) for fact in facts) == sorted(case.requests)


@pytest.mark.parametrize(("means", "outcome"), [("end", "no data"), ("no_data", "no data"), ("empty", "no data")])
def test_b15_a_404_that_a_rule_expects_is_no_error(api, means, outcome):
    below = f"request: {{path: /posts/1/some_details_404}}\nrecords: $\nresponses: [{{status: 404, means: {means}}}]"
    case = run(one(below), api)
    assert (case.outcome, case.requests, case.records()) == (outcome, ["/posts/1/some_details_404"], [])
