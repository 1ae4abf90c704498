"""Streams that take objects of a bucket, into a lake in a bucket: streamed both ways."""

import io
import secrets
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import boto3
import pytest

from badstore import bad_store
from levada.edges import Edges
from levada.errors import FixThis, TryLater
from levada.lake.objects import PART
from levada.lake.opening import open_store
from levada.lake.verify import digest
from levada.pipeline import load
from levada.source.copying import copy
from levada.source.files import Found, stored
from levada.source.files import find as find_files
from levada.spec.template import parse

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
        self.server = s3
        self.folder = f"files-{secrets.token_hex(4)}"
        self.url = f"s3://{s3.bucket}/{self.folder}"
        self.store = open_store(f"s3://{s3.bucket}", s3.environment)

    def put(self, name: str, body: bytes) -> None:
        with self.store.writer(f"{self.folder}/{name}") as out:
            out.write(body)

    def mark(self, name: str) -> None:
        """What consoles put where a folder is made."""
        known = {"aws_access_key_id": self.server.key, "aws_secret_access_key": self.server.secret}
        boto = boto3.client("s3", endpoint_url=self.server.endpoint, region_name="us-east-1", **known)
        boto.put_object(Bucket=self.server.bucket, Key=f"{self.folder}/{name}", Body=b"")


def find(url: str, s3) -> list[Found]:
    return find_files([parse(url)], {}, Path("/nowhere"), s3.environment)


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


def test_markers_of_folders_are_no_files(s3, source, tmp_path):
    source.put("in/a.csv", b"id|name\n1|a\n")
    source.put("in/empty.csv", b"")
    for marker in ("in/", "in/deeper/"):
        source.mark(marker)
    (a, empty) = find(f"{source.url}/in/**", s3)
    assert [a.name, empty.name] == ["a.csv", "empty.csv"]
    assert [file.name for file in find(f"{source.url}/in/", s3)] == ["a.csv", "empty.csv"]
    with pytest.raises(FixThis, match="is a folder"):
        pipeline(tmp_path, s3, f"{source.url}/in/deeper", str(tmp_path / "lake")).run(date=DATE)


class Meddling(io.BytesIO):
    """A sink at whose first bytes something happens to the object."""

    def __init__(self, meddle: Callable[[], None]) -> None:
        super().__init__()
        self._meddle = [meddle]

    def begin(self, headers, /) -> None:
        assert headers.keys() == {"last-modified"}

    def write(self, data, /) -> int:
        while self._meddle:
            self._meddle.pop()()
        return super().write(data)


@pytest.mark.parametrize("size", [1000, PART + 1000])
@pytest.mark.parametrize("what", ["replaced", "deleted"])
def test_an_object_that_changes_while_it_is_read_is_another_days(s3, source, size, what):
    source.put("m.csv", b"a" * size)
    (file,) = find(f"{source.url}/m.csv", s3)

    def meddle() -> None:
        source.store.delete(f"{source.folder}/m.csv")
        if what == "replaced":
            source.put("m.csv", b"b" * size)

    with pytest.raises(TryLater, match=r"m\.csv changed while it was read") as told:
        copy(file, lambda: nullcontext(Meddling(meddle)))
    assert told.value.where == f"{source.url}/m.csv"
    assert "run again when it is whole" in told.value.todo


def test_an_object_that_changed_since_it_was_listed_is_another_days(s3, source):
    source.put("m.csv", b"a")
    (file,) = find(f"{source.url}/*.csv", s3)
    source.store.delete(f"{source.folder}/m.csv")
    with pytest.raises(TryLater, match=r"m\.csv is gone"):
        copy(file, lambda: nullcontext(Meddling(lambda: None)))
    source.put("m.csv", b"b")
    with pytest.raises(TryLater, match="changed while it was read"):
        copy(file, lambda: nullcontext(Meddling(lambda: None)))


def test_two_versions_are_never_mixed_by_a_server_that_ignores_the_condition_of_a_read():
    with bad_store("kept") as (server, environment):
        store = open_store("s3://levada/in", environment)
        with store.writer("m.csv") as out:
            out.write(b"a" * (PART + 1000))
        (entry,) = store.list("")

        def meddle() -> None:
            store.delete("m.csv")
            with store.writer("m.csv") as out:
                out.write(b"b" * (PART + 1000))

        sink = Meddling(meddle)
        with pytest.raises(TryLater, match="changed while it was read"):
            copy(stored(store, entry), lambda: nullcontext(sink))
        assert b"b" not in sink.getvalue()
        assert len(server.kept) == 1


def test_a_key_that_is_replaced_while_it_is_verified_is_another_days(s3):
    store = open_store(s3.lake(), s3.environment)

    class Replacing:
        def describe(self) -> str:
            return store.describe()

        def open(self, key: str):
            stream = store.open(key)
            store.delete(key)
            with store.writer(key) as out:
                out.write(b"b" * (PART + 1))
            return stream

    with store.writer("raw/1.json") as out:
        out.write(b"a" * (PART + 1))
    with pytest.raises(TryLater, match=r"raw/1\.json was replaced while it was read") as told:
        digest(Replacing(), "raw/1.json")
    assert told.value.where == f"{store.describe()}/raw/1.json"
    assert told.value.todo == "run again"
