"""Children, gaps and partial runs as users meet them: the command line against a small API."""

import json

import pytest

from simulated import Levada
from webserver import Said, WebServer

DATE = "2022-08-09"
SPEC = """
pipeline: forum
source: {{url: "{url}", retry: {{attempts: 2, wait: 1ms}}}}
streams:
  comments:
    for_each: {{row_of: posts, failing: {failing}, add: {{post_id: id}}}}
    request: {{path: "/posts/{{row.id}}/comments"}}
    contract: {{fields: {{post_id: int64, n: int64}}}}
    stage: {{avro: "stg/{{date}}/comments.avro"}}
  likes:
    for_each: {{row_of: comments}}
    request: {{path: "/comments/{{row.n}}/likes"}}
    raw: none
  posts:
    request: {{path: /posts}}
    records: $.posts
"""


class Forum(WebServer):
    """Three posts with two comments each; what a path says instead stands in `wrong`."""

    def __init__(self):
        super().__init__(self._answer)
        self.wrong = {}

    def _answer(self, asked):
        if asked.path in self.wrong:
            return self.wrong[asked.path]
        parts = asked.path.split("/")[1:]
        if parts == ["posts"]:
            return {"posts": [{"id": 1}, {"id": 2}, {"id": 3}]}
        if parts[0] == "posts":
            return [{"n": int(parts[1]) * 10 + n} for n in range(2)]
        return [{"like": parts[1]}]


@pytest.fixture
def api():
    with Forum() as forum:
        yield forum


@pytest.fixture
def levada(api, tmp_path):
    for failing in ("stop", "gap"):
        (tmp_path / f"{failing}.yaml").write_text(SPEC.format(url=api.url, failing=failing))
    return Levada({}, tmp_path)


def test_parents_run_first_whatever_their_order_in_the_file(levada, api):
    done = levada("run", "gap.yaml", "--date", DATE)
    assert done.returncode == 0, done.stderr
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [
        f"forum/{stream} {DATE}" for stream in ("posts", "comments", "likes")
    ]
    assert len(api.seen) == 1 + 3 + 6


def test_a_partial_run_lists_its_gaps_and_leaves_with_4(levada, api):
    api.wrong["/posts/2/comments"] = Said({"message": "out to lunch"}, 418)
    done = levada("run", "gap.yaml", "--date", DATE, "--stream", "posts", "--stream", "comments")
    assert (done.returncode, done.stderr) == (4, "")
    _, comments, gap = done.stdout.splitlines()
    assert comments.startswith(f"forum/comments {DATE}: partial, 1 gap, 2 pages, 4 rows read, 4 kept")
    assert gap.startswith("  gap: row 2 (id=2): 418: ")
    assert "out to lunch" in gap
    status = levada("status", "--lake", "lake").stdout
    assert f"forum/comments {DATE}: 1 gap: row 2 (id=2)" in status
    (told,) = (each for each in json.loads(levada("status", "--json").stdout) if each["stream"] == "comments")
    assert (told["state"], told["gaps"][0]["where"]) == ("partial", "row 2 (id=2)")


def test_the_gaps_of_a_partial_run_stand_in_the_json(levada, api):
    api.wrong["/posts/3/comments"] = Said({"message": "gone"}, 404)
    done = levada("run", "gap.yaml", "--date", DATE, "--json")
    assert done.returncode == 4
    runs = {run["stream"]: run for run in json.loads(done.stdout)["runs"]}
    assert [run["outcome"] for run in runs.values()] == ["done", "partial", "partial"]
    (gap,) = runs["comments"]["gaps"]
    assert (gap["where"], gap["status"], gap["url"]) == ("row 3 (id=3)", 404, f"{api.url}/posts/3/comments")
    assert runs["likes"]["gaps"][0]["where"] == "rows of comments"


def test_what_is_partial_needs_a_word_to_replace_what_is_complete(levada, api):
    assert levada("run", "gap.yaml", "--date", DATE).returncode == 0
    api.wrong["/posts/2/comments"] = Said(None, 404)
    refused = levada("run", "gap.yaml", "--date", DATE, "--stream", "comments")
    assert refused.returncode == 3
    assert "came with 1 gap: row 2 (id=2)" in refused.stderr
    assert "--accept-partial" in refused.stderr
    accepted = levada("run", "gap.yaml", "--date", DATE, "--stream", "comments", "--accept-partial")
    assert accepted.returncode == 4
    again = levada("replay", "gap.yaml", "--date", DATE, "--stream", "comments")
    assert (again.returncode, "partial" in again.stdout) == (4, True)
    api.wrong.clear()
    assert levada("run", "gap.yaml", "--date", DATE, "--missing", "--stream", "comments").returncode == 0


@pytest.mark.parametrize("as_json", [False, True])
def test_children_of_what_failed_are_not_tried_and_that_is_told(levada, api, as_json):
    api.wrong["/posts"] = {"nothing": "of the kind"}
    done = levada("run", "stop.yaml", "--date", DATE, *(["--json"] if as_json else []))
    assert done.returncode == 3
    assert {asked.path for asked in api.seen} == {"/posts"}
    if as_json:
        assert [each["stream"] for each in json.loads(done.stdout)["not_tried"]] == ["comments", "likes"]
    else:
        assert f"levada: forum/comments {DATE} was not tried: it is made from posts" in done.stderr
        assert f"levada: forum/likes {DATE} was not tried: it is made from comments" in done.stderr


def test_other_dates_are_tried_whatever_failed(levada, api):
    api.wrong["/posts/2/comments"] = "no JSON"
    done = levada("run", "stop.yaml", "--from", "2022-08-09", "--to", "2022-08-11")
    assert done.returncode == 3
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [
        f"forum/posts {date}" for date in ("2022-08-09", "2022-08-10")
    ]
    assert done.stderr.count("row 2 (id=2)") == 2
    assert done.stderr.count("was not tried: it is made from comments") == 2


def test_a_child_alone_says_what_to_run_first(levada, api):
    done = levada("run", "stop.yaml", "--date", DATE, "--stream", "comments")
    assert (done.returncode, api.seen) == (2, [])
    assert f"nothing of posts is committed for {DATE}" in done.stderr
    command = done.stderr.partition("run posts first: levada ")[2].strip()
    assert levada(*command.split()).returncode == 0
    assert levada("run", "stop.yaml", "--date", DATE, "--stream", "comments").returncode == 0
