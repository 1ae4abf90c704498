"""Children end to end: what is asked of a real server, in flight together, with gaps, killed, replayed."""

import json
import signal
import subprocess
import sys
import threading

import pytest

from cases import DAY, Settings, attempt, rows_in, run, text_of
from levada.edges import Edges
from levada.errors import ApiRefused, ContractBroken, TryLater
from levada.lake.area import Area
from levada.lake.lease import read_record
from levada.nouns import Counts
from levada.pipeline import Pipeline
from levada.spec.read import read_text
from patience import HELD, PATIENCE, settles
from shop import public
from simulated import Levada
from webserver import Said, WebServer

QUICK = "retry: {attempts: 2, wait: 1ms}"
SPEC = """
rows:
  for_each: {EACH}
  request: {path: "/posts/{row.id}/comments"}
  paging: {by: page, ahead: off, total_pages: {header: X-Pages}}
  contract: {fields: {post_id: int64, n: int64}}
  stage: {avro: "{partition}/{stream}.avro"}
posts:
  request: {path: /posts}
  contract: {fields: {id: int64, title: {type: string, nullable: true}}}
"""


def spec(each="row_of: posts, add: {post_id: id}", concurrency=1, source=QUICK):
    return text_of(SPEC.replace("EACH", each), source=f"{source}, limits: {{concurrency: {concurrency}}}")


class Forum(WebServer):
    """Posts with two pages of two comments each; what a path says instead stands in `wrong`."""

    def __init__(self, posts=5):
        super().__init__(self._answer)
        self.posts = [{"id": number, "title": f"Post {number}"} for number in range(1, posts + 1)]
        self.wrong = {}

    def _answer(self, asked):
        page = asked.number("page", 1)
        said = self.wrong.get(f"{asked.path}?page={page}", self.wrong.get(asked.path))
        if said is not None:
            return said
        if asked.path == "/posts":
            return self.posts
        post = int(asked.path.split("/")[2])
        return Said([{"n": post * 100 + page * 10 + n} for n in range(2)], headers=(("X-Pages", "2"),))

    def comments(self, *without):
        return [
            {"post_id": post["id"], "n": post["id"] * 100 + page * 10 + n}
            for post in self.posts
            for page in (1, 2)
            for n in range(2)
            if post["id"] not in without
        ]


def of(*posts, pages=(1, 2)):
    return [f"/posts/{post}/comments?page={page}" for post in posts for page in pages]


@pytest.fixture
def api():
    with Forum() as forum:
        yield forum


def record(store, stream="rows"):
    return read_record(Area(store, "case", stream, DAY))[0]


def test_children_in_flight_together_bring_the_same_in_the_same_order(api):
    one_by_one = run(spec(), api)
    assert one_by_one.requests == ["/posts", *of(1, 2, 3, 4, 5)]
    assert api.most == 1
    api.latency = 0.05
    together = run(spec(concurrency=4).replace(", ahead: off", ""), api)
    assert 1 < api.most <= 4
    # What lies beyond the end of a row was asked for ahead, before the row had told its total.
    assert sorted(set(together.requests) & set(one_by_one.requests)) == sorted(one_by_one.requests)
    assert len(together.requests) == len(set(together.requests))
    assert together.records() == one_by_one.records() == api.comments()
    assert public(together.store) == public(one_by_one.store)


FAILING = [
    ({"/posts/3/comments": Said({"message": "not yours"}, 403)}, 403, "not yours", 0),
    ({"/posts/3/comments": Said({"message": "no such post"}, 404)}, 404, "no such post", 0),
    ({"/posts/3/comments": Said({"message": "broken"}, 500)}, 500, "500", 0),
    ({"/posts/3/comments": "<html>"}, 200, "JSON", 0),
    ({"/posts/3/comments": Said([{"n": 1}, {"n": 2}], headers=(("X-Pages", "3"),))}, 200, "byte for byte", 2),
    ({"/posts/3/comments?page=2": Said({"message": "gone"}, 410)}, 410, "gone", 2),
]
NAMES = ["403", "404", "500 for ever", "no JSON", "a loop", "the second page"]


@pytest.mark.parametrize(("wrong", "status", "why", "kept"), FAILING, ids=NAMES)
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_row_that_fails_for_good_is_a_gap_and_the_others_come_whole(api, wrong, status, why, kept, concurrency):  # noqa: PLR0917 - two tables
    api.wrong = wrong
    case = run(spec("row_of: posts, add: {post_id: id}, failing: gap", concurrency), api)
    (gap,) = case.runs[-1].gaps
    assert case.outcome == "partial"
    assert gap.where.startswith("row 3 (id=3)")
    assert (gap.status, why in gap.why) == (status, True)
    others = [row for row in case.records() if row["post_id"] != 3]
    assert others == api.comments(3)
    assert len(case.records()) == len(others) + kept
    assert record(case.store).gaps == (gap,)


@pytest.mark.parametrize(("wrong", "status", "why", "kept"), FAILING, ids=NAMES)
def test_a_row_that_fails_for_good_stops_the_run_where_it_is_not_allowed_to(api, wrong, status, why, kept):
    api.wrong = wrong
    case = attempt(spec(), api)
    assert isinstance(case.error, ContractBroken | TryLater | ApiRefused), (status, kept)
    assert "row 3 (id=3)" in str(case.error)
    assert why in str(case.error)
    assert record(case.store) is None
    assert case.requests[:5] == ["/posts", *of(1, 2)]


def test_a_refused_key_is_no_gap(api):
    api.wrong = {"/posts/3/comments": Said({"message": "who are you"}, 401)}
    case = attempt(spec("row_of: posts, add: {post_id: id}, failing: gap"), api)
    assert isinstance(case.error, ApiRefused)
    assert record(case.store) is None


def test_rows_that_the_contract_of_the_parent_refuses_are_asked_for_too(api):
    """What is landed decides: the id of a row whose title is wrong is an id all the same."""
    api.posts[1]["title"] = 7
    case = run(spec(), api)
    assert case.runs[0].counts == Counts(read=5, kept=4, quarantined=1)
    assert case.requests == ["/posts", *of(1, 2, 3, 4, 5)]


def test_what_is_no_id_is_left_out_counted_and_told(api):
    api.posts += [{"title": "none"}, {"id": None}, {"id": "", "title": ""}]
    case = run(spec(), api)
    assert case.runs[-1].left_out == record(case.store).left_out == 3
    assert case.runs[-1].notes == ("3 rows of posts lack id: not asked for",)
    assert case.requests == ["/posts", *of(1, 2, 3, 4, 5)]


def test_batches_go_into_a_body_with_the_types_that_they_have(api):
    text = text_of("""
      rows:
        for_each: {row_of: posts, batch: 2}
        request: {method: POST, path: /search, json: {ids: "{row.id}", page: "{row}"}, repeatable: true}
      posts: {request: {path: /posts}}
    """)
    api.wrong = {"/search": [{"n": 1}]}
    run(text, api)
    assert [asked.json for asked in api.seen[1:]] == [
        {"ids": [1, 2], "page": 1},
        {"ids": [3, 4], "page": 2},
        {"ids": [5], "page": 3},
    ]


def test_several_parents_and_a_row_in_both(api):
    text = spec("row_of: [pinned, posts], add: {post_id: id}") + "  pinned: {request: {path: /pinned}}\n"
    api.wrong = {"/pinned": [{"id": 5}, {"id": 1}]}
    case = run(text, api)
    assert case.requests == ["/posts", "/pinned", *of(5, 1, 1, 2, 3, 4, 5)]
    api.forget()
    distinct = run(text.replace("{row_of", "{distinct: true, first: 3, row_of"), api)
    assert distinct.requests[2:] == of(5, 1, 2)


def test_children_are_replayed_byte_for_byte_though_the_parent_was_run_anew(api):
    settings = Settings()
    first = run(spec(), api, settings)
    before, rows = public(settings.store), first.records()
    api.posts = [{"id": 9, "title": "Another"}]
    worked(spec(), api, settings.store, "run", "posts")
    api.forget()
    replayed = worked(spec(), api, settings.store, "replay", "rows")
    assert (replayed.changed, api.seen) == (False, [])
    other = worked(spec().replace("n: int64", "n: float64"), api, settings.store, "replay", "rows")
    assert (other.changed, rows_in(settings.store)) == (True, rows)
    worked(spec(), api, settings.store, "replay", "rows")
    mine = {name: data for name, data in public(settings.store).items() if "/posts/" not in name}
    assert mine == {name: data for name, data in before.items() if "/posts/" not in name}
    assert api.seen == []


def worked(text, api, store, verb, stream):
    """One stream's run of a spec in a lake."""
    read = read_text(text, "case.yaml", {"URL": api.url}, lake="lake")
    pipeline = Pipeline(read, store, Edges(environment={"URL": api.url}))
    return pipeline.work(verb, next(each for each in read.streams if each.name == stream), DAY)


def test_many_rows_are_asked_for_once_each_and_come_in_order(api):
    api.posts = [{"id": number, "title": None} for number in range(1, 901)]
    text = spec("row_of: posts, add: {post_id: id}", 8).replace(", ahead: off", "")
    text = text.replace("paging: {by: page, total_pages: {header: X-Pages}}", "paging: {by: none}")
    case = run(text, api)
    assert len(case.requests) == len(set(case.requests)) == 901
    assert [row["post_id"] for row in case.records()][::2] == list(range(1, 901))


def test_killed_in_the_middle_of_children_only_what_is_missing_is_asked_for(tmp_path):
    over, held = threading.Event(), {"/posts/3/comments?page=2"}
    lake, undisturbed = tmp_path / "lake", tmp_path / "undisturbed"

    class Held(Forum):
        def _answer(self, asked):
            if asked.target in held:
                over.wait(HELD)
            return super()._answer(asked)

    with Held() as api:
        (tmp_path / "case.yaml").write_text(spec().replace("${URL}", api.url))
        levada = Levada({}, tmp_path)
        command = [sys.executable, "-m", "levada", "run", "case.yaml", "--date", DAY]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
        try:
            assert settles(lambda: api.targets[-1:] == ["/posts/3/comments?page=2"])
            pages = lake / f"_levada/case/rows/{DAY}/runs"
            assert settles(lambda: len(list(pages.glob("*/pages/*.json"))) == 5)
        finally:
            process.send_signal(signal.SIGKILL)
            assert process.wait(PATIENCE) == -signal.SIGKILL
            held.clear()
            over.set()
        api.forget()
        done = levada("run", "case.yaml", "--date", DAY, "--json")
        assert done.returncode == 0, done.stderr
        assert api.targets == ["/posts", *of(3, pages=(2,)), *of(4, 5)]
        assert json.loads(done.stdout)["runs"][1]["resumed"] == 5
        assert levada("run", "case.yaml", "--date", DAY, "--lake", undisturbed).returncode == 0
    assert shown(lake) == shown(undisturbed)


def shown(lake):
    paths = (path for path in lake.rglob("*") if path.is_file() and "_levada" not in path.parts)
    return {str(path.relative_to(lake)): path.read_bytes() for path in paths}
