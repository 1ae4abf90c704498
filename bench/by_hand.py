"""What a careful beginner writes instead of Levada: fetch page after page, keep the JSON, write Avro.

No retries, no contract, no checksums, no commit, no resume.

    python by_hand.py URL FOLDER
"""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

import fastavro

SCHEMA = fastavro.parse_schema(
    {
        "type": "record",
        "name": "sales",
        "fields": [
            {"name": "client", "type": "string"},
            {"name": "purchase_date", "type": {"type": "int", "logicalType": "date"}},
            {"name": "product", "type": "string"},
            {"name": "price", "type": "int"},
        ],
    }
)


def main(url: str, folder: Path) -> None:
    """Fetch, keep, convert."""
    folder.mkdir(parents=True)
    page = 1
    while True:
        try:
            with urllib.request.urlopen(f"{url}/sales?date=2022-08-09&page={page}") as response:
                body = response.read()
        except urllib.error.HTTPError:
            return
        (folder / f"sales_{page}.json").write_bytes(body)
        with (folder / f"sales_{page}.avro").open("wb") as file:
            fastavro.writer(file, SCHEMA, json.loads(body), codec="deflate")
        page += 1


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
