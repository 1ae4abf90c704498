"""`levada preview` and `levada check --live`: what is asked, what is shown, and that nothing is written."""

import json

from simulated import SPEC, Levada
from terminals import Terminal
from webserver import Said, WebServer

DAY = "2022-08-09"
BAD_DAY = "2022-08-11"


def written(folder, api, stream, more=""):
    (folder / "p.yaml").write_text(f"pipeline: p\nsource: {{url: '{api.url}'}}\nstreams:\n  posts:\n{stream}\n{more}")
    return folder


CURSOR = """
    request: {path: /posts_cursor}
    records: $.data[*]
    paging: {by: cursor, next: $.next_cursor, param: cursor}
"""
CHILD = """
  comments:
    request: {path: "/posts/{row.id}/comments"}
    for_each: {row_of: posts, add: {title: title}}
    records: $.data[*]
    paging: {by: next_url, next: $.next_page}
"""


def test_preview_shows_rows_requests_and_what_paging_saw(levada, api):
    done = levada("preview", SPEC, "--date", BAD_DAY, "--rows", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Stream sales, {BAD_DAY}: 200 rows in 2 answers" in done.stdout
    assert "client" in done.stdout
    assert "(2 of 200 rows; --rows 200 shows all)" in done.stdout
    assert f"GET {api.url}/sales?date={BAD_DAY}&page=2  200" in done.stdout
    assert api.pages_asked() == [1, 2]
    assert list(levada.folder.iterdir()) == []
    assert not (SPEC.parent / "lake").exists()


def test_preview_for_machines(shell, posts, tmp_path):
    written(tmp_path, posts, CURSOR)
    done = shell("preview", "p.yaml", "--pages", "2", "--rows", "1", "--date", DAY, "--json")
    (told,) = json.loads(done.stdout)["previews"]
    assert (told["stream"], told["partition"], told["rows"]) == ("posts", DAY, [{"id": 0, "title": "Post 0"}])
    assert [one["status"] for one in told["requests"]] == [200, 200]
    assert [(page["rows"], page["saw"]["next"]) for page in told["paging"]] == [(5, "5"), (5, "10")]
    assert posts.targets == ["/posts_cursor", "/posts_cursor?cursor=5"]
    assert [path.name for path in tmp_path.iterdir()] == ["p.yaml"]


def test_preview_stops_where_the_pages_end(shell, posts, tmp_path):
    written(tmp_path, posts, CURSOR)
    done = shell("preview", "p.yaml", "--pages", "99")
    assert "25 rows in 5 answers" in done.stdout
    assert "next: none" in done.stdout
    assert len(posts.seen) == 5


def test_a_child_is_shown_by_the_first_rows_of_its_parent_and_the_lake_stays_away(shell, posts, tmp_path):
    written(tmp_path, posts, CURSOR, CHILD)
    done = shell("preview", "p.yaml", "--stream", "comments", "--pages", "1", "--rows", "1", "--json")
    (told,) = json.loads(done.stdout)["previews"]
    assert told["rows"] == [{"id": 0, "post_id": 0, "body": "Comment 0 for post 0", "title": "Post 0"}]
    assert posts.targets == ["/posts_cursor", "/posts/0/comments"]
    assert [path.name for path in tmp_path.iterdir()] == ["p.yaml"]


def test_a_grandchild_asks_for_a_page_of_each_generation(shell, posts, tmp_path):
    detail = "  details: {request: {path: '/posts/{row.post_id}'}, for_each: {row_of: comments}, records: $}\n"
    written(tmp_path, posts, CURSOR, CHILD + detail)
    done = shell("preview", "p.yaml", "--stream", "details", "--pages", "1", "--json")
    assert json.loads(done.stdout)["previews"][0]["rows"] == [{"id": 0, "body": "Post body 0"}]
    children = [f"/posts/{number}/comments" for number in range(3)]
    assert posts.targets == ["/posts_cursor", *children, "/posts/0"]


def test_the_rows_of_a_parent_come_from_the_lake_where_it_has_them(shell, posts, tmp_path):
    written(tmp_path, posts, CURSOR, CHILD)
    assert shell("land", "p.yaml", "--stream", "posts", "--date", DAY).returncode == 0
    posts.forget()
    done = shell("preview", "p.yaml", "--stream", "comments", "--date", DAY, "--pages", "1")
    assert done.returncode == 0, done.stderr
    assert posts.targets == ["/posts/0/comments"]


def test_an_incremental_stream_is_shown_from_its_start(shell, tmp_path):
    with WebServer(lambda _: [{"id": 1, "at": "2022-01-02T00:00:00Z"}]) as api:
        (tmp_path / "p.yaml").write_text(
            f"pipeline: p\nsource: {{url: '{api.url}'}}\nstreams:\n  s:\n"
            "    request: {path: /s, params: {since: '{start}'}}\n"
            "    incremental: {cursor: $.at, start: '2022-01-01T00:00:00Z'}\n"
        )
        done = shell("preview", "p.yaml")
        assert done.returncode == 0, done.stderr
        assert api.seen[0].value("since") == "2022-01-01T00:00:00Z"
        assert "1 row in 1 answer" in done.stdout


def test_a_stream_of_another_one_s_pages_shows_its_own_records(shell, posts, tmp_path):
    post = "    request: {path: /posts_with_reactions}\n    records: $.data[*]\n"
    reactions = (
        "  reactions: {pages_of: posts, records: {path: '$.data[*]', explode: $.reactions, keep: {post: $.id}}}\n"
    )
    written(tmp_path, posts, post, reactions)
    done = shell("preview", "p.yaml", "--stream", "reactions", "--pages", "1", "--rows", "1", "--json")
    (told,) = json.loads(done.stdout)["previews"]
    assert told["rows"] == [{"id": 0, "title": "Reaction 0 for post 0", "post": 0}]
    assert posts.targets == ["/posts_with_reactions"]


def test_what_was_asked_before_an_error_is_shown_and_the_exit_code_is_its_own(shell, posts, tmp_path):
    written(tmp_path, posts, CURSOR)
    posts.fail("/posts_cursor", None, [Said({"data": [{"id": 1}], "next_cursor": 5}), 404])
    done = shell("preview", "p.yaml")
    assert done.returncode == 2
    assert "1 row in 1 answer" in done.stdout
    assert "/posts_cursor?cursor=5  404" in done.stdout
    assert "planned 404" in done.stderr
    posts.fail("/posts_cursor", None, [Said({"other": []})] * 9)
    broken = shell("preview", "p.yaml", "--json", "--pages", "1")
    assert broken.returncode == 3
    assert json.loads(broken.stdout)["errors"][0]["kind"] == "ContractBroken"


def test_a_key_in_the_query_is_not_shown(shell, tmp_path):
    with WebServer(
        lambda asked: Said([{"id": 1}], headers=(("Link", f'</s?{asked.raw[3:]}&page=2>; rel="next"'),))
    ) as api:
        (tmp_path / "p.yaml").write_text(
            f"pipeline: p\nsource: {{url: '{api.url}', auth: {{query: api_key, key: '${{KEY}}'}}}}\n"
            "streams:\n  s: {request: {path: /s}, paging: {by: link}}\n"
        )
        for command in (["preview", "p.yaml", "--pages", "2"], ["check", "p.yaml", "--live"]):
            for form in ([], ["--json"]):
                done = shell(*command, *form, KEY="open-sesame-91")
                assert "open-sesame" not in done.stdout + done.stderr
        assert ("api_key", "open-sesame-91") in api.seen[0].query


def test_preview_on_a_narrow_terminal_tells_the_fields_that_have_no_room(tmp_path):
    row = {f"field_{number}": "x" * 60 for number in range(9)}
    with WebServer(lambda _: [row]) as api:
        (tmp_path / "p.yaml").write_text(
            f"pipeline: p\nsource: {{url: '{api.url}'}}\nstreams:\n  s: {{request: {{path: /s}}}}\n"
        )
        terminal = Terminal(Levada({}, tmp_path), "preview", "p.yaml")
        assert terminal.end() == 0
    assert "x" * 39 + "…" in terminal.text
    assert "more fields: " in terminal.text
    assert "field_8" in terminal.text.split("more fields: ")[1]


def test_a_stream_that_is_not_there(shell, posts, tmp_path):
    written(tmp_path, posts, CURSOR)
    done = shell("preview", "p.yaml", "--stream", "post")
    assert done.returncode == 2
    assert "There is no stream post in this spec." in done.stderr
    assert posts.seen == []


def test_check_asks_nothing_unless_it_is_told_to(levada, api):
    assert levada("check", SPEC).returncode == 0
    assert api.log() == []


def test_check_live_tells_status_rows_and_the_contract_s_verdict(levada, api):
    done = levada("check", SPEC, "--live", "--date", BAD_DAY)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Pipeline sales" in done.stdout
    assert f"Live   sales, {BAD_DAY}: 100 rows on the first page" in done.stdout
    assert f"GET {api.url}/sales?date={BAD_DAY}&page=1: 200, " in done.stdout
    assert "Contract: 1 row good, 99 bad, 0 values nullified" in done.stdout
    assert 'purchase_date: expected "2022-08-11", found "2022-08-09"' in done.stdout
    assert api.pages_asked() == [1]
    assert not (SPEC.parent / "lake").exists()


def test_check_live_for_machines(levada, api):
    done = levada("check", SPEC, "--live", "--date", BAD_DAY, "--json")
    told = json.loads(done.stdout)
    assert told["plan"][0].startswith("Pipeline sales")
    (live,) = told["live"]
    assert (live["rows"], live["contract"]["kept"], live["contract"]["bad"]) == (100, 1, 99)
    assert (told["errors"], [one["status"] for one in live["requests"]]) == ([], [200])


def test_check_live_says_what_an_answer_without_data_means(levada, api):
    done = levada("check", SPEC, "--live", "--date", "2021-01-01")
    assert done.returncode == 0
    assert "The answer means no_data: " in done.stdout
    assert "No data found" in done.stdout


def test_check_live_ends_with_the_code_of_the_error_and_tries_the_other_streams(shell, posts, tmp_path):
    written(tmp_path, posts, "    request: {path: /no/such/path}", f"  others:{CURSOR}{CHILD}")
    done = shell("check", "p.yaml", "--live")
    assert done.returncode == 2
    assert "no such path: GET /no/such/path" in done.stderr
    assert "Live   others, " in done.stdout
    assert "Live   comments: not asked, it needs what is landed of posts" in done.stdout
    assert posts.targets == ["/no/such/path", "/posts_cursor"]
    told = json.loads(shell("check", "p.yaml", "--live", "--json").stdout)
    assert [error["exit"] for error in told["errors"]] == [2]


def test_check_live_fails_where_the_contract_says_so(shell, posts, tmp_path):
    contract = "    contract: {on_bad: fail, fields: {id: string}}"
    written(tmp_path, posts, CURSOR + contract)
    done = shell("check", "p.yaml", "--live")
    assert done.returncode == 3
    assert "expected a string, found 0" in done.stderr


def test_a_stream_without_paging_is_told_of_a_way_to_more(shell, posts, tmp_path):
    plain = "    request: {path: /posts_under_a_different_key}\n    records: $.many-results\n"
    why = "without `paging` this page is all that is read, and $.next_page holds the address of the next page"
    written(tmp_path, posts, plain.replace("$.many-results", "\"$['many-results']\""))
    done = shell("preview", "p.yaml")
    assert done.returncode == 0, done.stderr
    assert f"More?  {why}" in done.stdout
    assert f"More? {why}" in shell("check", "p.yaml", "--live").stdout
    (told,) = json.loads(shell("preview", "p.yaml", "--json").stdout)["previews"]
    assert told["more"] == why
    written(tmp_path, posts, CURSOR)
    assert "More?" not in shell("preview", "p.yaml").stdout
