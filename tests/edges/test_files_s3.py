"""Streams that take objects of a bucket, into a lake in a bucket: streamed both ways."""

import secrets
from pathlib import Path

import pytest

from levada.edges import Edges
from levada.errors import FixThis
from levada.lake.opening import open_store
from levada.pipeline import load

DATE = "2022-08-09"
SPEC = """
pipeline: films
lake: {lake}
streams:
  movies:
    files: {files}
    format: {{type: csv, delimiter: "|", columns: [id, name]}}
    raw: "raw/{{date}}/{{file}}"
    contract: {{fields: {{id: string, name: string}}}}
    stage: {{jsonl: "stg/{{date}}.jsonl"}}
"""


class Source:
    """A folder of the bucket that files are taken from."""

    def __init__(self, s3) -> None:
        self.folder = f"files-{secrets.token_hex(4)}"
        self.url = f"s3://{s3.bucket}/{self.folder}"
        self.store = open_store(f"s3://{s3.bucket}", s3.environment)

    def put(self, name: str, body: bytes) -> None:
        with self.store.writer(f"{self.folder}/{name}") as out:
            out.write(body)


@pytest.fixture
def source(s3) -> Source:
    return Source(s3)


def pipeline(folder: Path, s3, files: str, lake: str | None = None):
    spec = folder / "films.yaml"
    spec.write_text(SPEC.format(files=files, lake=lake or s3.lake()))
    return load(spec, edges=Edges(environment=s3.environment))


def test_objects_that_fit_a_pattern_land_in_a_lake_of_objects(s3, source, tmp_path):
    large = b"id|name\n" + b"".join(b"%d|%s\n" % (number, b"x" * 90) for number in range(120_000))
    source.put("2022/a.csv", large)
    source.put("2022/b.csv", b"id|name\n1|a\n2\n")
    source.put("2022/deeper/c.csv", b"id|name\n3|c\n")
    source.put("2022/a.txt", b"no\n")
    made = pipeline(tmp_path, s3, f"{source.url}/2022/*.csv")
    (run,) = made.run(date=DATE)
    assert (run.outcome, run.pages, run.counts.kept, run.counts.quarantined) == ("done with quarantine", 2, 120_001, 1)
    assert made.store.read(f"raw/{DATE}/a.csv") == large
    (again,) = made.run(date=DATE)
    assert again.changed is False


def test_patterns_over_folders(s3, source, tmp_path):
    for name in ("x/1.csv", "x/y/2.csv", "3.csv", "3.csv.bak"):
        source.put(name, b"id|name\n1|a\n")
    (run,) = pipeline(tmp_path, s3, f"{source.url}/**/*.csv", str(tmp_path / "lake")).run(date=DATE)
    assert run.pages == 3


def test_one_object_by_its_name_and_a_replay_without_it(s3, source, tmp_path):
    source.put("m.csv", b"id|name\n1|a\n")
    made = pipeline(tmp_path, s3, f"{source.url}/m.csv")
    made.run(date=DATE)
    source.store.delete(f"{source.folder}/m.csv")
    assert made.replay(date=DATE)[0].counts.kept == 1


@pytest.mark.parametrize(
    ("name", "what"),
    [("none.csv", "There is no object"), ("*.txt", "No object fits"), ("in", "is a folder")],
)
def test_names_that_lead_to_no_object(s3, source, tmp_path, name, what):
    source.put("in/m.csv", b"id|name\n1|a\n")
    with pytest.raises(FixThis, match=what):
        pipeline(tmp_path, s3, f"{source.url}/{name}", str(tmp_path / "lake")).run(date=DATE)
