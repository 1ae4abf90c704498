"""A lake on S3 is filled by the same commands as one on a disk, and holds the same bytes."""

import json
import re
from pathlib import Path

import boto3
import pytest

from badstore import BadStore
from levada.lake.opening import open_store
from levada.lake.store import CONTROL
from objectstore import ObjectServer
from simulated import SPEC, Api, Levada
from terminals import Terminal
from webserver import WebServer

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
        said = [done(on, *step, "--lake", lake) for lake in (disk, remote)]
        # Pages are asked for ahead, so it is chance how many requests there were.
        assert re.sub(r", \d+ requests.*", "", said[0]) == re.sub(r", \d+ requests.*", "", said[1]), step
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


def test_keys_that_are_not_set_are_typed_without_echo_and_kept_nowhere(api, s3, tmp_path):
    lake = s3.lake()
    variables = {name: value for name, value in s3.environment.items() if "KEY" not in name}
    levada = Levada({**api.environment, **variables, "HOME": str(tmp_path)}, tmp_path)
    refused = levada("status", "--lake", lake)
    assert refused.returncode == 2
    assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY not set" in refused.stderr
    terminal = Terminal(levada, "run", SPEC, "--date", DAY, "--lake", lake)
    terminal.asked("AWS_ACCESS_KEY_ID: ")
    terminal.type(f"{s3.key}\n")
    terminal.asked("AWS_SECRET_ACCESS_KEY: ")
    terminal.type(f"{s3.secret}\n")
    assert terminal.end() == 0
    assert "What you type is not shown" in terminal.raw
    assert s3.secret not in terminal.raw
    assert s3.key not in terminal.raw
    assert [path.name for path in tmp_path.iterdir()] == []
    assert len(shown(lake, s3)) == 8


def test_the_token_of_a_key_that_is_good_for_some_hours_is_asked_for_too(tmp_path):
    with WebServer(BadStore("kept").answer) as server:
        variables = {"AWS_ENDPOINT_URL": server.url, "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
        levada = Levada({**variables, "AWS_ACCESS_KEY_ID": "", "AWS_SESSION_TOKEN": ""}, tmp_path)
        terminal = Terminal(levada, "status", "--lake", "s3://levada/lake")
        typed = {
            "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "a-secret",
            "AWS_SESSION_TOKEN": "a-token",
        }
        for name, value in typed.items():
            terminal.asked(f"{name}: ")
            terminal.type(f"{value}\n")
        assert terminal.end() == 0, terminal.raw
        assert "a-token" not in terminal.raw
        assert {asked.headers["x-amz-security-token"] for asked in server.seen} == {"a-token"}


def test_the_keys_of_a_profile_are_read(api, s3, tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(
        f"[work]\naws_access_key_id = {s3.key}\naws_secret_access_key = {s3.secret}\n"
    )
    (tmp_path / ".aws/config").write_text(f"[profile work]\nendpoint_url = {s3.endpoint}\nregion = us-east-1\n")
    levada = Levada({**api.environment, "HOME": str(tmp_path), "AWS_PROFILE": "work"}, tmp_path)
    assert "338 kept" in done(levada, "run", SPEC, "--date", DAY, "--lake", s3.lake())
    unknown = levada("status", "--lake", s3.lake(), AWS_PROFILE="nobody")
    assert unknown.returncode == 2
    assert "there is no profile nobody" in unknown.stderr


def test_a_profile_that_a_process_gives_the_keys_of(api, s3, tmp_path):
    (tmp_path / ".aws").mkdir()
    keys = {"Version": 1, "AccessKeyId": s3.key, "SecretAccessKey": s3.secret}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    (tmp_path / ".aws/config").write_text(
        f"[profile made]\ncredential_process = cat {tmp_path}/keys.json\nendpoint_url = {s3.endpoint}\n"
    )
    levada = Levada({**api.environment, "HOME": str(tmp_path), "AWS_PROFILE": "made"}, tmp_path)
    assert "There is no partition" in done(levada, "status", "--lake", s3.lake())
