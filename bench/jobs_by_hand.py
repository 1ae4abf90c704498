"""The two jobs as a student of the sales course writes them: Flask's own server, a folder emptied first, then filled.

No retries, no contract, no checksums, no commit; a job that fails leaves an empty directory.

    python jobs_by_hand.py URL PORT
"""

import json
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path

import fastavro
from by_hand import SCHEMA
from flask import Flask, request

app = Flask(__name__)
URL = sys.argv[1]


def emptied(folder: str) -> Path:
    """The folder, without what it held."""
    shutil.rmtree(folder, ignore_errors=True)
    Path(folder).mkdir(parents=True)
    return Path(folder)


@app.post("/land")
def land() -> tuple[dict[str, str], int]:
    """All pages of a date."""
    date, folder = request.json["date"], emptied(request.json["raw_dir"])
    page = 1
    while True:
        try:
            with urllib.request.urlopen(f"{URL}/sales?date={date}&page={page}") as response:
                body = response.read()
        except urllib.error.HTTPError:
            return {"message": "done"}, 201
        (folder / f"sales_{date}_{page}.json").write_bytes(body)
        page += 1


@app.post("/stage")
def stage() -> tuple[dict[str, str], int]:
    """An Avro file for each page."""
    raw, folder = Path(request.json["raw_dir"]), emptied(request.json["stg_dir"])
    for path in sorted(raw.iterdir()):
        with (folder / f"{path.stem}.avro").open("wb") as file:
            fastavro.writer(file, SCHEMA, json.loads(path.read_bytes()), codec="deflate")
    return {"message": "done"}, 201


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[2]), threaded=True)
