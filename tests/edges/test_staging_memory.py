"""A million rows go into one file in little memory: in a process of its own, which tells its peak."""

import subprocess
import sys
from pathlib import Path

MILLION = 1_000_000
#: MB; what pyarrow takes when it is loaded is 90 of them.
MOST = 300
PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from levada.staging import How, writer
from staged import PLAIN, output
with open(sys.argv[2], "wb") as file, writer(file, PLAIN, How("sales", "shop", output(sys.argv[1]))) as taking:
    from datetime import date
    for start in range(0, {rows}, 5000):
        taking.write([
            {{"name": f"client {{n}}", "n": n, "share": n / 7, "day": date(2022, 8, 9), "ok": True}}
            for n in range(start, start + 5000)
        ])
# Not ru_maxrss, which begins with what the process that started this one had.
(peak,) = (line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak) // 1024)
"""


def test_a_million_rows_are_staged_in_little_memory(tmp_path):
    program = PROGRAM.format(tests=str(Path(__file__).parents[1]), rows=MILLION)
    command = [sys.executable, "-c", program, "parquet", str(tmp_path / "x")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert int(done.stdout) < MOST
    assert (tmp_path / "x").stat().st_size > MILLION
