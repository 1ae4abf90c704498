"""API -> raw JSON + contract + Avro: Levada, with every check and commit it has, against a script written by hand.

    python bench/channel.py [ROWS] [PAGE_SIZE] [LATENCY_MS]

Prints whole-process seconds, peak memory and the ratio of the same sitting: median of three, in turn. Asserts the rows.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fastavro

HERE = Path(__file__).parent
SPEC = HERE.parent / "examples" / "sales" / "pipeline.yaml"
TURNS = 3


def timed(command: list[object], environment: dict[str, str]) -> tuple[float, int]:
    """Wall seconds and peak MB of a process that must succeed."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command], env={**os.environ, **environment}, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return time.perf_counter() - began, usage.ru_maxrss // 1024


def rows_in(folder: Path) -> int:
    """Records in all Avro files of a folder."""
    total = 0
    for path in folder.rglob("*.avro"):
        if "_levada" not in path.parts:
            with path.open("rb") as file:
                total += sum(1 for _ in fastavro.reader(file))
    return total


def measure(url: str, rows: int) -> dict[str, list[tuple[float, int]]]:
    """Both ways, in turn."""
    environment = {"SALES_API_URL": url, "AUTH_TOKEN": "bench-token"}
    results: dict[str, list[tuple[float, int]]] = {"levada": [], "by hand": []}
    for turn in range(TURNS):
        folder = Path(tempfile.mkdtemp())
        levada = [sys.executable, "-m", "levada", "run", SPEC, "--date", "2022-08-09", "--lake", folder / "lake"]
        results["levada"].append(timed(levada, environment))
        results["by hand"].append(timed([sys.executable, HERE / "by_hand.py", url, folder / "hand"], environment))
        if turn == 0:
            assert rows_in(folder / "lake") == rows_in(folder / "hand") == rows
        shutil.rmtree(folder)
    return results


def main(rows: int = 200_000, size: int = 1000, latency: int = 0) -> None:
    """Start the server, measure, print."""
    command = [sys.executable, HERE / "page_server.py", str(rows), str(size), str(latency)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        results = measure(server.stdout.readline().strip(), rows)
    finally:
        server.kill()
        server.wait()
    median = {who: statistics.median(seconds for seconds, _ in turns) for who, turns in results.items()}
    print(f"{rows} rows, {size} a page, {latency} ms latency, median of {TURNS}")
    for who, turns in results.items():
        print(
            f"  {who:8} {median[who]:6.2f} s  {rows / median[who]:9,.0f} rows/s  peak {max(mb for _, mb in turns)} MB"
        )
    print(f"  levada / by hand: {median['levada'] / median['by hand']:.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
