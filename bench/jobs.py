"""Jobs over HTTP: `levada serve`, with every check and commit it has, against the two jobs as a student writes them.

    python bench/jobs.py [ROWS] [PAGE_SIZE] [LATENCY_MS] [JOBS]

Prints seconds for a land job and a stage job, one after the other and 8 at once, each median of the jobs, and the ratio
of the same sitting. Asserts the rows.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from channel import rows_in

HERE = Path(__file__).parent
SPEC = HERE.parent / "examples" / "sales" / "pipeline.yaml"
DATE = "2022-08-09"
AT_ONCE = 8
#: Where both pairs of jobs are: who -> (land URL, stage URL).
Servers = dict[str, tuple[str, str]]


def post(url: str, body: dict[str, str]) -> float:
    """Seconds of a job that must succeed."""
    asked = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    began = time.perf_counter()
    with urllib.request.urlopen(asked) as answer:
        assert answer.status == HTTPStatus.CREATED, url
        answer.read()
    return time.perf_counter() - began


def jobs(urls: tuple[str, str], root: Path, count: int, workers: int) -> tuple[float, float]:
    """Median seconds of a land job and of a stage job, each into a folder of its own."""
    folders = [(str(root / f"raw/{n}" / DATE), str(root / f"stg/{n}" / DATE)) for n in range(count)]
    with ThreadPoolExecutor(workers) as pool:
        land = list(pool.map(lambda pair: post(urls[0], {"date": DATE, "raw_dir": pair[0]}), folders))
        stage = list(pool.map(lambda pair: post(urls[1], {"raw_dir": pair[0], "stg_dir": pair[1]}), folders))
    return statistics.median(land), statistics.median(stage)


@contextmanager
def started(command: list[object], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process while the block lasts."""
    full = {**os.environ, **environment}
    arguments = [str(part) for part in command]
    process = subprocess.Popen(arguments, env=full, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def line(process: subprocess.Popen[str]) -> str:
    """The next line that a process prints."""
    assert process.stdout
    return process.stdout.readline().strip()


def reached(url: str) -> None:
    """Wait until a server answers anything."""
    while True:
        try:
            urllib.request.urlopen(url).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def compare(servers: Servers, base: Path, count: int, rows: int) -> None:
    """Both ways, one at a time and several at once."""
    for workers in (1, AT_ONCE):
        took = {}
        for who, urls in servers.items():
            root = base / who / str(workers)
            jobs(urls, root / "warm", 2, 1)
            took[who] = jobs(urls, root / "timed", count, workers)
            assert rows_in(root / "timed") == rows * count, who
        for number, kind in enumerate(("land", "stage")):
            levada, hand = took["levada"][number], took["by hand"][number]
            ratio = f"levada / by hand {levada / hand:.2f}"
            print(f"  {kind:5} {workers} at once: {levada * 1000:7.1f} ms, by hand {hand * 1000:7.1f} ms, {ratio}")


def main(rows: int = 338, size: int = 100, latency: int = 0, count: int = 40) -> None:
    """Start the servers, measure, print."""
    page_server = [sys.executable, HERE / "page_server.py", rows, size, latency]
    with tempfile.TemporaryDirectory() as root, started(page_server, {}) as api:
        url = line(api)
        environment = {"SALES_API_URL": url, "AUTH_TOKEN": "bench-token"}
        serve = [sys.executable, "-m", "levada", "serve", SPEC, "--root", root, "--port", 0]
        port = free_port()
        by_hand = [sys.executable, HERE / "jobs_by_hand.py", url, port]
        with started(serve, environment) as levada, started(by_hand, environment):
            both = [line(levada).split()[3] for _ in range(2)]
            reached(f"http://127.0.0.1:{port}/")
            print(f"{rows} rows, {size} a page, {latency} ms latency, median of {count} jobs")
            hand = (f"http://127.0.0.1:{port}/land", f"http://127.0.0.1:{port}/stage")
            compare({"levada": (both[0], both[1]), "by hand": hand}, Path(root), count, rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
