"""Many jobs at once, on one job server and on two of one root: whole folders, no mixture, each in its turn.

Jobs come together because the test has the leases of their folders until all requests are sent.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from filling import area, commit, durable, public, tree
from levada.edges import Edges
from levada.lake.lease import hold
from patience import PATIENCE, settles
from refusals import HELD_BACK, patient
from serving import Answer, Server, environment, serving
from simulated import SPEC, TOKEN, Api, api_of

HERE = Path(__file__).parent
DATES = ("2022-08-09", "2022-08-10", "2022-08-11")
#: Those whose records say their date; in the third the API has mixed it up.
GOOD_DATES = DATES[:2]
RAW, STG = "raw/sales/one", "stg/sales/one"
MANY = 20
PAGES = 4


@contextmanager
def waiting_server(api: Api, root: Path, wait: float = 10 * PATIENCE, spec: Path = SPEC) -> Iterator[Server]:
    """A job server in a process of its own whose jobs wait so many seconds for the turn of their folder."""
    command = [sys.executable, HERE / "killing_server.py", "serve", api.url, spec, root, json.dumps({"wait": wait})]
    given = {**environment(api.environment), "PYTHONPATH": str(HERE.parent)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=given)
    try:
        ports = json.loads(process.stdout.readline())
        yield Server(process, root, root, root, dict(zip(("land", "stage"), ports, strict=True)))
    finally:
        process.kill()
        process.wait(PATIENCE)
        process.stdout.close()


@pytest.fixture(params=[1, 2], ids=["one server", "two servers"])
def servers(request, api, lake) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        yield [stack.enter_context(waiting_server(api, lake)) for _ in range(request.param)]


@pytest.fixture(params=[1, 2], ids=["one server", "two servers"])
def servers_that(request, api, lake, tmp_path) -> Iterator[Callable[..., list[Server]]]:
    """Servers whose jobs wait for their turn so long, and ask the API again and again."""
    with ExitStack() as stack:
        yield lambda wait: [
            stack.enter_context(waiting_server(api, lake, wait, patient(tmp_path))) for _ in range(request.param)
        ]


@pytest.fixture(scope="module", autouse=True)
def thirty_seconds(tmp_path_factory) -> Iterator[Future[tuple[Answer, float]]]:
    """What `levada serve` says to a job whose turn does not come, and after how long; meanwhile other tests run."""
    root = tmp_path_factory.mktemp("waiting") / "lake"
    given = {"SALES_API_URL": "http://localhost:9", "AUTH_TOKEN": TOKEN}  # is not asked

    def asked() -> tuple[Answer, float]:
        began = time.monotonic()
        return server.land(DATES[0], root / RAW), time.monotonic() - began

    with ThreadPoolExecutor(1) as clients, serving(given, root) as server, hold(area(root, RAW), Edges()):
        yield clients.submit(asked)


@pytest.fixture(scope="module")
def single(tmp_path_factory) -> dict[tuple[str, str], dict[str, str]]:
    """(kind, date) -> what a folder holds after a single request."""
    root = tmp_path_factory.mktemp("single") / "lake"
    with contextmanager(api_of)() as api, serving(api.environment, root) as server:
        for date in DATES:
            assert server.land(date).status == 201
        for date in GOOD_DATES:
            assert server.stage(date).status == 201
        landed = {("land", date): tree(server.raw_dir(date)) for date in DATES}
        return {**landed, **{("stage", date): tree(server.stg_dir(date)) for date in GOOD_DATES}}


@dataclass(frozen=True)
class Job:
    """A request for a job."""

    kind: str
    date: str
    folder: str
    #: Of a stage job.
    raw: str = ""

    def body(self, root: Path) -> dict[str, str]:
        if self.kind == "land":
            return {"date": self.date, "raw_dir": str(root / self.folder)}
        return {"raw_dir": str(root / self.raw), "stg_dir": str(root / self.folder)}


def together(servers: Sequence[Server], jobs: Sequence[Job], holding: Iterable[str]) -> list[Answer]:
    """The answers to jobs that all servers take in turn; none can begin before all are sent."""
    with ThreadPoolExecutor(len(jobs)) as clients, ExitStack() as leases:
        for folder in holding:
            leases.enter_context(hold(area(servers[0].root, folder), Edges()))
        sent = threading.Barrier(len(jobs), leases.close)
        asked = [clients.submit(answered, servers[number % len(servers)], job, sent) for number, job in enumerate(jobs)]
        return [each.result() for each in asked]


def answered(server: Server, job: Job, sent: threading.Barrier) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.ports[job.kind], timeout=3 * PATIENCE)
    try:
        body = json.dumps(job.body(server.root))
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        sent.wait(PATIENCE)
        came = connection.getresponse()
        return Answer(came.status, {name.lower(): value for name, value in came.getheaders()}, came.read())
    finally:
        connection.close()


@contextmanager
def followed(root: Path, folder: str, good: Iterable[dict[str, str]]) -> Iterator[None]:
    """Two readers meanwhile, one with the folder open, one that goes by its commit record: neither sees a mixture."""
    states = root.parent / "good.json"
    states.write_text(json.dumps(list(good)))
    command = [sys.executable, HERE / "following.py"]
    given = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with ExitStack() as stack:
        readers = [
            stack.enter_context(subprocess.Popen([*command, mode, root, folder, states], text=True, env=given, **pipes))
            for mode in ("folder", "record")
        ]
        assert [reader.stdout.readline() for reader in readers] == ["ready\n", "ready\n"]
        yield
        for reader in readers:
            out, error = reader.communicate(timeout=PATIENCE)
            assert reader.returncode == 0, error
            assert int(out) > 0


def filled_before(root: Path, folder: str) -> dict[str, str]:
    """Make a folder with files of another tool, some under names that jobs use."""
    (root / folder).mkdir(parents=True)
    for name in (f"sales_{DATES[0]}_1.json", f"sales_{DATES[1]}_9.avro", "notes.txt"):
        (root / folder / name).write_text("not of a job")
    return tree(root / folder)


def all_done(answers: Sequence[Answer]) -> list[dict]:
    """The runs of jobs that all came to their end."""
    assert {answer.status for answer in answers} == {201}, [answer.body for answer in answers if answer.status != 201]
    return [answer.json["run"] for answer in answers]


def the_last_one_stands(root: Path, folder: str, runs: Sequence[dict], single: dict[tuple[str, str], dict]) -> None:
    """The folder holds what one of these runs made, and its record says so."""
    record = commit(root, folder)
    kind = {"landed": "land", "staged": "stage"}[record.level]
    assert tree(root / folder) == single[kind, record.partition]
    assert (record.shown, public(record)) == (True, set(single[kind, record.partition]))
    by_name = {run["run"]: run for run in runs}
    assert len(by_name) == len(runs), "two jobs were one run"
    assert by_name[record.run]["partition"] == record.partition


def test_20_jobs_of_three_dates_into_20_folders(servers, api, lake, single):
    jobs = [Job("land", DATES[number % 3], f"raw/sales/{number}") for number in range(MANY)]
    old = filled_before(lake, jobs[0].folder)
    with followed(lake, jobs[0].folder, [old, single["land", jobs[0].date]]):
        all_done(together(servers, jobs, [job.folder for job in jobs]))
    for job in jobs:
        assert tree(lake / job.folder) == single["land", job.date]
        assert (commit(lake, job.folder).partition, commit(lake, job.folder).shown) == (job.date, True)
    asked = Counter((entry["date"], entry["page"]) for entry in api.log() if entry["page"] <= PAGES + 1)
    wanted = Counter((job.date, page) for job in jobs for page in range(1, PAGES + 2))
    assert asked == wanted, "each job asks for each of its pages once"


def test_20_jobs_of_three_dates_into_one_folder(servers, lake, single):
    jobs = [Job("land", DATES[number % 3], RAW) for number in range(MANY)]
    old = filled_before(lake, RAW)
    with followed(lake, RAW, [old, *(single["land", date] for date in DATES)]):
        runs = all_done(together(servers, jobs, [RAW]))
    assert [run["partition"] for run in runs] == [job.date for job in jobs]
    the_last_one_stands(lake, RAW, runs, single)


def test_20_jobs_of_one_date_into_one_folder(servers, lake, single):
    old = filled_before(lake, RAW)
    with followed(lake, RAW, [old, single["land", DATES[0]]]):
        runs = all_done(together(servers, [Job("land", DATES[0], RAW)] * MANY, [RAW]))
    assert [run["changed"] for run in runs].count(True) == 1
    the_last_one_stands(lake, RAW, runs, single)


def test_20_stage_jobs_from_one_folder_into_20(servers, lake, single):
    assert servers[0].land(DATES[0], lake / RAW).status == 201
    jobs = [Job("stage", DATES[0], f"stg/sales/{number}", RAW) for number in range(MANY)]
    old = filled_before(lake, jobs[0].folder)
    with followed(lake, jobs[0].folder, [old, single["stage", DATES[0]]]):
        all_done(together(servers, jobs, [RAW]))
    assert all(tree(lake / job.folder) == single["stage", job.date] for job in jobs)
    assert tree(lake / RAW) == single["land", DATES[0]]


def test_20_stage_jobs_from_two_folders_into_one(servers, lake, single):
    for date in GOOD_DATES:
        assert servers[0].land(date).status == 201
    jobs = [Job("stage", date, STG, f"raw/sales/{date}") for date in GOOD_DATES * (MANY // 2)]
    old = filled_before(lake, STG)
    with followed(lake, STG, [old, *(single["stage", date] for date in GOOD_DATES)]):
        runs = all_done(together(servers, jobs, [STG]))
    assert [run["partition"] for run in runs] == [job.date for job in jobs]
    the_last_one_stands(lake, STG, runs, single)


def test_20_land_and_stage_jobs_of_one_raw_folder(servers, lake, single):
    """A stage job sees the raw files as they were before a land job, or after it; never some of both."""
    assert servers[0].land(DATES[0], lake / RAW).status == 201
    jobs = [Job("land", date, RAW) for date in GOOD_DATES * (MANY // 4)]
    jobs += [Job("stage", "", f"stg/sales/{number}", RAW) for number in range(MANY // 2)]
    # Each server gets some of both kinds, and they come mixed.
    mixed = [jobs[place * 7 % MANY] for place in range(MANY)]
    with followed(lake, RAW, [single["land", date] for date in GOOD_DATES]):
        runs = all_done(together(servers, mixed, [RAW]))
    for job, run in zip(mixed, runs, strict=True):
        if job.kind == "stage":
            assert tree(lake / job.folder) == single["stage", run["partition"]]
    the_last_one_stands(lake, RAW, [run for run in runs if run["level"] == "landed"], single)


@contextmanager
def held_up(servers: Sequence[Server], api: Api, lake: Path) -> Iterator[Future[Answer]]:
    """A land job on the first server that the API keeps from its end until the block is left."""
    api.fail(HELD_BACK)
    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(servers[0].land, DATES[0], lake / RAW)
        try:
            assert settles(lambda: durable(lake, RAW))
            yield first
        finally:
            api.forget()


def test_the_second_of_two_jobs_waits_for_its_turn(servers_that, lake, api, single):
    servers = servers_that(wait=10 * PATIENCE)
    with ThreadPoolExecutor(1) as clients:
        with held_up(servers, api, lake) as first:
            second = clients.submit(servers[-1].land, DATES[1], lake / RAW)
        assert (first.result().status, second.result().status) == (201, 201)
    assert tree(lake / RAW) in (single["land", DATES[0]], single["land", DATES[1]])
    assert tree(lake / RAW) == single["land", commit(lake, RAW).partition]


def test_a_job_that_waits_goes_on_where_a_killed_server_stopped(api, lake, tmp_path, single):
    spec = patient(tmp_path)
    with waiting_server(api, lake, spec=spec) as one, waiting_server(api, lake, spec=spec) as other:
        with ThreadPoolExecutor(1) as clients:
            with held_up([one], api, lake) as lost:
                waiting = clients.submit(other.land, DATES[0], lake / RAW)
                assert settles(lambda: durable(lake, RAW) == {1, 2, 3})
                assert one.stop(signal.SIGKILL) == -signal.SIGKILL
                with pytest.raises((http.client.HTTPException, ConnectionError)):
                    lost.result(PATIENCE)
            [run] = all_done([waiting.result()])
        assert (run["resumed"], run["pages"]) == (3, PAGES)
        assert tree(lake / RAW) == single["land", DATES[0]]


def test_a_job_whose_turn_does_not_come_is_told_so(servers_that, lake, api, single):
    servers = servers_that(wait=0.5)
    old = filled_before(lake, RAW)
    holder = f"process {servers[0].process.pid} on {socket.gethostname()}, since 20"
    with held_up(servers, api, lake) as first:
        for ask in (servers[-1].land, lambda day, raw: servers[-1].stage(day, raw=raw)):
            began = time.monotonic()
            refused = ask(DATES[1], lake / RAW)
            assert time.monotonic() - began >= 0.5
            told_of_the_other(refused, holder)
        assert tree(lake / RAW) == old
        assert not (lake / "stg").exists()
        assert not first.done()
    assert first.result().status == 201
    assert tree(lake / RAW) == single["land", DATES[0]]


def told_of_the_other(refused: Answer, holder: str) -> None:
    assert refused.status == 409, refused
    assert holder in refused.message
    assert RAW in refused.message
    assert refused.json["todo"] == "ask again when that job has ended"
    assert refused.json["kind"] == "LeaseHeld"
    assert int(refused.headers["retry-after"]) > 0


def test_clients_that_go_away_do_no_harm_to_their_jobs(servers, lake, single):
    jobs = [Job("land", date, f"raw/sales/{date}") for date in DATES]
    with ExitStack() as leases:
        for job in jobs:
            leases.enter_context(hold(area(lake, job.folder), Edges()))
            with servers[-1].connected("land") as connection:
                body = json.dumps(job.body(lake)).encode()
                head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
                connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
    for job in jobs:
        assert settles(lambda: tree(lake / job.folder) == single["land", job.date])  # noqa: B023 - called at once


def test_a_job_waits_30_seconds_for_its_turn(thirty_seconds):
    refused, seconds = thirty_seconds.result()
    told_of_the_other(refused, f"process {os.getpid()} on {socket.gethostname()}, since 20")
    assert seconds >= 30
