"""What staging costs: checked rows -> a file of each format, beside a library that does not look at the rows.

    python bench/staging.py [ROWS]

Levada looks at keys and types of every row before it writes, and cuts batches so that reruns are the same bytes. Both
sides have the same rows in memory, three times by turns, on one thread; the least processor time of each counts, and
the ratio is Levada's over the other's. The number of rows in each file is asserted.
"""

import csv
import io
import json
import sys
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from levada.contract.model import Contract, Field
from levada.nouns import Place
from levada.spec.model import Output, OutputFormat
from levada.spec.template import parse
from levada.staging import How, rows_of, writer

PAGE = 1000
CONTRACT = Contract(
    (
        Field("id", "int64"),
        Field("client", "string"),
        Field("price", "float64"),
        Field("day", "date"),
        Field("ok", "boolean"),
        Field("note", "string", nullable=True),
    )
)
SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("client", pa.string(), nullable=False),
        pa.field("price", pa.float64(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
        pa.field("ok", pa.bool_(), nullable=False),
        pa.field("note", pa.string()),
    ]
)
Rows = list[dict[str, Any]]


def rows(count: int) -> Rows:
    """Rows as a contract lets them through."""
    day = date(2022, 8, 9)
    return [
        {
            "id": number,
            "client": f"Client {number % 977}",
            "price": number / 7,
            "day": day,
            "ok": number % 2 == 0,
            "note": None if number % 3 else f"note {number}",
        }
        for number in range(count)
    ]


def levada(form: OutputFormat, codec: str) -> Callable[[Rows], bytes]:
    """What stages rows in a format, page by page."""

    def write(all_rows: Rows) -> bytes:
        out = io.BytesIO()
        output = Output(form, parse("x"), Place("bench", 1, 1), codec)
        with writer(out, CONTRACT, How("sales", "shop", output)) as taking:
            for start in range(0, len(all_rows), PAGE):
                taking.write(all_rows[start : start + PAGE])
        return out.getvalue()

    return write


def by_pyarrow(all_rows: Rows) -> bytes:
    """One Parquet file by pyarrow; nothing is looked at."""
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(all_rows, SCHEMA), out, compression="zstd")
    return out.getvalue()


def by_json(all_rows: Rows) -> bytes:
    """JSON lines by the standard library."""
    return "".join(f"{json.dumps(row, default=str)}\n" for row in all_rows).encode()


def by_csv(all_rows: Rows) -> bytes:
    """CSV by the standard library."""
    out = io.StringIO()
    by_hand = csv.DictWriter(out, SCHEMA.names)
    by_hand.writeheader()
    by_hand.writerows(all_rows)
    return out.getvalue().encode()


def least(makers: list[Callable[[Rows], bytes]], all_rows: Rows, form: str) -> list[float]:
    """Processor seconds of each, the least of three; the pages are the same."""
    found = [float("inf")] * len(makers)
    for _ in range(3):
        for number, make in enumerate(makers):
            start = time.process_time()
            data = make(all_rows)
            found[number] = min(found[number], time.process_time() - start)
            assert sum(1 for _ in rows_of(form, io.BytesIO(data))) == len(all_rows)
    return found


def main() -> None:
    """Print a line for each format."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    pa.set_cpu_count(1)
    all_rows = rows(count)
    pairs: list[tuple[OutputFormat, str, str, Callable[[Rows], bytes]]] = [
        ("parquet", "zstd", "pyarrow", by_pyarrow),
        ("jsonl", "none", "json.dumps", by_json),
        ("csv", "none", "csv.DictWriter", by_csv),
    ]
    for form, codec, other, by_hand in pairs:
        ours, theirs = least([levada(form, codec), by_hand], all_rows, form)
        print(f"{form}: {count} rows {ours:.2f} s, {other} {theirs:.2f} s, ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
