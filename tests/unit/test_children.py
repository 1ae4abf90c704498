"""Streams that are asked for by the rows of other streams, in memory: what is asked, landed, named and added."""

import io
import json
from dataclasses import replace
from pathlib import Path

import fastavro
import pytest

from forum import DATE, Forum, pipeline, run
from levada.edges import WireFault
from levada.errors import ApiRefused, ContractBroken, FixThis, TryLater
from levada.lake.area import Area
from levada.lake.lease import read_record
from levada.lake.memory import MemoryStore
from levada.nouns import Counts, Gap
from levada.source.fake import Reply, answer
from shop import public

SPEC = """
pipeline: forum
source: {url: "http://api.test", retry: {attempts: 2, wait: 1ms}}
streams:
  comments:
    for_each: {row_of: posts, add: {post_id: id, post: title}}
    request: {path: "/posts/{row.id}/comments"}
    paging: {by: page, ahead: off}
    contract:
      fields: {post_id: int64, post: string, n: int64}
    stage: {avro: "stg/{date}/comments.avro"}
  posts:
    request: {path: /posts, params: {date: "{date}"}}
    paging: {by: page, ahead: off}
"""


def posts(count=3):
    return [{"id": number, "title": f"Post {number}"} for number in range(1, count + 1)]


def forum(count=3, comments=7):
    made = {"/posts": posts(count)}
    for post in posts(count):
        made[f"/posts/{post['id']}/comments"] = [{"n": post["id"] * 1000 + n} for n in range(comments)]
    return Forum(made)


def record(store, stream="comments"):
    return read_record(Area(store, "forum", stream, DATE))[0]


def joined(spec):
    """A spec whose comments come out as one JSON list of what the API said, and are staged page by page."""
    return spec.replace("    contract:\n", '    raw_joined: "all/{date}.json"\n    contract:\n')


@pytest.fixture
def store():
    return MemoryStore()


def test_each_row_is_asked_for_to_its_end_in_the_order_of_the_rows(store):
    api = forum(count=25, comments=50)
    done = run(SPEC, store, api)
    assert list(done) == ["posts", "comments"]
    assert done["comments"].counts == Counts(read=1250, kept=1250)
    assert done["comments"].pages == 250
    assert done["comments"].outcome == "done"
    # 5 pages of posts, 10 of the comments of each, and the empty one after them.
    assert api.count() == {"/posts": 6, **{f"/posts/{n}/comments": 11 for n in range(1, 26)}}
    bodies = [json.loads(store.read(file.key)) for file in record(store).files if file.kind == "page"]
    assert [each["n"] for body in bodies for each in body] == [p * 1000 + n for p in range(1, 26) for n in range(50)]


def test_pages_are_named_by_row_and_page(store):
    done = run(SPEC, store, forum())["comments"]
    names = [f"raw/forum/comments/{DATE}/{row}-{page}.json" for row in (1, 2, 3) for page in (1, 2)]
    assert [name for name in done.files if name.startswith("raw")] == names
    assert json.loads(store.read(names[3])) == [{"n": 2005}, {"n": 2006}]


def test_fields_of_the_row_are_added_before_the_contract_and_never_to_what_the_api_said(store):
    run(joined(SPEC), store, forum(count=2, comments=1))
    assert json.loads(store.read(f"all/{DATE}.json")) == [{"n": 1000}, {"n": 2000}]
    page = next(file for file in record(store).files if file.kind == "page")
    assert store.read(page.key) == b'[{"n": 1000}]'
    assert rows_of(store) == [
        {"post_id": 1, "post": "Post 1", "n": 1000},
        {"post_id": 2, "post": "Post 2", "n": 2000},
    ]


def rows_of(store, name=f"stg/{DATE}/comments.avro"):
    return list(fastavro.reader(io.BytesIO(store.read(name))))


def test_a_rerun_changes_nothing_and_replay_asks_for_nothing(store):
    api = forum()
    run(SPEC, store, api)
    before, rows = public(store), rows_of(store)
    again = run(SPEC, store, api)
    assert (again["comments"].changed, public(store)) == (False, before)
    api.forget()
    renamed = SPEC.replace("fields: {post_id: int64", "fields: {post_id: float64")
    replayed = run(renamed, store, api, verb="replay")["comments"]
    assert (api.asked, replayed.changed) == ([], True)
    assert rows_of(store) == rows


def test_what_replay_lacks_of_the_row_is_told(store):
    api = forum()
    run(SPEC, store, api)
    with pytest.raises(FixThis) as told:
        run(SPEC.replace("post: title", "post: owner"), store, api, "comments", verb="replay")
    assert told.value.what == (
        f"The landed pages of forum/comments {DATE} do not tell row.owner, which the spec uses now."
    )
    assert "levada run forum.yaml" in told.value.todo


def test_names_that_the_spec_changed_are_made_without_http(store):
    api = forum()
    run(SPEC, store, api)
    renamed = SPEC.replace("    stage:", '    raw: "raw/{date}/post-{row.id}/{page}.json"\n    stage:')
    api.forget()
    files = run(renamed, store, api, "comments", verb="stage")["comments"].files
    assert [name for name in files if name.startswith("raw")] == [
        f"raw/{DATE}/post-{post}/{page}.json" for post in (1, 2, 3) for page in (1, 2)
    ]
    assert api.asked == []


def test_staged_files_can_be_made_by_row_and_page(store):
    by_row = SPEC.replace("comments.avro", "{row.id}/{page}.avro")
    done = run(by_row, store, forum(count=2))["comments"]
    staged = [name for name in done.files if name.startswith("stg")]
    assert staged == [f"stg/{DATE}/{post}/{page}.avro" for post in (1, 2) for page in (1, 2)]
    assert [row["n"] for row in rows_of(store, staged[3])] == [2005, 2006]


def test_rows_without_children_are_no_rows_and_no_gap(store):
    api = forum()
    api.things["/posts/2/comments"] = []
    done = run(SPEC, store, api)["comments"]
    assert (done.outcome, done.counts.read, done.gaps) == ("done", 14, ())


def test_no_data_is_when_no_row_has_any(store):
    done = run(SPEC, store, forum(comments=0))["comments"]
    assert (done.outcome, done.pages) == ("no data", 0)


def test_no_rows_are_no_data_and_no_request(store):
    api = forum(count=0)
    done = run(SPEC, store, api)
    assert [each.outcome for each in done.values()] == ["no data", "no data"]
    assert api.count() == {"/posts": 1}


def test_a_child_alone_takes_the_rows_of_the_commit_that_stands(store):
    api = forum()
    run(SPEC, store, api, "posts")
    api.forget()
    done = run(SPEC, store, api, "comments")["comments"]
    assert done.counts.read == 21
    assert "/posts" not in api.count()


def test_a_child_without_a_commit_of_its_parent_says_how_to_run_it(store):
    api = forum()
    lake = Path("lake").absolute()
    with pytest.raises(FixThis) as told:
        run(SPEC, store, api, "comments")
    assert told.value.what == f"comments is made from posts, and nothing of posts is committed for {DATE}."
    assert told.value.todo == f"run posts first: levada run forum.yaml --date {DATE} --lake {lake} --stream posts"
    assert api.asked == []


def test_raw_files_of_the_parent_that_were_changed_are_not_asked_by(store):
    api = forum()
    run(SPEC, store, api, "posts")
    key = next(file.key for file in record(store, "posts").files if file.kind == "page")
    store.delete(key)
    store.create(key, b'[{"id": 666, "title": "?"}]')
    with pytest.raises(FixThis, match="Raw files of forum/posts 2022-08-09 are not what was landed"):
        run(SPEC, store, api, "comments")


def test_rows_without_an_id_are_left_out_counted_and_told(store):
    api = forum()
    api.things["/posts"] = [*posts(2), {"id": None, "title": "x"}, {"title": "y"}, {"id": "", "title": "z"}]
    done = run(SPEC, store, api)["comments"]
    assert done.outcome == "done"
    assert done.left_out == record(store).left_out == 3
    assert done.notes == ("3 rows of posts lack id: not asked for",)
    assert api.count() == {"/posts": 2, "/posts/1/comments": 3, "/posts/2/comments": 3}


def test_values_are_percent_encoded_in_paths_and_in_names(store):
    api = forum(count=0)
    strange = "a/b?c=1#z"
    api.things |= {"/posts": [{"id": strange, "title": "x"}], f"/posts/{strange}/comments": [{"n": 1}]}
    named = SPEC.replace("    stage:", '    raw: "raw/{date}/{row.id}/{page}.json"\n    stage:').replace(
        "post_id: int64", "post_id: string"
    )
    done = run(named, store, api)["comments"]
    assert api.paths[-2:] == [f"/posts/a%2Fb%3Fc%3D1%23z/comments?page={page}" for page in (1, 2)]
    assert done.files[0] == f"raw/{DATE}/a%2Fb?c=1#z/1.json"


def test_one_id_twice_is_refused_with_both_rows_and_distinct_asks_once(store):
    api = forum(count=2)
    api.things["/posts"] = [*posts(2), {"id": 1, "title": "Post 1 again"}]
    named = SPEC.replace("    stage:", '    raw: "raw/{date}/{row.id}-{page}.json"\n    stage:')
    with pytest.raises(ContractBroken) as told:
        run(named, store, api)
    assert told.value.what == (
        f"Two pages would have the name raw/{DATE}/1-1.json: row 1 (id=1), page 1 and row 3 (id=1), page 1."
    )
    assert "distinct: true" in told.value.todo
    api.forget()
    done = run(named.replace("row_of: posts", "row_of: posts, distinct: true"), store, api, "comments")["comments"]
    assert done.counts.read == 14
    assert api.count() == {"/posts/1/comments": 3, "/posts/2/comments": 3}


def test_details_of_the_first_ten(store):
    """A list of things, then each thing by its id: TMDB's discover and details."""
    spec = """
pipeline: forum
source: {url: "http://api.test"}
streams:
  discover:
    request: {path: /discover}
    paging: {by: page, ahead: off, total_pages: $.total_pages}
    records: $.results
  details:
    for_each: {row_of: discover, first: 10}
    request: {path: "/movie/{row.id}"}
    records: $
    raw: raw/{date}/{row.id}.json
    raw_joined: raw/{date}.json
"""
    pages = {
        f"/discover?page={page}": {"total_pages": 2, "results": [{"id": page * 100 + n} for n in range(8)]}
        for page in (1, 2)
    }
    api = Forum({f"/movie/{number}": {"id": number} for page in (1, 2) for number in range(page * 100, page * 100 + 8)})
    api.wrong = {key: answer(200, json.dumps(body).encode()) for key, body in pages.items()}
    done = run(spec, store, api)
    asked = [100, 101, 102, 103, 104, 105, 106, 107, 200, 201]
    assert api.paths == ["/discover?page=1", "/discover?page=2", *(f"/movie/{number}" for number in asked)]
    assert done["details"].counts.read == 10
    assert json.loads(store.read(f"raw/{DATE}.json")) == [{"id": number} for number in asked]


def test_batches_of_ids_share_a_request(store):
    spec = """
pipeline: forum
source: {url: "http://api.test"}
streams:
  posts: {request: {path: /posts}, paging: {by: page}}
  likes:
    for_each: {row_of: posts, batch: 3}
    request: {path: /likes, params: {ids: "{row.id}"}}
  search:
    for_each: {row_of: posts, batch: 3}
    request: {method: POST, path: /search, json: {ids: "{row.id}"}}
"""
    api = forum(count=7)
    api.things |= {"/likes": [{"n": 1}], "/search": [{"n": 2}]}
    run(spec, store, api)
    assert api.paths[-6:-3] == ["/likes?ids=1%2C2%2C3", "/likes?ids=4%2C5%2C6", "/likes?ids=7"]
    assert [json.loads(body) for body in api.bodies[-3:]] == [{"ids": [1, 2, 3]}, {"ids": [4, 5, 6]}, {"ids": [7]}]


def test_fields_of_several_ancestors_travel_down(store):
    spec = """
pipeline: forum
source: {url: "http://api.test"}
streams:
  replies:
    for_each: {row_of: comments, add: {post_id: post_id, comment_id: id}}
    request: {path: "/posts/{row.post_id}/comments/{row.id}/replies"}
    contract: {fields: {post_id: int64, comment_id: int64, text: string}}
    stage: {avro: "stg/{date}/replies.avro"}
  comments:
    for_each: {row_of: posts, add: {post_id: id}}
    request: {path: "/posts/{row.id}/comments"}
  posts: {request: {path: /posts}}
"""
    api = Forum({"/posts": [{"id": 1}, {"id": 2}]})
    for post in (1, 2):
        api.things[f"/posts/{post}/comments"] = [{"id": 10}, {"id": 11}]
        for comment in (10, 11):
            api.things[f"/posts/{post}/comments/{comment}/replies"] = [{"text": f"{post}.{comment}"}]
    done = run(spec, store, api)
    assert list(done) == ["posts", "comments", "replies"]
    assert rows_of(store, f"stg/{DATE}/replies.avro") == [
        {"post_id": post, "comment_id": comment, "text": f"{post}.{comment}"} for post in (1, 2) for comment in (10, 11)
    ]
    assert len(api.asked) == 1 + 2 + 4


def test_rows_that_the_spec_names_itself(store):
    spec = """
pipeline: forum
source: {url: "http://api.test"}
streams:
  comments:
    for_each: {rows: [{id: 1, lang: pt}, {id: 2, lang: en}]}
    request: {path: "/posts/{row.id}/comments", params: {lang: "{row.lang}"}}
"""
    api = forum()
    assert run(spec, store, api)["comments"].counts.read == 10
    assert api.paths == ["/posts/1/comments?lang=pt", "/posts/2/comments?lang=en"]


def test_rows_of_several_streams_follow_one_another(store):
    spec = """
pipeline: forum
source: {url: "http://api.test"}
streams:
  comments: {for_each: {row_of: [old, new]}, request: {path: "/posts/{row.id}/comments"}}
  old: {request: {path: /old}}
  new: {request: {path: /new}}
"""
    api = forum()
    api.things |= {"/old": [{"id": 3}], "/new": [{"id": 1}, {"id": 2}]}
    run(spec, store, api)
    assert api.paths == ["/old", "/new", "/posts/3/comments", "/posts/1/comments", "/posts/2/comments"]


def test_an_equals_that_names_the_row_is_held_to_it(store):
    api = forum(count=2, comments=1)
    assert held(store, api).outcome == "done"
    api.things["/posts"][1]["title"] = "Post 7"
    done = held(store, api)
    assert (done.outcome, done.counts) == ("done with quarantine", Counts(read=2, kept=1, quarantined=1))


def held(store, api):
    """A run of a contract by which the title is made of the row's own id."""
    chosen = pipeline(SPEC, store, api)
    comments, others = chosen.spec.streams
    fields = tuple(
        replace(each, equals="Post {row.id}" if each.name == "post" else None) for each in comments.contract.fields
    )
    comments = replace(comments, contract=replace(comments.contract, fields=fields))
    return replace(chosen, spec=replace(chosen.spec, streams=(comments, others))).run(date=DATE)[1]


def test_a_child_that_fails_stops_the_run_and_names_the_row(store):
    api = forum()
    api.wrong["/posts/2/comments"] = answer(500, b"broken")
    with pytest.raises(TryLater) as told:
        run(SPEC, store, api)
    assert "row 2 (id=2)" in told.value.where
    assert record(store) is None


def test_an_interrupted_run_goes_on_with_the_children_that_are_missing(store):
    whole = MemoryStore()
    run(SPEC, whole, forum())
    api = forum()
    api.wrong["/posts/2/comments?page=2"] = WireFault("reset", "gone")
    with pytest.raises(TryLater):
        run(SPEC, store, api)
    api.wrong.clear()
    api.forget()
    done = run(SPEC, store, api, "comments")["comments"]
    assert api.count() == {"/posts/2/comments": 2, "/posts/3/comments": 3}
    assert api.paths[0] == "/posts/2/comments?page=2"
    assert done.resumed == 3
    assert public(store) == public(whole)


def test_other_rows_make_an_interrupted_run_begin_anew(store):
    api = forum()
    api.wrong["/posts/2/comments"] = WireFault("reset", "gone")
    with pytest.raises(TryLater):
        run(SPEC, store, api)
    api.wrong.clear()
    api.things["/posts"] = posts(2)
    run(SPEC, store, api, "posts")
    api.forget()
    done = run(SPEC, store, api, "comments")["comments"]
    assert api.count() == {"/posts/1/comments": 3, "/posts/2/comments": 3}
    assert done.resumed == 0


GAPS = SPEC.replace("row_of: posts,", "row_of: posts, failing: gap,")


def test_a_child_that_may_fail_is_a_gap(store):
    api = forum()
    api.wrong["/posts/2/comments?page=2"] = answer(418, b"I am a teapot")
    done = run(GAPS, store, api)["comments"]
    assert (done.outcome, done.counts.read, done.pages) == ("partial", 19, 5)
    (gap,) = done.gaps
    assert gap == record(store).gaps[0]
    assert (gap.where, gap.status) == ("row 2 (id=2), page 2", 418)
    assert "teapot" in gap.why
    assert gap.url == "http://api.test/posts/2/comments?page=2"
    assert f"raw/forum/comments/{DATE}/2-1.json" in public(store)


def test_the_same_gap_again_changes_nothing_and_an_api_that_is_well_again_fills_it(store):
    api = forum()
    api.wrong["/posts/2/comments"] = answer(404, b"gone")
    run(GAPS, store, api)
    before = public(store)
    again = run(GAPS, store, api, "comments")["comments"]
    assert (again.outcome, again.changed, public(store)) == ("partial", False, before)
    api.wrong.clear()
    api.forget()
    filled = run(GAPS, store, api, "comments", missing=True)["comments"]
    assert (filled.outcome, filled.changed, filled.gaps, filled.counts.read) == ("done", True, (), 21)
    assert api.count() == {f"/posts/{n}/comments": 3 for n in (1, 2, 3)}, "not fetched anew"


def test_what_is_partial_replaces_nothing_complete_unless_accepted(store):
    api = forum()
    run(GAPS, store, api)
    before = public(store)
    api.wrong["/posts/2/comments"] = answer(404, b"gone")
    with pytest.raises(ContractBroken) as told:
        run(GAPS, store, api, "comments")
    assert told.value.what == (
        f"forum/comments {DATE} came with 1 gap: row 2 (id=2), page 1; what was committed before has none, and stays."
    )
    assert "--accept-partial" in told.value.todo
    assert public(store) == before
    done = run(GAPS, store, api, "comments", accept_partial=True)["comments"]
    assert (done.outcome, done.counts.read) == ("partial", 14)


def test_a_replay_of_what_is_partial_is_partial(store):
    api = forum()
    api.wrong["/posts/2/comments"] = answer(404, b"gone")
    first = run(GAPS, store, api)["comments"]
    again = run(GAPS.replace("n: int64", "n: float64"), store, api, "comments", verb="replay")["comments"]
    assert (again.outcome, again.changed, again.gaps) == ("partial", True, first.gaps)


def test_a_gap_that_turns_out_to_be_empty_is_filled_though_no_page_comes(store):
    api = forum()
    api.wrong["/posts/2/comments"] = answer(404, b"gone")
    run(GAPS, store, api)
    api.wrong["/posts/2/comments"] = answer(200, b"[]")
    filled = run(GAPS, store, api, "comments")["comments"]
    assert (filled.outcome, filled.changed, filled.pages) == ("done", True, 4)


def test_gaps_of_a_parent_are_gaps_of_its_children(store):
    skipping = SPEC.replace("params: {date", "params: {x: y, date") + "    responses: [{status: 418, means: skip}]\n"
    api = forum(count=12)
    api.wrong["/posts?page=2"] = answer(418, b"no")
    done = run(skipping, store, api)
    assert [each.outcome for each in done.values()] == ["partial", "partial"]
    assert done["posts"].gaps[0].where == "page 2"
    assert done["comments"].gaps == (Gap("rows of posts", "posts is partial itself, 1 gap: page 2"),)
    assert done["comments"].counts.read == 7 * 7


def test_when_every_child_is_a_gap_nothing_is_said_to_be_empty(store):
    api = forum(count=1)
    api.wrong["/posts/1/comments"] = answer(404, b"gone")
    done = run(GAPS, store, api)["comments"]
    assert (done.outcome, done.counts.read, record(store).no_data) == ("partial", 0, False)


def test_gaps_of_an_interrupted_run_stay_gaps(store):
    api = forum()
    api.wrong |= {"/posts/1/comments": answer(404, b"gone"), "/posts/3/comments": WireFault("reset", "gone")}
    stops = GAPS
    api.wrong["/posts/3/comments"] = answer(429, b"slow", {"Retry-After": "3600"})
    with pytest.raises(TryLater):
        run(stops, store, api)
    del api.wrong["/posts/3/comments"]
    api.forget()
    done = run(stops, store, api, "comments")["comments"]
    assert [gap.where for gap in done.gaps] == ["row 1 (id=1), page 1"]
    assert api.count() == {"/posts/3/comments": 3}


def test_windows_are_asked_for_one_by_one_and_named(store):
    spec = """
pipeline: forum
source: {url: "http://api.test"}
streams:
  events:
    window: 6h
    request: {path: /events, params: {from: "{start:%H:%M}", to: "{end:%H:%M}"}}
    paging: {by: page, ahead: off}
    raw: "raw/{date}/{start:%H}-{page}.json"
"""
    api = Forum({"/events": [{"n": n} for n in range(7)]})
    done = run(spec, store, api)["events"]
    assert [path.partition("page")[0] for path in api.paths[::3]] == [
        f"/events?from={a}%3A00&to={b}%3A00&" for a, b in (("00", "06"), ("06", "12"), ("12", "18"), ("18", "00"))
    ]
    assert done.files == tuple(
        f"raw/{DATE}/{hour}-{page}.json"
        for hour, page in zip(("00", "06", "12", "18"), range(1, 9, 2), strict=True)
        for page in (page, page + 1)
    )
    again = run(spec, store, api, verb="stage")["events"]
    assert again.files == done.files


WINDOWED = """
pipeline: forum
source: {url: "http://api.test", retry: {attempts: 1}}
streams:
  events:
    for_each: {rows: [{id: a}, {id: b}]}
    window: 12h
    request: {path: "/{row.id}", params: {from: "{start:%H}"}}
    paging: {by: page, ahead: off}
"""


class Faulty(Forum):
    """Breaks the connection for the requests in `failing`."""

    def _reply(self, call, _):
        said = super()._reply(call, _)
        return Reply(WireFault("reset", "gone")) if self.paths[-1] in self.failing else said


def test_rows_in_windows_that_were_interrupted_go_on_in_their_window(store):
    whole = MemoryStore()
    events = {"/a": [{"n": n} for n in range(7)], "/b": [{"n": n} for n in range(7, 14)]}
    run(WINDOWED, whole, Forum(events))
    api = Faulty(events)
    api.failing = {"/b?from=12&page=2"}
    with pytest.raises(TryLater):
        run(WINDOWED, store, api)
    api.failing.clear()
    api.forget()
    done = run(WINDOWED, store, api)["events"]
    assert api.paths == ["/b?from=12&page=2", "/b?from=12&page=3"]
    assert (done.resumed, done.pages, public(store)) == (7, 8, public(whole))
    assert [name.rpartition("/")[2] for name in done.files] == [
        f"{row}-{n}.json" for row in (1, 2) for n in range(1, 5)
    ]


def test_staged_files_can_be_named_by_window(store):
    spec = """
pipeline: forum
source: {url: "http://api.test"}
streams:
  events:
    window: 12h
    request: {path: /events, params: {from: "{start}"}}
    contract: {fields: {n: int64}}
    stage: {avro: "stg/{date}/{start:%H}.avro"}
"""
    files = run(spec, store, Forum({"/events": [{"n": 1}]}))["events"].files
    assert {f"stg/{DATE}/00.avro", f"stg/{DATE}/12.avro"} < set(files)


PAGES = """
pipeline: forum
source: {url: "http://api.test", auth: {bearer: "${TOKEN}"}}
streams:
  reactions:
    pages_of: posts
    records: {path: "$[*]", explode: $.reactions, keep: {post_id: $.id}}
    contract: {fields: {post_id: int64, kind: string}}
    stage: {avro: "stg/{date}/reactions.avro"}
  posts:
    request: {path: /posts}
    paging: {by: page, ahead: off}
    responses: [{status: 418, means: skip}]
"""
KEY = {"TOKEN": "open-sesame"}


def reactions():
    return Forum({"/posts": [{"id": n, "reactions": [{"kind": f"{n}.{k}"} for k in range(n)]} for n in range(7)]})


def test_pages_of_another_stream_are_read_again_without_a_request(store):
    api = reactions()
    made = pipeline(PAGES, store, api, environment=KEY).run(date=DATE)
    api.forget()
    assert [each.stream for each in made] == ["posts", "reactions"]
    assert (made[1].requests, made[1].counts.read, made[1].pages) == (0, 21, 2)
    assert rows_of(store, f"stg/{DATE}/reactions.avro") == [
        {"post_id": n, "kind": f"{n}.{k}"} for n in range(7) for k in range(n)
    ]
    assert not run(PAGES, store, api, "reactions")["reactions"].changed, "a key is asked for that nothing needs"
    assert run(PAGES, store, api, "reactions", verb="replay")["reactions"].counts.read == 21
    assert api.asked == []


def test_records_selected_otherwise_are_staged_anew(store):
    api = reactions()
    pipeline(PAGES, store, api, environment=KEY).run(date=DATE)
    fewer = run(PAGES.replace("$[*]", "$[1:]"), store, api, "reactions", verb="replay")["reactions"]
    assert (fewer.changed, fewer.counts.read) == (True, 1 + 2 + 3 + 4 + 6)
    assert len(rows_of(store, f"stg/{DATE}/reactions.avro")) == 16


def test_a_field_that_is_added_under_another_name_is_staged_anew(store):
    api = forum(count=1, comments=1)
    nullable = SPEC.replace(
        "post_id: int64", "id: {type: int64, nullable: true}, post_id: {type: int64, nullable: true}"
    )
    run(nullable, store, api)
    renamed = nullable.replace("{post_id: id, post", "{id: id, post")
    assert run(renamed, store, api, "comments", verb="replay")["comments"].changed
    assert rows_of(store) == [{"id": 1, "post_id": None, "post": "Post 1", "n": 1000}]


def test_pages_of_a_partial_stream_are_partial(store):
    api = reactions()
    api.wrong["/posts?page=1"] = answer(418, b"no")
    made = pipeline(PAGES, store, api, environment=KEY).run(date=DATE)
    assert [(each.outcome, len(each.gaps)) for each in made] == [("partial", 1), ("partial", 1)]
    assert made[1].counts.read == 5 + 6


def test_pages_of_a_stream_without_a_commit_say_how_to_run_it(store):
    with pytest.raises(FixThis) as told:
        run(PAGES, store, reactions(), "reactions")
    assert told.value.what == f"reactions is made from posts, and nothing of posts is committed for {DATE}."


def test_pages_of_rows_can_be_named_by_them(store):
    spec = """
pipeline: forum
source: {url: "http://api.test"}
streams:
  likes:
    pages_of: comments
    records: {path: "$[*]", explode: "$.likes"}
    raw: "raw/likes/{date}/{row.slug}-{page}.json"
  comments: {for_each: {row_of: posts}, request: {path: "/posts/{row.id}/comments"}}
  posts: {request: {path: /posts}}
"""
    api = Forum({"/posts": [{"id": 1, "slug": "one"}], "/posts/1/comments": [{"likes": [1, 2]}]})
    done = run(spec, store, api)["likes"]
    assert (done.files, done.counts.read) == ((f"raw/likes/{DATE}/one-1.json",), 2)


def test_one_list_of_all_records_follows_their_selection(store):
    spec = """
pipeline: forum
source: {url: "http://api.test"}
streams:
  posts: {request: {path: /posts}, records: $.new, raw: none, raw_joined: "{date}.json"}
"""
    api = Forum({"/posts": {"new": [{"id": 1}], "old": [{"id": 2}]}})
    run(spec, store, api, verb="land")
    assert run(spec.replace("$.new", "$.old"), store, api, verb="land")["posts"].changed
    assert json.loads(store.read(f"{DATE}.json")) == [{"id": 2}]


def test_the_charset_of_a_page_is_known_without_its_answer(store):
    spec = """
pipeline: forum
source: {url: "http://api.test"}
streams:
  cities:
    request: {path: /cities}
    format: csv
    contract: {fields: {name: string}}
    stage: {avro: "stg/{date}.avro"}
  sights: {for_each: {row_of: cities}, request: {path: "/sights/{row.name}"}}
"""
    api = Forum({"/sights/Évora": [{"n": 1}]})
    api.wrong["/cities"] = answer(200, "name\nÉvora\n".encode("latin-1"), {"Content-Type": "text/csv; charset=latin-1"})
    assert run(spec, store, api)["sights"].counts.read == 1
    assert api.paths[-1] == "/sights/%C3%89vora"
    store.delete(f"stg/{DATE}.avro")
    run(spec, store, api, "cities", verb="replay")
    assert rows_of(store, f"stg/{DATE}.avro") == [{"name": "Évora"}]


@pytest.mark.parametrize("concurrency", [1, 3, 16])
def test_asked_for_ahead_the_same_comes_out(store, concurrency):
    one_by_one = MemoryStore()
    run(SPEC, one_by_one, forum(count=9, comments=12))
    ahead = SPEC.replace(", ahead: off", "").replace("1ms}}", f"1ms}}, limits: {{concurrency: {concurrency}}}}}")
    api = forum(count=9, comments=12)
    done = run(ahead, store, api)["comments"]
    assert public(store) == public(one_by_one)
    assert done.counts.read == 9 * 12
    pages = [path for path in api.paths if int(path.rpartition("=")[2]) <= 3 and "comments" in path]
    assert len(pages) == len(set(pages)) == 27, "a page with data was asked for twice, or never"


def test_a_key_that_is_refused_is_no_gap(store):
    api = forum()
    api.wrong["/posts/2/comments"] = answer(401, b"who are you")
    with pytest.raises(ApiRefused, match="refuses the key with 401"):
        run(GAPS, store, api)
    assert record(store) is None


def test_an_api_that_is_away_for_row_after_row_is_no_gap(store):
    api = forum(count=9)
    for post in (1, 3, 4, 5, 6, 7):
        api.wrong[f"/posts/{post}/comments"] = answer(503, b"away")
    with pytest.raises(TryLater) as told:
        run(GAPS, store, api)
    assert "row 7 (id=7)" in told.value.where
    del api.wrong["/posts/5/comments"]
    assert len(run(GAPS, MemoryStore(), api)["comments"].gaps) == 5
