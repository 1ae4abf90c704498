"""API -> PostgreSQL as somebody who knows Arrow writes it by hand: no checks, no retries, no files.

Run twice, it fails; killed, it leaves nothing. What else can go wrong is not looked at.

python load_by_hand.py URL DATABASE
"""

import http.client
import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from adbc_driver_postgresql import dbapi

SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "client": pa.string(),
        "purchase_date": pa.date32(),
        "product": pa.string(),
        "price": pa.float64(),
        "ean": pa.int64(),
        "store": pa.int32(),
        "card": pa.string(),
        "dateTime": pa.timestamp("us", tz="UTC"),
        "position": pa.string(),
    }.items()
)


def pages(url: str) -> Iterator[list[dict[str, Any]]]:
    """Page after page on one connection."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    for number in count(1):
        connection.request("GET", f"{urlsplit(url).path}?page={number}")
        page = json.loads(connection.getresponse().read())
        yield page["data"]
        if number == page["total_pages"]:
            return


def batches(url: str) -> Iterator[pa.RecordBatch]:
    """Pages as Arrow has them."""
    for rows in pages(url):
        for row in rows:
            row["purchase_date"] = date.fromisoformat(row["purchase_date"])
            row["dateTime"] = datetime.fromisoformat(row["dateTime"]).replace(tzinfo=UTC)
            row["position"] = json.dumps(row["position"])
        yield pa.RecordBatch.from_pylist(rows, SCHEMA)


def main(url: str, database: str) -> None:
    """Into the table `by_hand`."""
    with dbapi.connect(database) as connection, connection.cursor() as cursor:
        reader = pa.RecordBatchReader.from_batches(SCHEMA, batches(url))
        cursor.adbc_ingest("by_hand", reader, mode="create")
        connection.commit()


if __name__ == "__main__":
    main(*sys.argv[1:])
