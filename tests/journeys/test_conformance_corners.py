"""Where rules of paging meet: ends and gaps, totals that move, windows side by side, bodies of other formats."""

import io
import itertools
import json
import zipfile

import pytest

from cases import attempt, one, run
from levada.errors import ContractBroken, FixThis
from webserver import Said, WebServer

ITEMS = "records: {path: '$.items[*]', optional: true}"


def ids(first, last):
    return [{"id": number} for number in range(first, last + 1)]


def numbers(case):
    return [row["id"] for row in case.records()]


def link(page, last):
    return (("Link", f"<?page={page + 1}>; rel=next"),) if page < last else ()


def paged(asked):
    return asked.number("page", 1)


def read(below, answer, *, fields="id: int64", concurrency=1, source=""):
    with WebServer(answer) as server:
        return attempt(one(below, fields=fields, concurrency=concurrency, source=source), server)


# --- A known end ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("last", [9, 10])
@pytest.mark.parametrize("bad", [2, 3, 4])
@pytest.mark.parametrize("by", ["page", "offset"])
def test_a_total_holds_behind_a_page_that_was_skipped(by, bad, last, concurrency):
    def answer(asked):
        first = asked.number("offset", 0) if by == "offset" else 2 * (paged(asked) - 1)
        if first >= last:
            return Said("nobody should ask beyond the end", 418)
        return (
            Said("bad", 500) if first == 2 * (bad - 1) else {"items": ids(first + 1, min(first + 2, last)), "n": last}
        )

    below = f"request: {{path: /a}}\npaging: {{by: {by}, limit: 2, total_rows: $.n}}\n{ITEMS}"
    case = read(f"{below}\nresponses: [{{status: 500, means: skip}}]", answer, concurrency=concurrency)
    assert (case.error, case.outcome) == (None, "partial")
    assert numbers(case) == [n for n in range(1, last + 1) if (n + 1) // 2 != bad]
    # A server that is asked ahead before the total is known may see one page more; nobody may ask twice.
    assert len(case.requests) == len(set(case.requests)) == 5


@pytest.mark.parametrize(
    ("paging", "pages"),
    [
        ("by: page, start: 3, limit: 2, total_rows: $.rows", [3, 4, 5]),
        ("by: page, start: 3, total_pages: $.pages", [3, 4, 5]),
        ("by: page, start: 4, last: 5, total_rows: $.rows", [4, 5]),
        ("by: page, max_pages: 2, total_rows: $.rows", [1, 2]),
        ("by: page, max_pages: 5, total_rows: $.rows, total_pages: $.pages", [1, 2, 3, 4, 5]),
        ("by: page, last: 9, stop_when_short: true, limit: 3", [1]),
    ],
)
def test_starts_and_bounds_meet_totals(paging, pages):
    def answer(asked):
        page = paged(asked)
        return {"items": ids(2 * page - 1, 2 * page), "rows": 10, "pages": 5}

    case = read(f"request: {{path: /a}}\npaging: {{{paging}}}\n{ITEMS}", answer)
    assert case.error is None
    assert case.requests == [f"/a?page={page}" for page in pages]
    assert numbers(case) == [n for page in pages for n in (2 * page - 1, 2 * page)]


@pytest.mark.parametrize("told", [(4, 5, 5), (7, 6, 5), (5, 5, None), (0, 5, 5)])
def test_a_total_that_changes_while_pages_come_counts_as_it_was_told_last(told):
    def answer(asked):
        page = paged(asked)
        return {"items": ids(2 * page - 1, min(5, 2 * page)), "n": told[page - 1]}

    case = read(f"request: {{path: /a}}\npaging: {{by: page, total_rows: $.n}}\n{ITEMS}", answer)
    if told[0] == 0:
        assert "there are 0 rows, and 2 came" in str(case.error)
        return
    assert (case.error, numbers(case)) == (None, [1, 2, 3, 4, 5])
    assert len(case.requests) == 3


def test_a_total_of_nothing_is_no_data():
    case = read(
        f"request: {{path: /a}}\npaging: {{by: page, stop_when_empty: false, total_rows: $.n}}\n{ITEMS}",
        lambda _: {"items": [], "n": 0},
    )
    assert (case.outcome, case.requests) == ("no data", ["/a?page=1"])


def test_a_full_last_page_ends_at_the_total_and_without_one_at_the_empty_page_behind_it():
    def answer(asked):
        page = paged(asked)
        return {"items": ids(2 * page - 1, 2 * page) if page < 3 else [], "n": 4}

    keys = "by: page, limit: 2, stop_when_short: true"
    told = read(f"request: {{path: /a}}\npaging: {{{keys}, total_rows: $.n}}\n{ITEMS}", answer)
    untold = read(f"request: {{path: /a}}\npaging: {{{keys}}}\n{ITEMS}", answer)
    assert (numbers(told), len(told.requests)) == ([1, 2, 3, 4], 2)
    assert (numbers(untold), len(untold.requests)) == ([1, 2, 3, 4], 3)


@pytest.mark.parametrize("means", ["end", "empty", "no_data"])
def test_an_end_in_the_first_place_is_no_data(means):
    below = f"request: {{path: /a}}\npaging: {{by: page}}\nresponses: [{{status: 404, means: {means}}}]"
    case = read(below, lambda _: Said("none", 404))
    assert (case.outcome, case.requests) == ("no data", ["/a?page=1"])


# --- Nothing in the middle --------------------------------------------------------------------------------------------

NOTHING = {
    "an error's object": Said({"message": "nothing in this page"}, 404),
    "an error's text": Said("Not found", 404),
    "no body": Said(None, 204),
}


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize("by", ["page", "link", "cursor"])
def test_an_answer_without_records_between_pages_is_no_page(by, nothing):
    keys = {
        "page": "by: page, stop_when_empty: false, max_pages: 3",
        "link": "by: link",
        "cursor": "by: cursor, param: page, next: {header: X-Next}",
    }[by]

    def answer(asked):
        page = paged(asked)
        headers = (*link(page, 3), *((("X-Next", str(page + 1)),) if page < 3 else ()))
        told = NOTHING[nothing] if page == 2 else Said(ids(page, page))
        return Said(told.body, told.status, headers)

    case = read(f"request: {{path: /a}}\npaging: {{{keys}}}\nresponses: [{{status: 404, means: empty}}]", answer)
    assert (case.error, case.outcome, len(case.requests)) == (None, "done", 3)
    assert numbers(case) == [1, 3]
    public = [entry.key for entry in case.store.list("raw")]
    assert [key.rpartition("/")[2] for key in public] == ["1.json", "2.json"]
    assert json.loads(case.store.read(public[1])) == [{"id": 3}]


@pytest.mark.parametrize("said", [Said("Not found", 404), Said(None, 204)])
def test_an_answer_without_a_body_to_read_ends_a_cursor(said):
    def answer(asked):
        return said if asked.query else {"items": ids(1, 1), "next": "x", "more": True, "n": 1}

    keys = "by: cursor, next: $.next, has_more: $.more"
    below = f"request: {{path: /a}}\npaging: {{{keys}}}\n{ITEMS}\nresponses: [{{status: 404, means: empty}}]"
    case = read(below, answer)
    assert (case.error, numbers(case), len(case.requests)) == (None, [1], 2)


# --- What leads on ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/a?q=é x|y", "/a?q=%C3%A9%20x%7Cy"),
        ('/a?q="<z>"', "/a?q=%22%3Cz%3E%22"),
        ("/a?q=%C3%A9+%20&r[]=1,2;3:4@5!$'()*~", "/a?q=%C3%A9+%20&r[]=1,2;3:4@5!$'()*~"),
        ("/a/ü?q=1#part", "/a/%C3%BC?q=1"),
    ],
)
def test_a_link_that_is_no_url_is_made_one_and_every_other_stays_byte_for_byte(target, sent):
    def answer(_):
        return {"items": ids(len(server.seen), len(server.seen)), "next": target if len(server.seen) == 1 else None}

    with WebServer(answer) as server:
        case = run(one(f"request: {{path: /a}}\npaging: {{by: next_url}}\n{ITEMS}"), server)
    assert server.seen[1].raw == sent
    assert numbers(case) == [1, 2]


@pytest.mark.parametrize(
    ("cursor", "sent"),
    [
        (33, "33"),
        (0, "0"),
        (-1, "-1"),
        (1.5, "1.5"),
        (2**70, str(2**70)),
        ("a+b/c=&d é%", "a%2Bb%2Fc%3D%26d%20%C3%A9%25"),
    ],
)
def test_a_cursor_is_sent_as_it_was_told(cursor, sent):
    def answer(asked):
        return {"items": ids(2, 2)} if asked.query else {"items": ids(1, 1), "next": cursor}

    with WebServer(answer) as server:
        case = run(one(f"request: {{path: /a}}\npaging: {{by: cursor, next: $.next}}\n{ITEMS}"), server)
    assert server.seen[1].raw == f"/a?cursor={sent}"
    assert numbers(case) == [1, 2]


def test_an_empty_first_page_is_no_end_where_a_link_leads_on():
    def answer(asked):
        page = paged(asked)
        return Said(ids(page, page) if page > 1 else [], headers=link(page, 3))

    case = read("request: {path: /a}\npaging: {by: link}", answer)
    assert (case.outcome, numbers(case), len(case.requests)) == ("done", [2, 3], 3)


# --- Paging of one's own ----------------------------------------------------------------------------------------------


def own(name, more=""):
    return f"request: {{path: /a}}\npaging: {{by: class, class: 'pagers:{name}'{more}}}\n{ITEMS}"


def climbing(asked):
    first = asked.number("from", 0)
    return {"items": ids(first + 1, first + 10) if first < 30 else []}


@pytest.mark.parametrize(
    ("more", "requests"),
    [("", ["/a", *(f"/a?from={n}0" for n in (1, 2, 3))]), (", max_pages: 2", ["/a", "/a?from=10"])],
)
def test_a_function_of_ones_own_gets_what_was_asked_and_rules_that_end_hold(more, requests):
    case = read(own("climbing", f", param: from{more}"), climbing)
    assert case.requests == requests
    assert numbers(case) == list(range(1, 31 if not more else 21))


@pytest.mark.parametrize(("more", "host"), [("", None), (", keep_origin: true", "elsewhere.invalid")])
def test_a_function_of_ones_own_may_give_urls(more, host):
    def answer(asked):
        page = paged(asked)
        url = f"http://{host or asked.headers['host']}/b?page={page + 1}"
        return {"items": ids(page, page), "url": url if page < 3 else None}

    case = read(own("to_urls", more), answer)
    assert (numbers(case), case.requests) == ([1, 2, 3], ["/a", "/b?page=2", "/b?page=3"])


@pytest.mark.parametrize(
    ("name", "kind", "what", "todo"),
    [
        ("raising", ContractBroken, "pagers:raising fails on a page: KeyError", "Mend the function"),
        ("nonsense", ContractBroken, "A list stands where what `class` gives belongs", "Mend the function."),
        ("by_body", ContractBroken, "The cursor did not advance", "Check what `class` gives"),
        ("missing", FixThis, "has no missing", "correct the name"),
    ],
)
def test_a_function_of_ones_own_that_fails_is_told(name, kind, what, todo):
    case = read(own(name), lambda asked: {"items": ids(paged(asked), paged(asked)), "then": 2})
    assert isinstance(case.error, kind)
    assert what in str(case.error)
    assert todo in str(case.error)
    assert numbers(case) == []


def test_cookies_that_a_function_of_ones_own_might_see_are_not_written_down():
    def answer(_):
        return Said({"items": ids(1, 1), "then": None}, headers=(("Set-Cookie", "session=abcdef"), ("X-Kind", "x1")))

    case = read(own("by_body"), answer)
    told = b"".join(case.store.read(entry.key) for entry in case.store.list(""))
    assert numbers(case) == [1]
    assert b"x1" in told
    assert b"abcdef" not in told


# --- Windows ----------------------------------------------------------------------------------------------------------

PAGES_OF = {0: 3, 6: 0, 12: 5, 18: 1}


@pytest.mark.parametrize("concurrency", [1, 3, 8])
@pytest.mark.parametrize("beyond", [Said([]), Said("none", 404), Said(None, 204)], ids=str)
def test_windows_of_unknown_ends_come_in_order_however_many_are_under_way(concurrency, beyond):
    def answer(asked):
        hour, page = int(asked.value("from")[11:13]), paged(asked)
        return ids(100 * hour + page, 100 * hour + page) if page <= PAGES_OF[hour] else beyond

    below = 'request: {path: /a, params: {from: "{start}", to: "{end}"}}\nwindow: 6h\npaging: {by: page}'
    with WebServer(answer) as server:
        server.latency = 0.01
        text = one(f"{below}\nresponses: [{{status: 404, means: end}}]", concurrency=concurrency)
        case = run(text, server)
    assert numbers(case) == [100 * hour + page for hour, pages in PAGES_OF.items() for page in range(1, pages + 1)]
    assert len(case.requests) == len(set(case.requests))
    if concurrency == 1:
        assert len(case.requests) == sum(pages + 1 for pages in PAGES_OF.values())
        assert server.most == 1


# --- Formats ----------------------------------------------------------------------------------------------------------


def packed(value):
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.writestr("page.json", json.dumps(value))
    return into.getvalue()


FORMATS = {
    "json lines by the last record": (
        "paging: {by: cursor, param: page, next: {last: $.next}}\nformat: json_lines",
        lambda page: (
            "".join(json.dumps({"id": str(n), "next": page + 1}) + "\n" for n in (2 * page - 1, 2 * page))
            if page < 4
            else ""
        ),
        4,
    ),
    "csv by link": (
        "paging: {by: link}\nformat: {type: csv, delimiter: ';'}",
        lambda page: Said(f"id;x\r\n{2 * page - 1};é\r\n{2 * page};\r\n", headers=link(page, 3)),
        3,
    ),
    "zip by cursor": (
        f"paging: {{by: cursor, param: page, next: $.next}}\nformat: {{type: json, unpack: zip}}\n{ITEMS}",
        lambda page: packed(
            {"items": [{"id": str(n)} for n in (2 * page - 1, 2 * page)], "next": page + 1 if page < 3 else None}
        ),
        3,
    ),
    "xml by total": (
        "paging: {by: page, total_rows: \"$.r['@total']\"}\nformat: xml\nrecords: $.r.item",
        lambda page: f"<r total='6'>{''.join(f'<item><id>{n}</id></item>' for n in (2 * page - 1, 2 * page))}</r>",
        3,
    ),
}


@pytest.mark.parametrize("name", FORMATS)
def test_paging_reads_bodies_of_every_format(name):
    keys, answer, requests = FORMATS[name]
    case = read(f"request: {{path: /a}}\n{keys}", lambda asked: answer(paged(asked)), fields="id: string")
    assert case.error is None
    assert numbers(case) == list("123456")
    assert len(case.requests) == requests


def test_the_charset_of_the_header_holds_for_every_page():
    def answer(asked):
        page = paged(asked)
        text = json.dumps([{"id": "é€ü"[page - 1]}], ensure_ascii=False)
        charset = ("iso-8859-1", "windows-1252", "utf-16")[page - 1]
        return Said(
            text.encode(charset), headers=(*link(page, 3), ("Content-Type", f"application/json; charset={charset}"))
        )

    case = read("request: {path: /a}\npaging: {by: link}", answer, fields="id: string")
    assert numbers(case) == ["é", "€", "ü"]


# --- Requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "raw", "body"),
    [
        (
            'params: {tags: [x, "y z"], empty: "", n: 5, on: true, day: "{date}"}',
            "/a?tags=x&tags=y%20z&empty=&n=5&on=true&day=2022-08-09",
            b"",
        ),
        ('form: {a: b, c: [1, 2], e: "", t: "x&y={date}"}', "/a", b"a=b&c=1&c=2&e=&t=x%26y%3D2022-08-09"),
        ('text: "<q day={date}>{{x}}</q>", headers: {Content-Type: text/xml}', "/a", b"<q day=2022-08-09>{x}</q>"),
        (
            'json: {n: 1.5, big: 12345678901234567890123, none: null, list: [1, "{date}"], t: {x: "{{y}}"}}',
            "/a",
            b'{"n": 1.5, "big": 12345678901234567890123, "none": null, "list": [1, "2022-08-09"], "t": {"x": "{y}"}}',
        ),
    ],
)
def test_what_a_request_says_arrives_as_it_is(request_, raw, body):
    with WebServer(lambda _: ids(1, 1)) as server:
        run(one(f"request: {{path: /a, {request_}}}"), server)
    assert [(asked.raw, asked.body) for asked in server.seen] == [(raw, body)]


def test_a_form_carries_the_page_beside_its_own_fields():
    count = itertools.count(1)

    def answer(asked):
        assert asked.form["page"] == str(next(count))
        return ids(int(asked.form["page"]), int(asked.form["page"])) if asked.form["page"] < "3" else []

    with WebServer(answer) as server:
        below = "request: {path: /a, form: {q: tea}, repeatable: true}\npaging: {by: page, in: body}"
        case = run(one(below), server)
    assert numbers(case) == [1, 2]
    assert [asked.body for asked in server.seen] == [b"q=tea&page=1", b"q=tea&page=2", b"q=tea&page=3"]


def test_the_page_in_a_form_takes_the_place_of_a_field_of_its_name():
    with WebServer(lambda asked: ids(1, 1) if asked.form["page"] == "1" else []) as server:
        run(one("request: {path: /a, form: {page: 9, q: tea}, repeatable: true}\npaging: {by: page, in: body}"), server)
    assert [asked.body for asked in server.seen] == [b"q=tea&page=1", b"q=tea&page=2"]


def test_a_body_without_room_for_the_page_is_told_before_anything_is_asked():
    below = "request: {path: /a, json: {at: 5}}\npaging: {by: page, in: body, param: at.page}"
    case = read(below, lambda _: ids(1, 1))
    assert isinstance(case.error, FixThis)
    assert "The body has no object at at.page, where paging puts its value." in str(case.error)
    assert "change `param` or `limit_param`" in str(case.error)
    assert case.requests == []
