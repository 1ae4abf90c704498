"""Incremental streams as users meet them: real processes, a small API that grows, kills, two runs at once, the lake."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import fastavro
import pytest

from patience import HELD, PATIENCE, settles
from simulated import Levada
from webserver import Said, WebServer

SPEC = """
pipeline: shop
source: {{url: "{url}", retry: {{attempts: 1}}, limits: {{concurrency: 1}}}}
streams:
  orders:
    request: {{path: /orders, params: {{since: "{{start}}"}}}}
    paging: {{by: page, ahead: off, total_pages: {{header: X-Pages}}}}
    responses: [{{status: 418, means: skip}}]
    incremental: {incremental}
    contract: {{fields: {{id: string, at: {type}}}}}
    stage: {{avro: "stg/{{partition}}.avro"}}
"""
INSTANTS = '{cursor: $.at, start: "2022-08-01T00:00:00Z"}'
SIZE = 2


class Orders(WebServer):
    """Orders from `since` on, two a page; what a page says instead stands in `wrong`, pages in `held` never come."""

    def __init__(self):
        super().__init__(self._answer)
        self.orders = []
        self.order = lambda found: found
        self.after = lambda at, since: at >= since
        self.wrong = {}
        self.held = set()
        self.over = threading.Event()

    def __exit__(self, *error):
        self.over.set()
        super().__exit__(*error)

    def add(self, *orders):
        self.orders += [{"id": name, "at": at} for name, at in orders]

    def _answer(self, asked):
        page = asked.number("page", 1)
        if page in self.held:
            self.over.wait(HELD)
        if page in self.wrong:
            return self.wrong[page]
        since = asked.value("since") or ""
        found = self.order([order for order in self.orders if self.after(order["at"], since)])
        pages = max(1, -(-len(found) // SIZE))
        return Said(found[(page - 1) * SIZE : page * SIZE], headers=(("X-Pages", str(pages)),))

    @property
    def asked(self):
        """(since, page) of each request."""
        return [(one.value("since"), one.number("page", 0)) for one in self.seen]


@pytest.fixture
def api():
    with Orders() as orders:
        yield orders


@pytest.fixture
def levada(api, tmp_path):
    write(tmp_path, api)
    return Levada({}, tmp_path)


def write(folder, api, incremental=INSTANTS, kind="string"):
    (folder / "shop.yaml").write_text(SPEC.format(url=api.url, incremental=incremental, type=kind))


def ran(levada, *options, code=0, verb="run"):
    done = levada(verb, "shop.yaml", "--json", *options)
    assert done.returncode == code, done.stderr + done.stdout
    return json.loads(done.stdout)["runs"]


def records(lake: Path):
    """Interval -> its commit record."""
    found = {path.parent: json.loads(path.read_text()) for path in lake.glob("_levada/shop/orders/*/commit.json")}
    return {record["partition"]: record for record in found.values()}


def cursors(lake):
    return {key: (one["cursor"] or {}).get("value") for key, one in sorted(records(lake).items())}


def staged(lake):
    """Ids of all staged rows, sorted."""
    files = [path.read_bytes() for path in sorted(lake.glob("stg/*.avro"))]
    return sorted(row["id"] for data in files for row in fastavro.reader(io.BytesIO(data)))


def public(lake):
    paths = (path for path in lake.rglob("*") if path.is_file() and "_levada" not in path.relative_to(lake).parts)
    return {str(path.relative_to(lake)): path.read_bytes() for path in paths}


def unnamed(lake):
    """What a lake shows, intervals by their start alone."""
    return {re.sub(r"--[0-9T-]+", "", name): data for name, data in public(lake).items()}


def instants(*minutes, offset="Z"):
    return [(f"o{minute:02}", f"2022-08-12T11:{minute:02}:00{offset}") for minute in minutes]


def test_a_first_run_one_with_news_and_one_without(levada, api, tmp_path):
    lake = tmp_path / "lake"
    api.add(*instants(1, 2, 3))
    (first,) = ran(levada)
    assert (first["outcome"], first["counts"]["kept"]) == ("done", 3)
    assert first["partition"].startswith("2022-08-01T000000--")
    api.add(("o03b", "2022-08-12T11:03:00Z"), *instants(4))
    (second,) = ran(levada)
    assert (second["counts"]["kept"], second["counts"]["dropped"]) == (2, 1)
    assert staged(lake) == ["o01", "o02", "o03", "o03b", "o04"]
    before, commits = public(lake), records(lake)
    (third,) = ran(levada)
    assert (third["outcome"], third["changed"], third["counts"]["kept"]) == ("no data", False, 0)
    assert (public(lake), records(lake)) == (before, commits)
    starts = list(dict.fromkeys(since for since, _ in api.asked))
    assert starts == ["2022-08-01T00:00:00Z", "2022-08-12T11:03:00Z", "2022-08-12T11:04:00Z"]


def test_status_knows_intervals_and_gaps(levada, api, tmp_path):
    api.add(*instants(1, 2, 3, 4))
    api.wrong[2] = Said("teapot", 418)
    (partial,) = ran(levada, code=4)
    (told,) = json.loads(levada("status", "--json").stdout)
    assert (told["partition"], told["state"], told["gaps"][0]["where"]) == (partial["partition"], "partial", "page 2")
    assert f"shop/orders {partial['partition']}: 1 gap: page 2" in levada("status").stdout
    api.wrong.clear()
    (whole,) = ran(levada)
    (told,) = json.loads(levada("status", "--json").stdout)
    assert (told["partition"], told["state"], told["gaps"]) == (whole["partition"], "done", [])


def test_the_cursor_stays_before_a_gap_and_the_next_run_brings_everything(levada, api, tmp_path):
    lake = tmp_path / "lake"
    api.add(*instants(1, 2))
    ran(levada)
    api.add(*instants(3, 4, 5, 6))
    api.wrong[2] = Said("teapot", 418)
    (partial,) = ran(levada, code=4)
    assert (partial["outcome"], len(partial["gaps"]), cursors(lake)[partial["partition"]]) == ("partial", 1, None)
    api.add(*instants(7))
    (again,) = ran(levada, code=4)
    assert again["partition"] == partial["partition"]
    api.wrong.clear()
    api.forget()
    (whole,) = ran(levada)
    assert (whole["outcome"], whole["partition"]) == ("done", partial["partition"])
    assert {since for since, _ in api.asked} == {"2022-08-12T11:02:00Z"}
    assert staged(lake) == [f"o{minute:02}" for minute in range(1, 8)]
    assert cursors(lake)[whole["partition"]] == "2022-08-12T11:07:00Z"


def test_a_contract_that_is_broken_moves_no_cursor(levada, api, tmp_path):
    lake = tmp_path / "lake"
    api.add(*instants(1))
    ran(levada)
    before = cursors(lake)
    api.orders.append({"id": 5, "at": "2022-08-12T11:02:00Z"})
    (levada.folder / "shop.yaml").write_text(
        (levada.folder / "shop.yaml").read_text().replace("contract: {", "contract: {max_bad: 0, ")
    )
    failed = levada("run", "shop.yaml")
    assert failed.returncode == 3, failed.stderr
    assert cursors(lake) == before
    api.orders[-1]["id"] = "o02"
    api.forget()
    ran(levada)
    assert {since for since, _ in api.asked} == {"2022-08-12T11:01:00Z"}
    assert staged(lake) == ["o01", "o02"]


def test_an_interval_that_is_named_does_not_move_the_cursor(levada, api, tmp_path):
    lake = tmp_path / "lake"
    api.add(*instants(1, 2, 3))
    (first,) = ran(levada)
    (named,) = ran(levada, "--from", "2022-08-12T11:00:00Z", "--to", "2022-08-12T13:03:00+02:00")
    assert named["partition"] == "2022-08-12T110000--2022-08-12T110300"
    assert named["counts"]["kept"] == 2
    assert cursors(lake) == {first["partition"]: "2022-08-12T11:03:00Z", named["partition"]: None}
    api.forget()
    assert ran(levada)[0]["outcome"] == "no data"
    assert {since for since, _ in api.asked} == {"2022-08-12T11:03:00Z"}
    api.forget()
    (again,) = ran(levada, "--date", named["partition"])
    assert (again["changed"], {since for since, _ in api.asked}) == (False, {"2022-08-12T11:00:00Z"})


@pytest.mark.parametrize(
    ("incremental", "came", "found"),
    [
        (
            '{cursor: $.at, start: "2022-08-01T00:00:00Z", lookback: 1h}',
            ([("a", "2022-08-12T13:30:00+02:00")], [("b", "2022-08-12T10:30:00Z"), ("c", "2022-08-12T10:29:59Z")]),
            ("2022-08-12T12:30:00+02:00", ["a", "b"]),
        ),
        (
            '{cursor: $.at, start: "2022-08-01T00:00:00Z", end: "2022-08-12T11:30:00Z"}',
            (
                [("a", "2022-08-12T11:00:00Z"), ("b", "2022-08-12T13:30:00+02:00")],
                [("c", "2022-08-12T13:29:59+02:00"), ("d", "2022-08-12T11:31:00Z")],
            ),
            ("2022-08-12T11:00:00Z", ["a", "c"]),
        ),
        ("{cursor: $.at, type: text, start: a}", ([("a", "b"), ("z", "B")], [("b", "ba"), ("c", "b")]),
         ("b", ["a", "b", "c"])),
        ("{cursor: $.at, type: number, start: 5}", ([("a", "9"), ("b", "10"), ("z", "4")], [("c", "10.5"), ("d", "9")]),
         ("10", ["a", "b", "c"])),
    ],
    ids=["lookback", "end", "text", "number"],
)  # fmt: skip
def test_cursors_of_every_kind(levada, api, incremental, came, found):
    write(levada.folder, api, incremental)
    api.after = lambda *_: True  # an API that gives more than it is asked for
    api.add(*came[0])
    ran(levada)
    api.add(*came[1])
    api.forget()
    ran(levada)
    assert ({since for since, _ in api.asked}, staged(levada.folder / "lake")) == ({found[0]}, found[1])


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_reading_stops_where_an_ordered_api_leaves_the_interval(levada, api, tmp_path, order):
    begins, ends = "2022-08-12T11:06:00Z", "2022-08-12T11:05:00Z"
    how = f'start: "{begins}"' if order == "desc" else f'start: "2022-08-01T00:00:00Z", end: "{ends}"'
    down = order == "desc"
    write(tmp_path, api, f"{{cursor: $.at, {how}, order: {order}}}")
    api.after = lambda *_: True
    api.order = lambda found: sorted(found, key=lambda order: order["at"], reverse=down)
    api.add(*instants(*range(1, 10)))
    ran(levada)
    assert [page for _, page in api.asked] == [1, 2, 3]  # of five
    minutes = range(6, 10) if down else range(1, 5)
    assert staged(tmp_path / "lake") == [f"o{minute:02}" for minute in minutes]


@pytest.fixture
def background(levada):
    """Start `levada run` and leave it running; killed at the end if nobody did."""
    processes = []

    def start(*options):
        command = [sys.executable, "-m", "levada", "run", "shop.yaml", *options]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen(command, cwd=levada.folder, env=os.environ, **pipes))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate(timeout=PATIENCE)


def test_killed_in_the_middle_the_next_run_asks_for_the_rest_of_the_same_interval(levada, api, tmp_path, background):
    lake, undisturbed = tmp_path / "lake", tmp_path / "undisturbed"
    api.add(*instants(1))
    ran(levada)
    ran(levada, "--lake", undisturbed)
    api.add(*instants(2, 3, 4, 5, 6, 7))
    api.held.add(3)
    process = background()
    assert settles(lambda: len(list(lake.glob("_levada/shop/orders/*/runs/*/pages/2.json"))) == 1)
    process.send_signal(signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL
    (killed,) = {path.parts[-5] for path in lake.glob("_levada/shop/orders/*/runs/*/pages/2.json")}
    assert len(cursors(lake)) == 1
    api.held.clear()
    api.forget()
    (done,) = ran(levada)
    assert (done["partition"], done["resumed"]) == (killed, 2)
    assert api.asked == [("2022-08-12T11:01:00Z", page) for page in (3, 4)]
    (whole,) = ran(levada, "--lake", undisturbed)
    assert staged(lake) == staged(undisturbed)
    assert unnamed(lake) == unnamed(undisturbed)
    mine, its = records(lake)[done["partition"]], records(undisturbed)[whole["partition"]]
    assert (mine["cursor"], mine["since"], mine["counts"]) == (its["cursor"], its["since"], its["counts"])


def test_two_runs_at_once_never_move_one_cursor(levada, api, tmp_path, background):
    lake = tmp_path / "lake"
    api.add(*instants(1, 2, 3, 4))
    api.held.add(2)
    first = background()
    assert settles(lambda: ("2022-08-01T00:00:00Z", 2) in api.asked)
    second = levada("run", "shop.yaml")
    assert second.returncode == 75
    assert f"another run holds shop/orders: process {first.pid}" in second.stderr
    waiting = background("--wait", "60s")
    api.over.set()
    assert (first.wait(PATIENCE), waiting.wait(PATIENCE)) == (0, 0)
    assert staged(lake) == ["o01", "o02", "o03", "o04"]
    assert list(cursors(lake).values()) == ["2022-08-12T11:04:00Z"]


def test_intervals_are_replayed_byte_for_byte_without_a_request(levada, api, tmp_path):
    lake = tmp_path / "lake"
    for minutes in ((1, 2, 3), (3, 4, 5)):
        api.add(*[(f"{name}-{len(api.orders)}", at) for name, at in instants(*minutes)])
        ran(levada)
    before, commits = public(lake), records(lake)
    other = (tmp_path / "shop.yaml").read_text().replace("id: string", "id: {type: string, enum: [o01-0, o03-3]}")
    (tmp_path / "shop.yaml").write_text(other)
    api.forget()
    assert levada("replay", "shop.yaml").returncode == 0
    assert staged(lake) == ["o01-0", "o03-3"]
    write(tmp_path, api)
    done = ran(levada, verb="replay")
    assert [run["partition"] for run in done] == sorted(commits)
    assert (public(lake), api.seen) == (before, [])
    assert {key: one["cursor"] for key, one in records(lake).items()} == {
        key: one["cursor"] for key, one in commits.items()
    }
