"""What only object stores do: leases that run out, uploads in parts, reads by ranges, buckets that are made."""

import dataclasses
import hashlib
import json
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import boto3
import pytest

from faultproxy import fault_proxy
from levada.errors import FixThis
from levada.lake import leases
from levada.lake.opening import open_store
from levada.lake.remote import RemoteStore
from levada.lake.store import Exists, Held, Lost, Store
from patience import settles

SHORT = {"LEVADA_LEASE_SECONDS": "1"}
LOCK = "_levada/p/s/d/lock"


def store_of(lake: str, s3, **more: str) -> Store:
    return open_store(lake, {**s3.environment, **more})


def client(s3):
    return boto3.client(
        "s3",
        endpoint_url=s3.endpoint,
        aws_access_key_id=s3.key,
        aws_secret_access_key=s3.secret,
        region_name="us-east-1",
    )


def unfinished(s3, lake: str) -> list[str]:
    found = client(s3).list_multipart_uploads(Bucket=s3.bucket).get("Uploads", [])
    return [each["Key"] for each in found if each["Key"].startswith(lake.partition("://")[2].partition("/")[2])]


# -- leases


HOLD = """
import sys, time
from levada.lake import leases
from levada.lake.opening import open_store
import os
leases._RENEWALS = 40
with open_store(sys.argv[1], os.environ).lock("_levada/p/s/d/lock", b"the one that dies"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_lease_of_a_killed_process_is_taken_over_when_its_time_is_over(s3):
    lake = s3.lake()
    short = {"LEVADA_LEASE_SECONDS": "10"}
    environment = {**s3.environment, **short}
    dying = subprocess.Popen([sys.executable, "-c", HOLD, lake], stdout=subprocess.PIPE, text=True, env=environment)
    with dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == "held\n"
        store = store_of(lake, s3)

        def refused() -> int:
            with pytest.raises(Held) as told, store.lock(LOCK, b"too early"):
                raise AssertionError("two holders")
            assert told.value.holder == b"the one that dies"
            return json.loads(store.read(LOCK)).get("turn", 0)

        # 40 renewals in 10 s, which a machine may stand still for; after 12 s a lease that is not renewed is free.
        assert settles(lambda: refused() > 50)
        dying.kill()
        dying.wait()
        assert store.held(LOCK) == b"the one that dies"

    def taken() -> bool:
        try:
            with store.lock(LOCK, b"the next"):
                return store.held(LOCK) == b"the next"
        except Held:
            return False

    assert settles(taken)
    assert store.held(LOCK) is None


def test_of_many_that_want_a_lease_at_once_one_gets_it(s3):
    lake = s3.lake()
    inside, most = [], []

    def hold(number: int) -> bool:
        try:
            with store_of(lake, s3).lock(LOCK, str(number).encode()):
                inside.append(number)
                most.append(len(inside))
                barrier.wait(60)
                inside.remove(number)
                return True
        except Held:
            barrier.wait(60)
            return False

    for _ in range(3):
        barrier = threading.Barrier(6)
        with ThreadPoolExecutor(6) as threads:
            assert sum(threads.map(hold, range(6))) == 1
    assert most == [1, 1, 1]


def test_whoever_could_not_renew_knows_that_it_lost(s3):
    lake = s3.lake()
    store = store_of(lake, s3, **SHORT)
    with store.lock(LOCK, b"me"):
        store.holding()
        entry = store.head(LOCK)
        other = store_of(lake, s3)
        # Somebody writes over the lock, as a run does that took it over.
        while True:
            entry = other.head(LOCK)
            assert entry is not None
            try:
                other.replace(LOCK, b'{"nonce":"x","turn":0,"seconds":60,"holder":"other"}', entry.tag)
                break
            except Exception:  # noqa: BLE001 - renewed in between
                continue

        def lost() -> bool:
            try:
                store.holding()
            except Lost as told:
                return "another run may have taken over" in told.what
            return False

        assert settles(lost)
        with pytest.raises(Lost, match="the lease was lost"):
            store.replace("_levada/p/s/d/commit.json", b"{}", None)
    assert other.held(LOCK) == b"other", "a lost lease is not given back"


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no clock that goes on in sleep")
def test_a_machine_that_slept_knows_that_it_lost(s3, monkeypatch):
    real = time.clock_gettime
    store = store_of(s3.lake(), s3)
    with store.lock(LOCK, b"me"):
        store.holding()
        # The clock of `time.monotonic` stands still while a machine sleeps, this one does not.
        slept = {time.CLOCK_BOOTTIME: 3600.0}
        monkeypatch.setattr(time, "clock_gettime", lambda clock: real(clock) + slept.get(clock, 0.0))
        with pytest.raises(Lost, match="the lease was lost"):
            store.holding()


def clock_set(monkeypatch, seconds: float) -> None:
    """Let this machine's clock be set, while the store's goes on as it was."""

    class Set(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=seconds)

    monkeypatch.setattr(leases, "datetime", Set)


@pytest.mark.parametrize("seconds", [3600.0, 90.0, -3600.0])
def test_a_clock_that_is_set_ends_no_lease_of_another_one(s3, monkeypatch, seconds):
    lake = s3.lake()
    waiting, holding = store_of(lake, s3), store_of(lake, s3)
    with waiting.lock("_levada/earlier", b"its store is as old as its process"):
        pass
    with holding.lock(LOCK, b"the living one"):
        clock_set(monkeypatch, seconds)
        with pytest.raises(Held) as told, waiting.lock(LOCK, b"too early"):
            raise AssertionError("two holders")
        assert (told.value.holder, waiting.held(LOCK)) == (b"the living one", b"the living one")
        holding.holding()


def test_a_clock_that_is_set_back_prolongs_no_lease_of_a_dead_one(s3, monkeypatch):
    lake = s3.lake()
    store, dead = store_of(lake, s3), store_of(lake, s3, **SHORT)
    with store.lock("_levada/earlier", b"its store is as old as its process"):
        pass
    dead._leases.take(LOCK, dead._leases.note(b"the dead one"))  # noqa: SLF001 - no other way to it
    clock_set(monkeypatch, -3600.0)

    def taken() -> bool:
        try:
            with store.lock(LOCK, b"the next"):
                return True
        except Held:
            return False

    assert settles(taken)


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no clock that goes on in sleep")
@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_of_a_lock_that_is_held_the_store_tells_the_time_anew(s3, monkeypatch, seconds):
    lake, real = s3.lake(), time.clock_gettime
    waiting, holding = store_of(lake, s3), store_of(lake, s3)
    with waiting.lock("_levada/earlier", b"its store is as old as its process"):
        pass
    holding._leases.take(LOCK, holding._leases.note(b"the living one"))  # noqa: SLF001 - no other way to it
    # Both clocks of this machine went another way than the store's: it is a virtual one that was stopped.
    clock_set(monkeypatch, seconds)
    monkeypatch.setattr(time, "clock_gettime", lambda clock: real(clock) + seconds)
    with pytest.raises(Held) as told, waiting.lock(LOCK, b"too early"):
        raise AssertionError("two holders")
    assert told.value.holder == b"the living one"


# -- large files


def test_a_large_file_leaves_in_parts_and_comes_back_whole(s3):
    lake = s3.lake()
    store = store_of(lake, s3)
    block = bytes(range(256)) * 4096
    total = hashlib.sha256()
    with store.writer("big/one.csv") as writer:
        for number in range(21):
            piece = number.to_bytes(4, "big") + block
            total.update(piece)
            writer.write(piece)
        assert store.head("big/one.csv") is None
    size = 21 * (len(block) + 4)
    entry = store.head("big/one.csv")
    assert entry is not None
    assert (entry.size, writer.written().size, writer.written().sha256) == (size, size, total.hexdigest())
    store.copy("big/one.csv", "shown/one.csv")
    found = hashlib.sha256()
    with store.open("shown/one.csv") as stream:
        while data := stream.read(1_000_003):
            found.update(data)
        assert stream.seek(-4, 2) == size - 4
        assert stream.read() == block[-4:]
        assert stream.seek(4) == 4
        assert stream.read(8) == block[:8]
    assert found.hexdigest() == total.hexdigest()
    head = client(s3).head_object(Bucket=s3.bucket, Key=lake.rpartition("/")[2] + "/shown/one.csv")
    assert head["ContentType"] == "text/csv"
    assert unfinished(s3, lake) == []


def test_an_upload_that_is_given_up_leaves_nothing(s3):
    lake = s3.lake()
    store = store_of(lake, s3)

    def fail() -> None:
        with store.writer("big") as writer:
            for _ in range(24):
                writer.write(b"x" * 1_000_000)
            raise KeyError("from inside")

    with pytest.raises(KeyError, match="from inside"):
        fail()
    assert store.head("big") is None
    assert list(store.list("")) == []
    assert unfinished(s3, lake) == []


def test_an_upload_writes_over_nothing(s3):
    lake = s3.lake()
    store = store_of(lake, s3)

    def write(meanwhile: bytes | None) -> None:
        with store.writer("big") as writer:
            for _ in range(20):
                writer.write(b"x" * 1_000_000)
            if meanwhile is not None:
                store.create("big", meanwhile)

    with pytest.raises(Exists):
        write(b"mine")
    assert store.read("big") == b"mine"
    with pytest.raises(Exists):
        write(None)
    assert store.read("big") == b"mine"
    assert unfinished(s3, lake) == []


PEAK = """
import os, re, sys
from pathlib import Path
from levada.lake.opening import open_store
store = open_store(sys.argv[1], os.environ)
block = os.urandom(1 << 20)
with store.writer("big.csv") as writer:
    for _ in range(165):
        writer.write(block)
with store.open("big.csv") as stream:
    while stream.read(1 << 20):
        pass
# Not getrusage, which counts in what the parent had when it started this process.
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(int(peak[1]) // 1024, writer.written().size)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of one process")
def test_165_mb_never_lie_in_memory(s3):
    done = subprocess.run(
        [sys.executable, "-c", PEAK, s3.lake()], capture_output=True, text=True, env=s3.environment, check=True
    )
    peak, size = map(int, done.stdout.split())
    assert size == 165 << 20
    assert peak < 100, f"{peak} MB"


# -- what is refused


def test_wrong_keys_and_missing_buckets_are_told(s3):
    wrong = open_store(s3.lake(), {**s3.environment, "AWS_SECRET_ACCESS_KEY": "not-the-secret"})
    with pytest.raises(FixThis, match=r"does not take these credentials \(SignatureDoesNotMatch"):
        wrong.read("a")
    nobody = open_store(s3.lake(), {**s3.environment, "AWS_ACCESS_KEY_ID": "nobody"})
    with pytest.raises(FixThis, match="InvalidAccessKeyId"):
        list(nobody.list(""))
    nowhere = open_store("s3://no-such-bucket/lake", s3.environment)
    for door in (lambda: nowhere.read("a"), lambda: list(nowhere.list("")), lambda: nowhere.create("a", b"")):
        with pytest.raises(FixThis) as told:
            door()
        assert "there is no such bucket" in told.value.what
        assert "--create-bucket" in told.value.todo


# -- doctor


def doctor(s3, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**s3.environment, "PATH": ""}
    command = [sys.executable, "-m", "levada", "doctor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_the_doctor_tries_all_that_a_run_does_and_leaves_nothing(s3):
    lake = s3.lake()
    told = doctor(s3, "--lake", lake)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines() == [
        f"Lake {lake}",
        "  yes  reach it and list",
        "  yes  write on conditions and hold a lease",
        "  yes  write and read back",
        "  yes  copy on the spot",
        "  yes  delete",
    ]
    assert list(store_of(lake, s3).list("")) == []


def test_the_doctor_makes_a_bucket_once(s3):
    lake = "s3://a-new-bucket/lake"
    missing = doctor(s3, "--lake", lake)
    assert missing.returncode == 2
    assert "  no   reach it and list" in missing.stdout
    assert "there is no such bucket" in missing.stderr
    made = doctor(s3, "--lake", lake, "--create-bucket", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["made"] is True
    assert {check["ok"] for check in json.loads(made.stdout)["checks"]} == {True}
    again = doctor(s3, "--lake", lake, "--create-bucket")
    assert again.returncode == 0
    assert "was made" not in again.stdout


def test_the_doctor_looks_at_the_lake_of_a_spec_and_at_folders(s3, tmp_path):
    spec = tmp_path / "shop.yaml"
    spec.write_text(
        "pipeline: shop\nsource: {url: http://localhost:9}\n"
        f"lake: {s3.lake()}\nstreams:\n  orders: {{request: {{path: /orders}}}}\n"
    )
    told = doctor(s3, str(spec))
    assert told.returncode == 0, told.stderr
    assert re.match(r"Lake s3://levada/lake-", told.stdout)
    folder = doctor(s3, "--lake", str(tmp_path / "lake"))
    assert folder.returncode == 0, folder.stderr
    assert [path for path in (tmp_path / "lake").rglob("*") if path.is_file() and path.name != "lock"] == []
    refused = doctor(s3, "--lake", str(tmp_path / "lake"), "--create-bucket")
    assert refused.returncode == 2
    assert "a lake on a disk has no bucket" in refused.stderr
    assert "Name a SPEC" in doctor(s3).stderr


@pytest.mark.parametrize("options", [[], ["--create-bucket"]])
def test_the_doctor_looks_at_no_lake_but_the_spec_s(s3, tmp_path, options):
    spec = tmp_path / "shop.yaml"
    text = "pipeline: shop\nsource: {url: http://localhost:9}\nstreams:\n  orders: {request: {path: /orders}}\n"
    spec.write_text(f"lake: s3://${{S3_BUCKET_NAME}}\n{text}")
    told = doctor(s3, str(spec), *options)
    assert (told.returncode, told.stdout) == (2, "")
    assert "Not set: S3_BUCKET_NAME." in told.stderr
    assert "export S3_BUCKET_NAME=..." in told.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["shop.yaml"]


def test_wrong_rights_are_told_by_the_doctor(s3):
    wrong = dataclasses.replace(s3, secret="not-the-secret")
    told = doctor(wrong, "--lake", s3.lake())
    assert told.returncode == 2
    assert "SignatureDoesNotMatch" in told.stderr
    assert "not-the-secret" not in told.stderr + told.stdout


def test_the_regions_name_is_said_but_for_the_first(s3):
    store = open_store("s3://a-western-bucket/lake", {**s3.environment, "AWS_REGION": "eu-west-1"})
    assert isinstance(store, RemoteStore)
    assert store.make_bucket()
    place = client(s3).get_bucket_location(Bucket="a-western-bucket")["LocationConstraint"]
    assert place in {None, "eu-west-1"}, "the server of the tests need not keep it"
    assert not store.make_bucket()


@pytest.mark.parametrize("fault", ["lost", "cut", "500", "503", "reset"])
@pytest.mark.parametrize("kind", ["begin", "part", "complete"])
def test_an_upload_comes_through_whatever_fails_once(s3, kind, fault):
    lake = s3.lake()
    block = bytes(range(256)) * 4000
    with fault_proxy(s3.port, {(kind, 1): fault}) as proxy:
        store = open_store(lake, s3.by(proxy.endpoint))
        with store.writer("big.csv") as writer:
            for _ in range(13):
                writer.write(block)
        assert [(one[0], one[2]) for one in proxy.failed] == [(kind, fault)]
    assert store_of(lake, s3).read("big.csv") == block * 13
