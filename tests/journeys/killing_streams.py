"""Kill runs of incremental streams and of children before every STEP-th change of the disk: a script.

    python killing_streams.py MODE FOLDER STEP     with the folder of patience.py on PYTHONPATH

MODE: news (an interval after another one), gap (an interval that was read with a gap is read again), children. Prints
one JSON object with what it did, or fails with an AssertionError that says what was lost.
"""

import io
import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import fastavro
from killing import Deadly, child, copied

from levada.edges import Edges, FixedClock
from levada.lake.calls import Calls
from levada.lake.disk import DiskStore
from levada.lake.status import status
from levada.pipeline import Pipeline
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.read import read_text

HEAD = """
pipeline: shop
source: {url: "http://api.test", retry: {attempts: 1}}
streams:
"""
ORDERS = """
  orders:
    request: {path: /orders, params: {since: "{start}", until: "{end}"}}
    paging: {by: page, ahead: off}
    responses: [{status: 418, means: skip}]
    incremental: {cursor: $.at, start: "2022-08-01"}
    contract: {fields: {id: string, at: string}}
    stage: {avro: "stg/{partition}.avro"}
"""
CHILDREN = """
  posts: {request: {path: /posts}, raw: none}
  orders:
    for_each: {row_of: posts, add: {post: id}, failing: gap}
    request: {path: "/{row.id}"}
    paging: {by: page, ahead: off}
    contract: {fields: {id: string, post: int64}}
    stage: {avro: "stg/{partition}.avro"}
"""
NOON = datetime(2022, 8, 12, 12, tzinfo=UTC)


def at(*minutes: int) -> list[dict]:
    return [{"id": f"o{minute}", "at": f"2022-08-12T11:{minute:02}:00Z"} for minute in minutes]


BEFORE, NEWS = [at(1), at(2)], [at(2, 3), at(4, 5), at(6)]


class Lake:
    """A lake that is killed again and again, and what its API says."""

    def __init__(self, folder: Path, mode: str) -> None:
        self.folder, self.children = folder, mode == "children"
        self.pages, self.skipped = BEFORE, 0

    def run(self, lake: Path, minutes: int, calls: Calls | None = None) -> None:
        edges = Edges(clock=FixedClock(NOON + timedelta(minutes=minutes)), environment={}, network=self.wire)
        spec = read_text(HEAD + (CHILDREN if self.children else ORDERS), "shop.yaml", {}, lake=str(lake))
        Pipeline(spec, DiskStore(lake, calls), edges).run(date="2022-08-09" if self.children else None)

    def wire(self) -> ScriptedWire:
        return ScriptedWire(lambda call, _: Reply(self._said(urlsplit(call.url).path, call.url)))

    def _said(self, path: str, url: str):
        page = int(dict(parse_qsl(urlsplit(url).query)).get("page", "1"))
        with Path("asked").open("a") as log:
            log.write(f"{path} {page}\n")
        if page == self.skipped:
            return answer(418, b"no")
        if path == "/posts":
            found = [{"id": 1}, {"id": 2}, {"id": 3}]
        elif self.children:
            found = [{"id": f"{path}-{page}"}] if page < 3 else []
        else:
            found = self.pages[page - 1] if page <= len(self.pages) else []
        return answer(200, json.dumps(found).encode())


def rows(lake: Path) -> list[tuple]:
    files = (io.BytesIO(path.read_bytes()) for path in lake.glob("stg/*.avro"))
    return sorted((row["id"], row.get("post", 0)) for file in files for row in fastavro.reader(file))


def durable(lake: Path) -> set[str]:
    """What the killed run had, and need not ask for again: answers in runs after those that were committed."""
    commits = [json.loads(path.read_bytes())["run"] for path in lake.glob("_levada/shop/orders/*/commit.json")]
    latest = max(commits, default="")
    facts = [path for path in lake.glob("_levada/shop/orders/*/runs/*/pages/*.json") if path.parts[-3] > latest]
    told = [urlsplit(json.loads(path.read_bytes())["url"]) for path in facts]
    return {f"{url.path} {dict(parse_qsl(url.query))['page']}" for url in told}


def requests() -> list[str]:
    found = Path("asked").read_text().splitlines()
    Path("asked").write_text("")
    return found


def prepared(folder: Path, mode: str) -> tuple[Lake, Path | None]:
    """What there is before the run that is killed."""
    lake, base = Lake(folder, mode), folder / "base"
    if mode == "children":
        return lake, None
    lake.run(base, 0)
    lake.pages = NEWS
    if mode == "gap":
        lake.skipped = 2
        lake.run(base, 5)
        lake.skipped = 0
    return lake, base


def killed(folder: Path, mode: str, step: int) -> dict:
    lake, base = prepared(folder, mode)

    def fresh(name: str) -> Path:
        return copied(base, folder / name) if base else folder / name

    counting, undisturbed = Deadly(0), fresh("undisturbed")
    lake.run(undisturbed, 10, counting)
    wanted, again = rows(undisturbed), 0
    assert len(wanted) == 6
    requests()
    changes = range(1, counting.count + 1, step)
    for number in changes:
        place = fresh(f"lake-{number}")
        assert child(lambda: lake.run(place, 10, Deadly(number))) == -signal.SIGKILL  # noqa: B023 - called at once
        had = durable(place)
        requests()
        assert child(lambda: lake.run(place, 11)) == 0  # noqa: B023
        twice = had & {*requests()}
        assert not twice, f"killed at change {number}: {twice} asked for again"
        assert child(lambda: lake.run(place, 12)) == 0  # noqa: B023
        assert rows(place) == wanted, f"killed at change {number}: other rows"
        states = {each.state for each in status(DiskStore(place))}
        assert states == {"done"}, f"killed at change {number}: {states}"
        again += bool(had)
    return {"kills": len(changes), "resumed": again}


def main() -> None:
    mode, folder, step = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    print(json.dumps(killed(folder, mode, step)))


if __name__ == "__main__":
    main()
