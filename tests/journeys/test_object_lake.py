"""A lake on S3 is filled by the same commands as one on a disk, and holds the same bytes."""

import json
from pathlib import Path

import boto3
import pytest

from levada.lake.opening import open_store
from levada.lake.store import CONTROL
from objectstore import ObjectServer
from simulated import SPEC, Api, Levada

DAY = "2022-08-09"


@pytest.fixture
def on(api: Api, s3: ObjectServer, tmp_path: Path) -> Levada:
    """Commands against the simulated API, with the variables of the S3 server."""
    return Levada({**api.environment, **s3.environment}, tmp_path)


def shown(lake: str, s3: ObjectServer) -> dict[str, bytes]:
    """What users see: name -> bytes."""
    store = open_store(lake, s3.environment)
    return {entry.key: store.read(entry.key) for entry in store.list("") if not entry.key.startswith(f"{CONTROL}/")}


def rows_in_quarantine(told: str) -> list[int]:
    return [one["rows"] for one in json.loads(told)]


def done(levada: Levada, *arguments: object) -> str:
    """What a command that goes well says."""
    told = levada(*arguments)
    assert (told.returncode, told.stderr) == (0, ""), told
    return told.stdout


@pytest.fixture
def strict(tmp_path: Path) -> Path:
    """The sales spec with a rule that some rows break."""
    spec = tmp_path / "sales.yaml"
    text = SPEC.read_text()
    assert text.count("min: 0}") == 1
    spec.write_text(text.replace("min: 0}", "min: 0, max: 1500}"))
    return spec


def test_every_command_leaves_on_s3_what_it_leaves_on_a_disk(on, s3, tmp_path, strict, api):
    disk, remote = str(tmp_path / "lake"), s3.lake()
    steps = (
        ("land", SPEC, "--date", DAY),
        ("stage", SPEC, "--date", DAY),
        ("run", SPEC, "--date", "2022-08-10"),
        ("run", SPEC, "--date", DAY),
        ("replay", strict, "--date", DAY),
    )
    for step in steps:
        said = [done(on, *step, "--lake", lake).rpartition(",")[0] for lake in (disk, remote)]
        assert said[0].replace("5 requests", "") == said[1].replace("5 requests", ""), step
        assert shown(disk, s3) == shown(remote, s3), step
    rows = [rows_in_quarantine(done(on, "quarantine", "--json", "--lake", lake)) for lake in (disk, remote)]
    assert rows[0] == rows[1]
    assert sum(rows[0]) > 0
    states = [
        [(one["partition"], one["state"]) for one in json.loads(done(on, "status", "--json", "--lake", lake))]
        for lake in (disk, remote)
    ]
    assert states[0] == states[1]
    assert len(states[0]) == 2


def test_what_a_run_brings_again_is_mended_and_nothing_else_is_written(on, s3):
    lake = s3.lake()
    done(on, "run", SPEC, "--date", DAY, "--lake", lake)
    store = open_store(lake, s3.environment)
    before = shown(lake, s3)
    name = f"raw/sales/{DAY}/sales_{DAY}_2.json"
    entry = store.head(name)
    store.replace(name, b"scribbled over", entry.tag if entry else None)
    store.delete(f"stg/sales/{DAY}/sales_{DAY}_1.avro")
    told = on("run", SPEC, "--date", DAY, "--lake", lake)
    assert told.returncode == 0, told
    assert "it was written again" in told.stdout + told.stderr
    assert shown(lake, s3) == before


def test_objects_say_what_is_in_them(on, s3):
    lake = s3.lake()
    done(on, "run", SPEC, "--date", DAY, "--lake", lake)
    client = boto3.client(
        "s3",
        endpoint_url=s3.endpoint,
        aws_access_key_id=s3.key,
        aws_secret_access_key=s3.secret,
        region_name="us-east-1",
    )
    prefix = lake.rpartition("/")[2]
    kinds = {
        item["Key"].removeprefix(f"{prefix}/"): client.head_object(Bucket=s3.bucket, Key=item["Key"])["ContentType"]
        for item in client.list_objects_v2(Bucket=s3.bucket, Prefix=f"{prefix}/")["Contents"]
    }
    assert kinds[f"raw/sales/{DAY}/sales_{DAY}_1.json"] == "application/json"
    assert kinds[f"stg/sales/{DAY}/sales_{DAY}_1.avro"] == "application/vnd.apache.avro+binary"
    assert {kind for key, kind in kinds.items() if key.endswith("commit.json")} == {"application/json"}
    assert {kind for key, kind in kinds.items() if key.endswith(".body")} == {"application/json"}
