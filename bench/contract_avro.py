"""What the contract costs: JSON pages -> checked rows -> Avro, beside json.loads + fastavro.writer without a check.

    python bench/contract_avro.py [RECORDS]

Two lines each: the whole way, and the writing of rows that are checked already, where Levada adds a look at keys and
types to fastavro. Both sides run in one sitting, five times by turns, on one thread; the least processor time of each
counts, and the ratio is Levada's over the other's. The number of rows in each file is asserted.
"""

import io
import json
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import fastavro

from levada.contract.check import check_page, prepare
from levada.contract.model import Contract, Field
from levada.nouns import Records
from levada.records.split import split
from levada.staging import avro

PAGE = 100
DAY = "2022-08-09"
SHAPE = Records()
Rows = tuple[Mapping[str, Any], ...]

SALES = Contract(
    (
        Field("client", "string"),
        Field("purchase_date", "date", equals=DAY),
        Field("product", "string"),
        Field("price", "int32", min=0),
    )
)
NULLABLE = Contract(tuple(Field(field.name, field.type, nullable=True) for field in SALES.fields))


def pages(records: int, *, extra: bool) -> list[bytes]:
    """Bodies of pages; `extra` adds two keys that the contract does not name, one of them an object."""
    rng = random.Random(7)
    rows = [
        {
            "client": f"Client {rng.randrange(5000)} Wilkerson",
            "purchase_date": DAY,
            "product": rng.choice(["Vacuum cleaner", "coffee machine", "Phone", "TV"]),
            "price": rng.randrange(88, 4836),
        }
        | ({"at": "2022-08-09T10:11:12", "shop": {"id": 7}} if extra else {})
        for _ in range(records)
    ]
    return [json.dumps(rows[start : start + PAGE]).encode() for start in range(0, records, PAGE)]


def levada(bodies: list[bytes], contract: Contract, codec: str) -> bytes:
    """One Avro file by way of the contract."""
    out, checker = io.BytesIO(), prepare(contract)
    with avro.writer(out, contract, name="sales", namespace="sales", codec=codec) as writer:
        for number, body in enumerate(bodies, 1):
            writer.write(check_page(checker, number, split(body, SHAPE)).rows)
    return out.getvalue()


def plain(bodies: list[bytes], contract: Contract, codec: str) -> bytes:
    """One Avro file by json.loads and fastavro.writer; nothing is checked."""
    out = io.BytesIO()
    rows = [row for body in bodies for row in json.loads(body)]
    fastavro.writer(out, avro.schema(contract, "sales", "sales"), rows, codec=codec)
    return out.getvalue()


def checked(bodies: list[bytes], contract: Contract) -> list[Rows]:
    """The rows of each page."""
    checker = prepare(contract)
    return [check_page(checker, number, split(body, SHAPE)).rows for number, body in enumerate(bodies, 1)]


def written(batches: list[Rows], contract: Contract, codec: str) -> bytes:
    """One Avro file by Levada's writer."""
    out = io.BytesIO()
    with avro.writer(out, contract, name="sales", namespace="sales", codec=codec) as writer:
        for rows in batches:
            writer.write(rows)
    return out.getvalue()


def by_fastavro(batches: list[Rows], contract: Contract, codec: str) -> bytes:
    """One Avro file by fastavro.writer, in blocks of the same size."""
    out = io.BytesIO()
    rows = chain.from_iterable(batches)
    fastavro.writer(out, avro.schema(contract, "sales", "sales"), rows, codec=codec, sync_interval=avro.BLOCK)
    return out.getvalue()


def best(work: Sequence[Callable[[], bytes]], records: int) -> list[float]:
    """Least seconds of each, by turns."""
    least = [float("inf")] * len(work)
    for _ in range(5):
        for number, one in enumerate(work):
            start = time.process_time()
            made = one()
            least[number] = min(least[number], time.process_time() - start)
            assert sum(block.num_records for block in fastavro.block_reader(io.BytesIO(made))) == records
    return least


def told(title: str, other: str, least: list[float], records: int) -> None:
    """Print one line."""
    ours, theirs = least
    speeds = f"levada {records / ours:,.0f} rows/s, {other} {records / theirs:,.0f} rows/s"
    print(f"{title}: {speeds}, ratio {ours / theirs:.2f}")


def main(records: int) -> None:
    """Measure and print."""
    for title, contract, extra in (
        ("sales", SALES, False),
        ("sales, all nullable", NULLABLE, False),
        ("sales, keys beyond the contract", SALES, True),
    ):
        bodies = pages(records, extra=extra)
        batches = checked(bodies, contract)
        for codec in ("null", "deflate"):
            whole = [partial(one, bodies, contract, codec) for one in (levada, plain)]
            told(f"{title}, {codec}, whole", "json + fastavro", best(whole, records), records)
            writing = [partial(one, batches, contract, codec) for one in (written, by_fastavro)]
            told(f"{title}, {codec}, writing", "fastavro", best(writing, records), records)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
