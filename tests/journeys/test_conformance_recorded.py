"""Recorded traffic, replayed: what a spec alone makes of it. All recordings are invented, in shapes that APIs have."""

import pytest

from cases import Settings, attempt, one, run, text_of
from levada.errors import ContractBroken, FixThis
from replayed import exchange, replayed

FORGE = "https://forge.example.test"


def numbered(first, last):
    return [{"id": number, "state": "open"} for number in range(first, last + 1)]


def linked():
    """13 tickets in 5 pages; the next page is named by links of every kind, and lies under another path."""
    first, rest = f"{FORGE}/repos/ada/loom/tickets?per_page=3", f"{FORGE}/repositories/77/tickets?per_page=3&page="
    links = [
        f'<{rest}2>; rel="next", <{rest}5>; rel="last"',
        f'<{rest}1>; rel="prev first", </repositories/77/tickets?per_page=3&page=3>; rel="alternate next"',
        f"<{rest}2>; rel=prev, <?per_page=3&page=4>; rel=next",
        f'<{rest}5>; title="5, the last; one"; rel="next last"',
        f'<{rest}1>; rel="first"',
    ]
    urls = [first, *(f"{rest}{page}" for page in range(2, 6))]
    pages = [numbered(3 * page + 1, min(3 * page + 3, 13)) for page in range(5)]
    return [exchange(url, page, headers={"Link": link}) for url, page, link in zip(urls, pages, links, strict=True)]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_links_of_a_forge(concurrency):
    below = "request: {path: /repos/ada/loom/tickets, params: {per_page: 3}}\npaging: {by: link}"
    with replayed(linked()) as server:
        case = run(one(below, concurrency=concurrency), server)
        assert server.strange == []
    assert case.requests == [
        "/repos/ada/loom/tickets?per_page=3",
        *(f"/repositories/77/tickets?per_page=3&page={page}" for page in range(2, 6)),
    ]
    assert [row["id"] for row in case.records()] == list(range(1, 14))


def test_links_that_name_another_host_are_followed_at_home_where_the_spec_says_so():
    below = "request: {path: /repos/ada/loom/tickets, params: {per_page: 3}}\npaging: {by: link, keep_origin: true}"
    with replayed(linked(), rewrite=False) as server:
        case = run(one(below), server)
        assert (len(case.requests), server.strange) == (5, [])
    assert len(case.records()) == 13


def told_by_headers(path, rows, size, *, total=None, query="sort=asc"):
    """Pages of `rows`, each with the number of the next one and the totals in headers; the first has no page."""
    count = max(1, -(-len(rows) // size))
    made = []
    for page in range(1, count + 1):
        headers = {
            "x-page": page,
            "x-next-page": str(page + 1) if page < count else "",
            "x-total": str(len(rows) if total is None else total),
            "x-total-pages": str(count),
        }
        asked = [query, f"page={page}"] if page > 1 else [query]
        url = f"{FORGE}{path}?{'&'.join(part for part in asked if part)}"
        made.append(exchange(url.rstrip("?"), rows[(page - 1) * size : page * size], headers=headers))
    return made


HEADERS = "paging: {by: cursor, param: page, next: {header: X-Next-Page}, total_rows: {header: X-Total}}"
CHAPTERS = f"request: {{path: /groups/9/chapters, params: {{sort: asc}}}}\n{HEADERS}"


@pytest.mark.parametrize("concurrency", [1, 4])
def test_next_page_and_totals_in_headers(concurrency):
    with replayed(told_by_headers("/groups/9/chapters", numbered(1, 45), 20)) as server:
        case = run(one(CHAPTERS, concurrency=concurrency), server)
        assert server.strange == []
    assert case.requests == [f"/groups/9/chapters?sort=asc{page}" for page in ("", "&page=2", "&page=3")]
    assert [row["id"] for row in case.records()] == list(range(1, 46))


@pytest.mark.parametrize("total", [44, 46])
def test_a_total_in_a_header_that_does_not_add_up_fails_the_run(total):
    with replayed(told_by_headers("/groups/9/chapters", numbered(1, 45), 20, total=total)) as server:
        case = attempt(one(CHAPTERS), server)
    assert isinstance(case.error, ContractBroken)
    assert str(total) in str(case.error)
    assert "45" in str(case.error) or "40" in str(case.error)
    assert case.records() == []


@pytest.mark.parametrize("paging", [HEADERS, HEADERS.replace(", total_rows: {header: X-Total}", "")])
def test_a_recording_that_was_cut_never_ends_in_success(paging):
    cut = told_by_headers("/groups/9/chapters", numbered(1, 200), 20)[:8]
    below = f"request: {{path: /groups/9/chapters, params: {{sort: asc}}}}\n{paging}"
    with replayed(cut) as server:
        case = attempt(one(below, concurrency=4), server)
        assert server.strange == ["/groups/9/chapters?sort=asc&page=9"]
    assert isinstance(case.error, FixThis)
    assert "page=9" in str(case.error)
    assert case.records() == []


def family():
    """Six chapters in two pages; each has as many notes as its number says, but for every third, which has none."""
    chapters = [{"id": 100 + number, "iid": number, "group_id": 9} for number in range(1, 7)]
    made = told_by_headers("/groups/9/chapters", chapters, 4)
    for number in range(1, 7):
        notes = [] if number % 3 == 0 else [{"id": 1000 * number + n} for n in range(7 * number)]
        made += told_by_headers(f"/groups/9/chapters/{number}/notes", notes, 10, query="")
    return made


def test_children_of_every_parent():
    text = text_of(
        f"""
chapters:
  {CHAPTERS.replace(chr(10), chr(10) + "  ")}
notes:
  for_each: {{row_of: chapters, add: {{chapter: iid}}}}
  request: {{path: "/groups/{{row.group_id}}/chapters/{{row.iid}}/notes"}}
  {HEADERS}
  contract: {{fields: {{id: int64, chapter: int64}}}}
  stage: {{avro: "{{partition}}/{{stream}}.avro"}}
""",
        concurrency=8,
    )
    with replayed(family()) as server:
        case = run(text, server)
        assert server.strange == []
        assert set(server.asked.values()) == {1}
    assert len(case.requests) == 2 + (1 + 2 + 1 + 3 + 4 + 1)
    assert case.records("notes") == [
        {"id": 1000 * number + n, "chapter": number} for number in (1, 2, 4, 5) for n in range(7 * number)
    ]


LOGIN = """auth: {login: {path: /auth/login, json: {username: "${USER_NAME}", password: "${PASS}", expiresInMins: 30},
  token: $.accessToken}}"""


def shop():
    base = "https://shop.example.test"
    goods = numbered(1, 60)
    made = [
        exchange(f"{base}/goods?limit=25&skip={skip}", {"goods": goods[skip : skip + 25], "total": 60})
        for skip in (0, 25, 50)
    ]
    asked = '{"expiresInMins": 30, "password": "open-sesame", "username": "ada"}'
    token = {"accessToken": "token-of-the-recording", "id": 1}
    return [*made, exchange(f"{base}/auth/login", token, method="POST", request_body=asked)]


def test_a_log_in_and_offsets_by_another_name():
    below = """
    request: {path: /goods}
    paging: {by: offset, param: skip, limit: 25, total_rows: $.total}
    records: $.goods[*]
    """
    settings = Settings(environment={"USER_NAME": "ada", "PASS": "open-sesame"})
    with replayed(shop()) as server:
        case = run(one(below, source=LOGIN), server, settings)
        assert {asked.headers["authorization"] for asked in server.seen[1:]} == {"Bearer token-of-the-recording"}
    assert case.requests == ["/auth/login", *(f"/goods?limit=25&skip={skip}" for skip in (0, 25, 50))]
    assert [row["id"] for row in case.records()] == list(range(1, 61))
    for entry in case.store.list(""):
        kept = case.store.read(entry.key)
        assert b"open-sesame" not in kept
        assert b"token-of-the-recording" not in kept


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_page_that_moved_is_followed(status):
    moved = [
        exchange(f"{FORGE}/old", None, status, headers={"Location": f"{FORGE}/repositories/77"}),
        exchange(f"{FORGE}/repositories/77", numbered(1, 2)),
    ]
    with replayed(moved) as server:
        case = run(one("request: {path: /old}"), server)
    assert case.requests == ["/old", "/repositories/77"]
    assert [row["id"] for row in case.records()] == [1, 2]


def test_a_refusal_is_told_in_the_words_of_the_api():
    errors = {"message": "Validation Failed", "errors": [{"resource": "Label", "code": "invalid", "field": "color"}]}
    with replayed([exchange(f"{FORGE}/labels", errors, 422)]) as server:
        case = attempt(one("request: {path: /labels}"), server)
    assert isinstance(case.error, FixThis)
    assert "422" in str(case.error)
    assert "Validation Failed" in str(case.error)
    assert "color" in str(case.error)
