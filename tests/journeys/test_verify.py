"""levada verify, as a user sees it."""

import json
from pathlib import Path

import pytest

from lakeside import RAW, STAGED, area_in, carry
from levada.lake.disk import DiskStore


@pytest.fixture
def store(lake):
    made = DiskStore(lake)
    carry(made)
    return made


def told(done):
    return json.loads(done.stdout)


def test_a_good_lake_is_told_in_one_line(shell, store):
    done = shell("verify", "--lake", "lake")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1 partition, 9 files, ")
    assert done.stdout.endswith(" bytes: all as committed\n")


def test_damage_is_told_with_what_to_do_and_put_right_on_demand(shell, store):
    store.delete(RAW.format(2))
    done = shell("verify", "--lake", "lake")
    assert done.returncode == 2
    assert f"shop/sales 2022-08-09: {RAW.format(2)} is missing\n  to do: `levada run`" in done.stdout
    assert done.stdout.endswith("1 not as committed\n")
    assert store.head(RAW.format(2)) is None, "nothing is written unless --repair says so"
    mended = shell("verify", "--lake", "lake", "--repair")
    assert mended.returncode == 0
    assert f"shop/sales 2022-08-09: repaired: {RAW.format(2)} is missing" in mended.stdout
    assert mended.stdout.endswith("all as committed\n")
    assert shell("verify", "--lake", "lake").returncode == 0


def test_what_cannot_be_repaired_keeps_the_exit_code(shell, store):
    for key in [entry.key for entry in store.list("") if entry.key.endswith(("staged/3.avro", STAGED.format(3)))]:
        store.delete(key)
    done = shell("verify", "shop/sales/2022-08-09", "--lake", "lake", "--repair")
    assert done.returncode == 2
    assert f"{STAGED.format(3)} is missing\n  to do: `levada stage` for this partition makes it again" in done.stdout


def test_sizes_and_hashes_are_compared(shell, store):
    for name, data in ((RAW.format(1), b"longer than it was"), (RAW.format(3), b'["x"]')):
        store.delete(name)
        store.create(name, data)
    done = shell("verify", "--lake", "lake")
    assert f"{RAW.format(1)} was changed since it was committed (10 bytes expected, 18 found)" in done.stdout
    assert f"{RAW.format(3)} was changed since it was committed (SHA-256 expected " in done.stdout
    quick = shell("verify", "--lake", "lake", "--quick").stdout
    assert RAW.format(1) in quick
    assert RAW.format(3) not in quick


def test_extra_files_are_told_and_fail_when_that_is_asked_for(shell, store):
    store.create("raw/sales/2022-08-09/mine.json", b"[]")
    done = shell("verify", "--lake", "lake")
    assert done.returncode == 0
    assert "raw/sales/2022-08-09/mine.json is extra: it is in no commit record\n  to do: move it away" in done.stdout
    assert shell("verify", "--lake", "lake", "--strict", "--repair").returncode == 2
    assert store.read("raw/sales/2022-08-09/mine.json") == b"[]"


def test_machines_read_it_as_json(shell, store):
    store.delete(RAW.format(2))
    store.create("raw/sales/2022-08-09/mine.json", b"[]")
    done = shell("verify", "--lake", "lake", "--json")
    assert (done.returncode, done.stderr) == (2, "")
    result = told(done)
    (partition,) = result["partitions"]
    assert (partition["stream"], partition["files"], partition["repaired"]) == ("sales", 9, [])
    assert [(each["kind"], each["key"]) for each in partition["findings"]] == [("missing", RAW.format(2))]
    assert [each["key"] for each in result["extra"]] == ["raw/sales/2022-08-09/mine.json"]
    assert result["errors"] == []
    (repaired,) = told(shell("verify", "--lake", "lake", "--json", "--repair"))["partitions"]
    assert repaired["findings"] == []
    assert len(repaired["repaired"]) == 1


def test_a_partition_that_is_held_is_tried_later(shell, store):
    store.delete(RAW.format(2))
    with store.lock(area_in(store).lock, b""):
        done = shell("verify", "--lake", "lake", "--repair", "--wait", "10ms")
        assert done.returncode == 2, "the file is missing, whoever works"
        assert "another run holds shop/sales 2022-08-09" in done.stderr
        machine = told(shell("verify", "--lake", "lake", "--repair", "--json"))
    assert [error["kind"] for error in machine["errors"]] == ["LeaseHeld"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("shop/other", "--lake", "lake"), "Nothing is committed that shop/other names."),
        (("--lake", "nowhere"), "There is no folder nowhere."),
        (("--lake", "lake", "--repair", "--wait", "soon"), "--wait"),
    ],
)
def test_mistakes_are_told(shell, store, arguments, said):
    done = shell("verify", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert Path(store.describe(), RAW.format(1)).exists()
