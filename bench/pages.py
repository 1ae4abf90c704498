"""Many pages: how much of the waiting for them is done at once, and what a page costs beside it.

    python bench/pages.py [--dlt PYTHON]

1. 200 pages that take 100 ms each, and nobody says how many there are; 16 requests at a time. The ideal is
   ceil(201 / 16) times 100 ms: the answer that says "no more" is a request too.
2. 500 pages of 1,000 records without latency, landed, checked and staged as Avro, 8 requests at a time.

Prints whole-process seconds of one run, the run's own seconds once the process has begun (the second of two days in
one process: Python's imports are a cost of starting, and `startup.py` has them), and ratios of the same sitting: median
of three, in turn. With a Python that has `dlt[parquet]`, dlt does the same work in the same turns. Asserts the rows and
the number of requests.
"""

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from channel import rows_in, timed

HERE = Path(__file__).parent
TURNS = 3
SPEC = """pipeline: bench
source:
  url: {url}
  limits: {{concurrency: {concurrency}}}
streams:
  sales:
    request: {{path: /sales}}
    paging: {{by: page}}
    responses: [{{status: 404, means: end}}]
"""
STAGED = """    contract:
      fields: {client: string, purchase_date: date, product: string, price: int32}
    stage:
      avro: stg/sales/{date}/sales_{date}_{page}.avro
"""


@contextmanager
def serving(rows: int, size: int, latency: int) -> Iterator[str]:
    """The URL of a page server."""
    command = [sys.executable, HERE / "page_server.py", str(rows), str(size), str(latency)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()


def levada(spec: str, folder: Path, *dates: str) -> tuple[float, dict[str, object]]:
    """Seconds of the process, and its last run."""
    path = folder / "bench.yaml"
    path.write_text(spec)
    command = [sys.executable, "-m", "levada", "run", path, *dates, "--json"]
    seconds, _ = timed(["sh", "-c", f"{' '.join(map(str, command))} > {folder / 'run.json'}"], {})
    return seconds, json.loads((folder / "run.json").read_text())["runs"][-1]


def check(run: dict[str, object], pages: int, rows: int) -> None:
    """Fail unless a run brought everything, and asked for little more."""
    assert (run["pages"], run["counts"]["read"]) == (pages, rows), run  # type: ignore[index]
    assert pages < int(str(run["requests"])) <= pages + 16, run


def turns(rows: int, size: int, latency: int, spec: str, peer: str | None) -> dict[str, list[float]]:
    """Both, in turn, three times."""
    found: dict[str, list[float]] = {"process": [], "run": [], "dlt": []}
    pages = math.ceil(rows / size)
    for _ in range(TURNS):
        with serving(rows, size, latency) as url, tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            process, run = levada(spec.replace("{url}", url), folder, "--date", "2022-08-09")
            check(run, pages, rows)
            if "stage:" in spec:
                assert rows_in(folder / "lake") == rows
            _, second = levada(spec.replace("{url}", url), folder, "--from", "2022-08-09", "--to", "2022-08-11")
            check(second, pages, rows)
            found["process"].append(process)
            found["run"].append(float(str(second["seconds"])))
            if peer:
                found["dlt"].append(timed([peer, HERE / "peer_dlt.py", url, folder / "dlt"], {})[0])
            shutil.rmtree(folder / "lake")
    return found


def told(title: str, found: dict[str, list[float]], ideal: float | None = None) -> None:
    """Print one table."""
    median = {who: statistics.median(seconds) for who, seconds in found.items() if seconds}
    print(title)
    print(f"  levada   {median['process']:6.2f} s in all, {median['run']:6.2f} s the run itself, once begun")
    if ideal:
        print(f"  ideal    {ideal:6.2f} s: run / ideal {median['run'] / ideal:.2f}")
    if "dlt" in median:
        print(f"  dlt      {median['dlt']:6.2f} s in all: dlt / levada {median['dlt'] / median['process']:.1f}")


def main() -> None:
    """Measure and print both works."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--dlt", metavar="PYTHON", help="a Python that has dlt[parquet]")
    peer = arguments.parse_args().dlt
    waiting = SPEC.replace("{concurrency}", "16").replace("{{", "{").replace("}}", "}")
    told(
        "200 pages of 100 rows, 100 ms each, end unknown, 16 at once",
        turns(20_000, 100, 100, waiting, peer),
        math.ceil(201 / 16) * 0.1,
    )
    volume = (SPEC + STAGED).replace("{concurrency}", "8").replace("{{", "{").replace("}}", "}")
    told("500 pages of 1,000 rows, no latency, 8 at once", turns(500_000, 1000, 0, volume, peer))


if __name__ == "__main__":
    main()
