"""The servers that other tests read from say what they promise."""

import base64
import gc
import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from threading import enumerate as threads
from urllib.parse import urlencode

import pytest

import troubled
from mockapi import COMMENTS, POSTS, comments_of, mock_api
from patience import PATIENCE, settles
from replayed import exchange, read_recording, replayed
from webserver import Said, WebServer


def ask(url, method="GET", body=None, **headers):
    """Status, headers and JSON (or text) of an answer."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=data, method=method, headers=told)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return read(answer)
    except urllib.error.HTTPError as error:
        with error:
            return read(error)


def read(answer):
    body = answer.read()
    try:
        return answer.status, answer.headers, json.loads(body)
    except ValueError:
        return answer.status, answer.headers, body.decode()


def said(url, *arguments, **more):
    return ask(url, *arguments, **more)[2]


@pytest.fixture(scope="module")
def posts_api():
    with mock_api() as api:
        yield api


@pytest.mark.parametrize(
    ("path", "pages", "key"),
    [
        ("/posts", range(1, 6), "data"),
        ("/posts_zero_based", range(5), "data"),
        ("/posts_relative_next_url", range(1, 6), "data"),
        ("/posts_no_key", range(1, 6), "null"),
        ("/posts_under_a_different_key", range(1, 6), "many-results"),
    ],
)
def test_pages_by_number(posts_api, path, pages, key):
    got = [said(f"{posts_api.url}{path}?page={page}&unknown=1") for page in pages]
    assert [row for page in got for row in page[key]] == POSTS
    origin = "" if "relative" in path else posts_api.url
    assert [page.get("next_page") for page in got] == [*(f"{origin}{path}?page={p}" for p in pages[1:]), None]
    assert "next_page" not in got[-1]
    assert {page["total_pages"] for page in got} == {5}
    assert said(f"{posts_api.url}{path}") == got[0]
    assert said(f"{posts_api.url}{path}?page={pages[-1] + 1}")[key] == []


def test_reactions_stand_in_their_posts(posts_api):
    first = said(f"{posts_api.url}/posts_with_reactions")["data"][1]
    assert first["reactions"][4] == {"id": 4, "title": "Reaction 4 for post 1"}


def test_links_and_cursors_in_headers(posts_api):
    status, headers, rows = ask(f"{posts_api.url}/posts_header_link?page=4")
    assert (status, headers["Link"], rows) == (
        200,
        f'<{posts_api.url}/posts_header_link?page=5>; rel="next"',
        POSTS[15:20],
    )
    assert ask(f"{posts_api.url}/posts_header_link?page=5")[1]["Link"] is None
    assert ask(f"{posts_api.url}/posts_header_cursor")[1]["cursor"] == "2"
    assert ask(f"{posts_api.url}/posts_header_cursor?page=5")[1]["cursor"] is None


def test_offsets_in_query_and_body(posts_api):
    in_query = said(f"{posts_api.url}/posts_offset_limit?offset=20&limit=7")
    assert in_query == {"data": POSTS[20:], "total_records": 25, "offset": 20, "limit": 7}
    path = f"{posts_api.url}/posts_offset_limit_via_json_body"
    assert said(path, "POST", {"offset": 20, "limit": 7}) == in_query
    assert said(path, "POST")["data"] == POSTS[:10]
    assert ask(path)[0] == 404


def test_cursors_in_bodies(posts_api):
    assert said(f"{posts_api.url}/posts_cursor") == {"data": POSTS[:5], "next_cursor": 5}
    assert said(f"{posts_api.url}/posts_cursor?cursor=20") == {"data": POSTS[20:], "next_cursor": None}
    path = f"{posts_api.url}/posts_cursor_null_terminated"
    pages = [said(path), *(said(f"{path}?cursor={cursor}") for cursor in ("cursor_page_2", "cursor_final"))]
    assert [len(page["users"] or []) for page in pages] == [10, 4, 0]
    assert [page["next_token"] for page in pages] == ["cursor_page_2", "cursor_final", None]


def test_a_search(posts_api):
    def page(number):
        return said(f"{posts_api.url}/posts/search", "POST", {"page": number, "ids_greater_than": 9})

    got = [page(1), page(2), page(3)]
    assert [row for one in got for row in one["data"]] == POSTS[10:]
    assert [one["next_page"] for one in got] == [2, 3, None]
    assert said(f"{posts_api.url}/posts/search", "POST", {"page_count": 2, "page": 2})["next_page"] is None


def test_children_of_a_post_by_every_way(posts_api):
    by_path = [said(f"{posts_api.url}/posts/3/comments?page={page}") for page in range(1, 11)]
    assert [row for page in by_path for row in page["data"]] == comments_of(3)
    assert len(comments_of(3)) == COMMENTS == 50
    form = urlencode({"post_id": 3}).encode()
    assert [
        said(f"{posts_api.url}/post_detail?post_id=3"),
        said(f"{posts_api.url}/post_detail_via_header", post_id="3"),
        said(f"{posts_api.url}/post_detail_via_json_body", "POST", {"post_id": 3}),
        said(f"{posts_api.url}/post_detail_via_form_body", "POST", form),
    ] == [{"id": 3, "body": "Post body 3"}] * 4
    assert said(f"{posts_api.url}/post_comments?post_id=3&page=2")["data"] == comments_of(3)[5:10]
    assert said(f"{posts_api.url}/post_comments?post_id=3")["next_page"].endswith("?page=2&post_id=3")
    assert ask(f"{posts_api.url}/post_detail_via_json_body?post_id=3", "POST", {})[0] == 422


def test_statuses_of_some_details(posts_api):
    def statuses(name):
        return [ask(f"{posts_api.url}/posts/{post}/{name}")[::2] for post in range(3)]

    right = (200, {"id": 0, "body": "Post body 0"})
    gone = (404, {"detail": "Post not found"})
    assert statuses("some_details_404") == [right, gone, gone]
    assert statuses("some_details_404_others_422") == [right, gone, (422, "")]
    assert statuses("some_details_204") == [right, (204, ""), (204, "")]


def test_doors(posts_api):
    basic = "Basic " + base64.b64encode(b"user:password").decode()
    for name, headers in {
        "basic-auth": {"Authorization": basic},
        "bearer-token": {"Authorization": "Bearer test-token"},
        "bearer-token-plain-text-error": {"Authorization": "Bearer test-token"},
        "api-key": {"x_api_key": "test-api-key"},
    }.items():
        path = f"{posts_api.url}/protected/posts/{name}"
        assert said(f"{path}?page=5", **headers)["data"] == POSTS[20:]
        assert ask(path)[0] == 401
    assert said(f"{posts_api.url}/protected/posts/bearer-token-plain-text-error") == "Unauthorized"


def test_tokens(posts_api):
    client = {"client_id": "test-client-id", "client_secret": "test-client-secret"}

    def token(path, headers=None, **form):
        status, _, body = ask(f"{posts_api.url}{path}", "POST", urlencode(form).encode(), **(headers or {}))
        return body["expires_in"] if status == 200 else status

    right = {"grant_type": "client_credentials", **client}
    assert token("/oauth/token", **right) == 3600
    assert token("/oauth/token-expires-now", **right) == 0
    assert token("/oauth/token", **{**right, "client_secret": "wrong"}) == 401
    assert token("/oauth/token", grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion="a.b.c") == 3600
    basic = "Basic " + base64.b64encode(b"test-account-id:test-client-secret").decode()
    custom = {"grant_type": "account_credentials", "account_id": "test-account-id"}
    assert token("/custom-oauth/token", {"Authorization": basic}, **custom) == 3600
    assert token("/custom-oauth/token", **custom) == 401


def test_requests_are_kept_and_failures_come_as_planned():
    with mock_api() as api:
        api.fail("/posts", 2, [503, Said("later", 429, (("Retry-After", "1"),))])
        statuses = [ask(f"{api.url}/posts?page={page}&b=&b=x%20y")[0] for page in (1, 2, 2, 2)]
        assert statuses == [200, 503, 429, 200]
        said(f"{api.url}/posts/search", "POST", {"page": 2}, X_Trace="7")
        assert api.targets[:2] == ["/posts?page=1&b=&b=x y", "/posts?page=2&b=&b=x y"]
        assert api.seen[0].query == (("page", "1"), ("b", ""), ("b", "x y"))
        asked = api.seen[-1]
        assert (asked.method, asked.json, asked.headers["x-trace"]) == ("POST", {"page": 2}, "7")
        api.forget()
        assert api.seen == []


def test_a_server_leaves_nothing_behind():
    before = set(threads())
    with mock_api() as api:
        said(f"{api.url}/posts")
    gc.collect()
    assert settles(lambda: set(threads()) <= before)
    with pytest.raises(OSError, match="refused"):
        ask(f"{api.url}/posts")


RECORDED = [
    exchange(
        "https://api.shop.test/v1/items?b=2&a=1", [1], headers={"Link": '<https://api.shop.test/v1/x>; rel="next"'}
    ),
    exchange("https://api.shop.test/v1/groups/a%2Fb", {"self": "https://api.shop.test/v1/groups/a%2Fb"}),
    exchange("https://api.shop.test/v1/old", None, 301, headers={"Location": "https://api.shop.test/v1/groups/a%2Fb"}),
    exchange("https://api.shop.test/v1/search", [2], method="POST", request_body='{"q": "b", "page": 1}'),
    exchange("https://api.shop.test/v1/search", [3], method="POST", request_body='{"q": "b", "page": 2}'),
    exchange("https://api.shop.test/v1/login", {"token": "t"}, method="POST", request_body="eyJ1IjogImEifQ=="),
    exchange("https://api.shop.test/v1/now", "first", headers={"Content-Encoding": "gzip", "content-length": "3"}),
    exchange("https://api.shop.test/v1/now", "ol\u00e1", headers={"Content-Type": "text/plain; charset=latin-1"}),
]


def test_recorded_exchanges_come_again():
    with replayed(RECORDED, rewrite=False) as server:
        status, headers, rows = ask(f"{server.url}/v1/items?a=1&b=2")
        assert (status, rows, headers["Link"]) == (200, [1], '<https://api.shop.test/v1/x>; rel="next"')
        assert ask(f"{server.url}/v1/groups/a%2fb")[0] == 200
        assert ask(f"{server.url}/v1/groups/a/b")[0] == 404
        assert server.asked == {"GET /v1/items?a=1&b=2": 1, "GET /v1/groups/a%2fb": 1}


def test_what_was_not_recorded_is_told():
    with replayed(RECORDED) as server:
        status, _, body = ask(f"{server.url}/v1/items?a=1")
        assert (status, body) == (404, {"message": "This exchange was not recorded: GET /v1/items?a=1"})
        assert server.strange == ["/v1/items?a=1"]
        assert ask(f"{server.url}/v1/search", "POST", {"q": "b", "page": 3})[0] == 404
        assert ask(f"{server.url}/v1/search")[0] == 404


def test_bodies_that_were_recorded_count():
    with replayed(RECORDED) as server:
        assert said(f"{server.url}/v1/search", "POST", {"page": 2, "q": "b"}) == [3]
        assert said(f"{server.url}/v1/search", "POST", {"page": 1, "q": "b"}) == [2]
        assert said(f"{server.url}/v1/login", "POST", {"u": "a"}) == {"token": "t"}


def test_recorded_hosts_become_this_one():
    with replayed(RECORDED) as server:
        assert ask(f"{server.url}/v1/items?a=1&b=2")[1]["Link"] == f'<{server.url}/v1/x>; rel="next"'
        assert said(f"{server.url}/v1/old") == {"self": f"{server.url}/v1/groups/a%2Fb"}
        assert server.targets[-2:] == ["/v1/old", "/v1/groups/a%2Fb"]


def test_several_answers_to_one_question_come_in_order_without_headers_of_the_old_wire():
    with replayed(RECORDED) as server:
        status, headers, text = ask(f"{server.url}/v1/now")
        assert (status, text, headers["Content-Encoding"], headers["Content-Length"]) == (200, "first", None, "5")
        with urllib.request.urlopen(f"{server.url}/v1/now", timeout=PATIENCE) as answer:
            assert answer.read() == "ol\u00e1".encode("latin-1")
        assert server.asked["GET /v1/now"] == 2


def test_a_recording_can_be_replayed_by_hand(tmp_path):
    file = tmp_path / "shop.jsonl"
    file.write_text("".join(f"{json.dumps(one)}\n" for one in RECORDED))
    assert read_recording(file) == RECORDED
    script = Path(__file__).parents[1] / "replayed.py"
    command = [sys.executable, "-u", script, file, "--port", "0", "--rewrite"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().split()[-1]
        assert ask(f"{url}/v1/items?a=1&b=2")[1]["Link"] == f'<{url}/v1/x>; rel="next"'
        process.terminate()


@pytest.mark.parametrize("case", troubled.EVERY)
def test_every_troubled_server_answers(case):
    with troubled.EVERY[case]() as server:
        status, _, _ = ask(f"{server.url}/items?page=1&limit=3")
        assert (status, server.targets) == (
            {"Z12": 429, "Z13": 500, "Z14": 401, "Z15": 404}.get(case, 200),
            ["/items?page=1&limit=3"],
        )
        assert server.truth


@pytest.mark.parametrize("form", troubled.LINK_FORMS)
def test_every_link_is_written(form):
    with troubled.link_rel_lists(form) as server:
        assert "page=2" in ask(f"{server.url}/items")[1]["Link"]


def test_an_answer_may_take_its_time():
    with WebServer(lambda _: [1]) as server:
        server.latency = 0.01
        assert said(server.url) == [1]
        assert server.most == 1
