"""Job servers and what is not whole: a 201 that lists gaps, children, streams that no folder can be filled from."""

import pytest

from serving import DAY, serving
from simulated import Levada
from webserver import Said, WebServer

SPEC = """
pipeline: forum
MORE
source: {url: "URL", retry: {attempts: 1}}
streams:
  posts:
    request: {path: /posts, params: {date: "{date}"}}
    paging: {by: page, total_pages: $.pages}
    records: $.posts
    responses: [{status: 418, means: skip}]
    raw: "raw/{date}/{page}.json"
    contract: {fields: {id: int64}}
    stage: {avro: "stg/{date}/{page}.avro"}
  comments:
    for_each: {row_of: posts, failing: gap}
    request: {path: "/posts/{row.id}/comments"}
    raw: "comments/{date}/{row.id}.json"
"""


class Forum(WebServer):
    """Three pages of two posts, and a comment for each."""

    def __init__(self):
        super().__init__(self._answer)
        self.wrong = {}

    def _answer(self, asked):
        page = asked.number("page", 1)
        if (asked.path, page) in self.wrong:
            return self.wrong[asked.path, page]
        if asked.path == "/posts":
            return {"pages": 3, "posts": [{"id": 2 * page}, {"id": 2 * page + 1}]}
        return [{"on": asked.path}]


@pytest.fixture
def api():
    with Forum() as forum:
        yield forum


def written(tmp_path, api, more=""):
    spec = tmp_path / "forum.yaml"
    spec.write_text(SPEC.replace("URL", api.url).replace("MORE\n", more))
    return spec


def test_gaps_are_told_with_201_and_stay_with_what_is_staged(api, tmp_path):
    root = tmp_path / "root"
    api.wrong["/posts", 2] = Said({"message": "I am a teapot"}, 418)
    with serving({}, root, "--stream", "posts", spec=written(tmp_path, api)) as server:
        folders = {"date": DAY, "raw_dir": str(root / "raw" / DAY), "stg_dir": str(root / "stg" / DAY)}
        landed = server.post("land", {name: folders[name] for name in ("date", "raw_dir")})
        assert (landed.status, landed.json["run"]["outcome"]) == (201, "partial")
        assert [(gap["where"], gap["status"]) for gap in landed.json["gaps"]] == [("page 2", 418)]
        staged = server.post("stage", {name: folders[name] for name in ("raw_dir", "stg_dir")})
        assert (staged.status, staged.json["gaps"]) == (201, landed.json["gaps"])
        api.wrong.clear()
        whole = server.post("land", {name: folders[name] for name in ("date", "raw_dir")})
        assert (whole.status, "gaps" in whole.json, whole.json["run"]["counts"]["read"]) == (201, False, 6)
        api.wrong["/posts", 2] = Said({"message": "I am a teapot"}, 418)
        refused = server.post("land", {name: folders[name] for name in ("date", "raw_dir")})
        assert (refused.status, refused.json["kind"]) == (502, "ContractBroken")
        assert "came with 1 gap: page 2" in refused.message
        assert len(list((root / "raw" / DAY).iterdir())) == 3


def test_children_fill_a_folder_by_the_rows_that_a_run_committed(api, tmp_path):
    root, spec = tmp_path / "root", written(tmp_path, api)
    with serving({}, root, "--stream", "comments", "--job", "land", spec=spec) as server:
        asked = {"date": DAY, "raw_dir": str(root / "comments" / DAY)}
        early = server.post("land", asked)
        assert (early.status, early.json["kind"]) == (400, "FixThis")
        assert f"nothing of posts is committed for {DAY}" in early.message
        assert Levada({}, tmp_path)("run", spec, "--date", DAY, "--stream", "posts", "--lake", root).returncode == 0
        api.wrong["/posts/4/comments", 1] = Said(None, 404)
        done = server.post("land", asked)
        assert (done.status, [gap["where"] for gap in done.json["gaps"]]) == (201, ["row 3 (id=4)"])
        names = {path.name for path in (root / "comments" / DAY).iterdir()}
        assert names == {f"{number}.json" for number in (2, 3, 5, 6, 7)}


def test_a_spec_without_days_of_utc_starts_no_server(api, tmp_path):
    spec = written(tmp_path, api, "partition: {by: week}\n")
    told = Levada({}, tmp_path)("serve", spec, "--root", tmp_path / "root", "--stream", "posts", "--port", "0")
    assert told.returncode == 2
    assert "A job fills a folder with a day of UTC, and a partition of stream posts is one week." in told.stderr
