"""Files of any size are read in little memory: each in a process of its own, which tells its peak."""

import subprocess
import sys

#: MB that are read, and those that it may take: Python and the libraries alone take 28.
READ, MOST = 30, 50
PROGRAM = f"""
import io
from pathlib import Path
from levada.nouns import Format, Records
from levada.records.portions import count, portions

class Made(io.RawIOBase):
    def __init__(self, row):
        self.left, self.row, self.rows = b"id|text\\n", row, rows
    def readable(self):
        return True
    def read(self, size=-1):
        more = min(self.rows, size // len(self.row) + 1)
        self.left, self.rows = self.left + self.row * more, self.rows - more
        given, self.left = self.left[:size], self.left[size:]
        return given

row = b'1|"' + b"a line of a long text\\n" * 1000 + b'"\\n'
rows = {READ} * 1_000_000 // len(row)
records = Records(format=Format("csv", delimiter="|"))
read = sum(portion.read for portion in portions(Made(row), records, "", 1 << 28))
assert read == count(Made(row), records, "", 1 << 28) == rows, read
# Not ru_maxrss, which begins with what the process that started this one had.
(peak,) = (line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak) // 1024)
"""


def test_a_csv_of_quoted_line_breaks_is_read_in_little_memory():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < MOST
