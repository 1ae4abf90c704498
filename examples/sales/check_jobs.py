"""Asks job1 and job2 for the sales of one date, then counts the rows that came out; works from any folder.

export BASE_DIR=/path/to/my_dir
python check_jobs.py
"""

import json
import os
import sys
import time
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import fastavro

DATE = "2022-08-09"
#: Longer than a job waits for another one, and an API for its limits.
TIMEOUT = 600.0
CREATED = 201


def main() -> None:
    """Land, wait, stage, count; leaves with 1 and a reason where something is not as it should be."""
    base = os.environ.get("BASE_DIR")
    if not base:
        sys.exit("BASE_DIR is not set: export BASE_DIR=/path/to/my_dir, the folder that the servers work below")
    raw, stg = (Path(base).absolute() / level / "sales" / DATE for level in ("raw", "stg"))
    post("job1", os.environ.get("JOB1_PORT", "8081"), {"date": DATE, "raw_dir": str(raw)})
    time.sleep(3)
    post("job2", os.environ.get("JOB2_PORT", "8082"), {"raw_dir": str(raw), "stg_dir": str(stg)})
    print(f"{rows(stg)} rows in {stg}")


def post(job: str, port: str, parameters: dict[str, str]) -> None:
    """Ask a server for a job; leave if it is not done."""
    url = f"http://localhost:{port}/"
    request = Request(url, json.dumps(parameters).encode(), {"Content-Type": "application/json"})
    try:
        # Not by a proxy: http_proxy is often set without an exception for localhost.
        with build_opener(ProxyHandler({})).open(request, timeout=TIMEOUT) as answer:
            status, body = answer.status, answer.read()
    except HTTPError as error:
        status, body = error.code, error.read()
    except (URLError, OSError) as error:
        sys.exit(f"{job}: no server answers at {url} ({error}); start it in another terminal, see README.md")
    if status != CREATED:
        sys.exit(f"{job}: {status} instead of {CREATED}: {body.decode(errors='replace').strip()}")
    print(f"{job}: {json.loads(body)['message']}")


def rows(folder: Path) -> int:
    """How many records fastavro's own reader finds in the Avro files of a folder."""
    count = 0
    for path in sorted(folder.glob("*.avro")):
        with path.open("rb") as file:
            count += sum(1 for _ in fastavro.reader(file))
    return count


if __name__ == "__main__":
    main()
