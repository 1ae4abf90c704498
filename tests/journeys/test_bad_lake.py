"""Bad places and files: folders that take nothing, full disks, files that others changed, wrote or damaged."""

import contextlib
import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from levada.errors import FixThis, TryLater
from levada.nouns import Run
from refusals import DAY, Careful, attempt, durable, public, state, told
from simulated import SPEC

RAW = f"raw/sales/{DAY}/sales_{DAY}"
ON_DAY = ("--date", DAY)


@pytest.fixture
def levada(levada):
    return Careful(levada.environment, levada.folder)


@pytest.fixture
def control(lake) -> Path:
    return lake / "_levada" / "sales" / "sales" / DAY


# -- folders


def test_a_lake_below_a_file(levada, api, tmp_path):
    (tmp_path / "file").write_text("mine")
    for lake in (tmp_path / "file" / "lake", tmp_path / "file"):
        done = levada("run", SPEC, *ON_DAY, "--lake", lake)
        told(done, 2, what=f"stands: {tmp_path}/file", where=f"{lake}/_levada", todo="choose another folder")
    assert (tmp_path / "file").read_text() == "mine"
    assert api.pages_asked() == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody can make one")
def test_a_lake_that_cannot_be_made(api):
    refused = attempt(SPEC, Path("/proc/lake"), api)
    assert type(refused) is FixThis
    assert "none can be made" in refused.what
    assert "choose another folder" in refused.todo


@contextmanager
def mounted(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A disk of this size in `folder`."""
    folder.mkdir(exist_ok=True)
    made = _mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder)
    if made.returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def _mount(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(["mount", *map(str, arguments)], capture_output=True, check=False)


def _remount(folder: Path, how: str) -> None:
    assert _mount("-o", f"remount,{how}", folder).returncode == 0


def test_a_disk_that_cannot_be_written(levada, api, tmp_path):
    with mounted(tmp_path / "disk", 4096) as lake:
        assert attempt(SPEC, lake, api).outcome == "done"
        before = public(lake)
        api.forget_requests()
        _remount(lake, "ro")
        done = levada("run", SPEC, *ON_DAY, "--lake", lake)
        told(
            done,
            2,
            what="Read-only file system",
            where=f"{lake}/_levada",
            todo=f"let this user read and write below {lake}",
        )
        assert api.pages_asked() == []
        assert public(lake) == before
        assert state(lake) == "done"


# -- full disks


def test_a_disk_that_fills_up(levada, api, tmp_path):
    with mounted(tmp_path / "disk", 60) as lake:
        done = levada("run", SPEC, *ON_DAY, "--lake", lake)
        told(done, 75, what="the disk is full", where=str(lake), todo="free some space there and run again")
        assert public(lake) == {}
        assert state(lake) in {"unfinished", "failed"}
        had = durable(lake)
        assert had
        _remount(lake, "size=4m")
        api.forget_requests()
        again = levada("run", SPEC, *ON_DAY, "--lake", lake)
        assert (again.returncode, again.stderr) == (0, "")
        assert f"{len(had)} pages taken over" in again.stdout
        assert not had & set(api.pages_asked())
        assert len(public(lake)) == 8


def test_a_disk_that_fills_up_at_any_moment(api, tmp_path):
    assert attempt(SPEC, tmp_path / "undisturbed", api).outcome == "done"
    whole, ended = public(tmp_path / "undisturbed"), []
    for size in range(8, 136, 8):
        with mounted(tmp_path / "disk", size) as lake:
            first = attempt(SPEC, lake, api)
            ended.append(isinstance(first, Run))
            assert isinstance(first, Run | TryLater), first
            assert public(lake) in ({}, whole), f"half of it is shown on a disk of {size} KB"
            had = durable(lake)
            _remount(lake, "size=4m")
            api.forget_requests()
            assert isinstance(attempt(SPEC, lake, api), Run)
            assert ended[-1] or not had & set(api.pages_asked())
            assert public(lake) == whole
    assert ended[0] is False
    assert ended[-1] is True


def test_a_disk_that_is_full_already(levada, api, tmp_path):
    with mounted(tmp_path / "disk", 1024) as lake:
        assert attempt(SPEC, lake, api).outcome == "done"
        before = public(lake)
        _fill(lake / "filling")
        for day in (DAY, "2022-08-10"):
            done = levada("run", SPEC, "--date", day, "--lake", lake)
            told(done, 75, what="the disk is full", where=str(lake), todo="free some space")
        (lake / "filling").unlink()
        assert public(lake) == before
        assert state(lake) == "done"
        assert attempt(SPEC, lake, api, "2022-08-10").outcome == "done"
        assert before.items() <= public(lake).items()


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while stream.write(b"x" * 4096):
            pass


# -- raw files that somebody changed


def _cut_in_place(path: Path) -> None:
    path.chmod(0o644)  # as whoever is not root has to do first
    os.truncate(path, path.stat().st_size // 2)


def _cut_anew(path: Path) -> None:
    half = path.read_bytes()[: path.stat().st_size // 2]
    path.unlink()
    path.write_bytes(half)


def _told_to(done: subprocess.CompletedProcess, verb: str) -> list[str]:
    """The words of the command that a message names, without `levada`."""
    words = shlex.split(done.stderr.strip().splitlines()[-1].rpartition(f"levada {verb} ")[2])
    return [verb, *words]


@pytest.mark.parametrize("change", [_cut_in_place, _cut_anew, Path.unlink])
def test_a_raw_file_that_is_no_longer_what_was_landed(levada, api, tmp_path, change: Callable[[Path], None]):
    lake = tmp_path / "a lake"
    assert attempt(SPEC, lake, api).outcome == "done"
    before, file = public(lake), lake / f"{RAW}_2.json"
    change(file)
    done = levada("stage", SPEC, *ON_DAY, "--lake", lake)
    wrong = "is missing" if change is Path.unlink else "was changed"
    told(done, 2, what=f"{RAW}_2.json {wrong}", where=str(lake), todo=f"levada land {SPEC} --date {DAY} --lake ")
    assert {name for name in before if before[name] != public(lake).get(name)} == {f"{RAW}_2.json"}
    mended = levada(*_told_to(done, "land"))
    assert mended.returncode == 0, mended.stderr
    assert public(lake) == before
    staged = levada("stage", SPEC, *ON_DAY, "--lake", lake)
    assert (staged.returncode, "338 kept" in staged.stdout) == (0, True), staged.stderr
    assert public(lake) == before


def test_nothing_to_stage(levada, lake):
    lake.mkdir()
    done = levada("stage", SPEC, *ON_DAY, "--lake", lake, AUTH_TOKEN="")
    told(done, 2, what=f"no raw files of sales/sales {DAY}", where=f"{lake}, expected raw/sales/", todo="levada land")
    nothing = levada("replay", SPEC, *ON_DAY, "--lake", lake, AUTH_TOKEN="")
    told(nothing, 2, what=f"Nothing of pipeline sales is committed of {DAY}", where=str(lake), todo="levada run")
    assert public(lake) == {}
    assert levada(*_told_to(done, "land")).returncode == 0
    for verb in ("stage", "replay"):
        assert levada(verb, SPEC, *ON_DAY, "--lake", lake, AUTH_TOKEN="").returncode == 0
        assert len(public(lake)) == 8


# -- raw files of another tool


@pytest.fixture
def older(api, tmp_path, lake) -> Path:
    """A lake as scripts leave it: the four pages under their names, nothing else."""
    assert attempt(SPEC, tmp_path / "landed", api, verb="land").outcome == "done"
    api.forget_requests()
    folder = (lake / RAW).parent
    folder.mkdir(parents=True)
    for page in sorted((tmp_path / "landed" / RAW).parent.iterdir()):
        (folder / page.name).write_bytes(page.read_bytes())
    return lake


def test_pages_of_another_tool_are_staged(levada, api, older):
    pages = public(older)
    staged = levada("stage", SPEC, *ON_DAY, "--lake", older, AUTH_TOKEN="")
    assert "done, 4 pages, 338 rows read, 338 kept" in staged.stdout, staged.stderr
    assert api.pages_asked() == []
    after = public(older)
    assert {name: data for name, data in after.items() if name.startswith("raw/")} == pages
    assert len(after) == 8
    for verb in ("stage", "run"):
        again = levada(verb, SPEC, *ON_DAY, "--lake", older)
        assert "(nothing changed)" in again.stdout, again.stderr
        assert public(older) == after


def _page_of_404(older: Path) -> Path:
    page = older / f"{RAW}_5.json"
    page.write_text(json.dumps({"message": "You requested page that doesn't exist: page=5"}))
    return page


def _single_quotes(older: Path) -> Path:
    page = older / f"{RAW}_2.json"
    page.write_text(str(json.loads(page.read_bytes())))
    return page


def _half(older: Path) -> Path:
    page = older / f"{RAW}_3.json"
    _cut_in_place(page)
    return page


def _object(older: Path) -> Path:
    page = older / f"{RAW}_1.json"
    page.write_text(json.dumps({"data": json.loads(page.read_bytes())}))
    return page


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (_page_of_404, "You requested page that doesn't exist: page=5"),
        (_single_quotes, "The body is no JSON"),
        (_half, "The body is no JSON: Input data was truncated"),
        (_object, "an object with the keys data, not a list of records"),
    ],
)
def test_a_page_of_another_tool_that_is_none(levada, api, older, spoil, what):
    page = spoil(older)
    pages = public(older)
    done = levada("stage", SPEC, *ON_DAY, "--lake", older)
    told(
        done,
        2,
        what=what,
        where=str(page),
        todo=f"remove it if it is no page, or fetch the partition again: levada run {SPEC}",
    )
    assert f"{page.relative_to(older)} is no page of records" in done.stderr
    assert public(older) == pages
    assert state(older) == "failed"
    assert api.pages_asked() == []
    fetched = levada(*_told_to(done, "run"))
    assert "338 kept" in fetched.stdout, fetched.stderr
    assert all(
        json.loads(data) for name, data in public(older).items() if name in {f"{RAW}_{n}.json" for n in range(1, 5)}
    )


def test_the_404_of_another_tool_once_it_is_gone(levada, older):
    page = _page_of_404(older)
    assert levada("stage", SPEC, *ON_DAY, "--lake", older).returncode == 2
    page.unlink()
    staged = levada("stage", SPEC, *ON_DAY, "--lake", older)
    assert "done, 4 pages, 338 rows read, 338 kept" in staged.stdout, staged.stderr


def test_pages_of_another_tool_with_a_gap_or_twice(levada, api, older):
    (older / f"{RAW}_2.json").rename(older / f"{RAW}_03.json")
    pages = public(older)
    twice = attempt(SPEC, older, api, verb="stage")
    assert (twice.exit_code, twice.where) == (2, str(older))
    assert f"are the same page: {RAW}_03.json and {RAW}_3.json" in twice.what
    assert "remove the one" in twice.todo
    (older / f"{RAW}_03.json").unlink()
    done = levada("stage", SPEC, *ON_DAY, "--lake", older)
    told(done, 2, what="a gap: page 2 is not there", where=f"{older}, expected raw/sales/", todo="levada run")
    del pages[f"{RAW}_03.json"]
    assert public(older) == pages


def test_a_foreign_file_under_a_public_name(levada, lake):
    mine = lake / f"{RAW}_3.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    (mine.parent / "notes.txt").write_text("mine too")
    done = levada("run", SPEC, *ON_DAY, "--lake", lake)
    told(done, 2, what=f"{RAW}_3.json: exists and was not written by Levada", where=str(mine), todo="--adopt")
    assert public(lake) == {f"{RAW}_3.json": b"mine", f"raw/sales/{DAY}/notes.txt": b"mine too"}
    adopted = levada("run", SPEC, *ON_DAY, "--lake", lake, "--adopt")
    assert (adopted.returncode, adopted.stderr) == (0, "")
    assert len(json.loads(mine.read_bytes())) == 100
    assert (mine.parent / "notes.txt").read_text() == "mine too"


# -- records


@pytest.mark.parametrize("text", ["", '{"pipeline": "sal', "[]"])
def test_a_damaged_record(levada, api, control, before, text):
    lake = control.parents[3]
    (control / "commit.json").write_text(text)
    done = levada("run", SPEC, *ON_DAY, "--lake", lake)
    told(done, 2, what="the commit record is damaged", where=str(control / "commit.json"), todo="run with --adopt")
    assert type(attempt(SPEC, lake, api, verb="stage")) is FixThis
    assert api.pages_asked() == []
    assert public(lake) == before
    seen = levada("status", "--lake", lake)
    assert (seen.returncode, "the commit record is damaged" in seen.stdout) == (0, True)
    (control / "commit.json").unlink()
    assert attempt(SPEC, lake, api, adopt=True).outcome == "done"
    assert public(lake) == before


def test_a_lake_of_a_newer_levada(levada, lake, control, before):
    record = json.loads((control / "commit.json").read_bytes())
    (control / "commit.json").write_text(json.dumps({**record, "format": 99}))
    done = levada("run", SPEC, *ON_DAY, "--lake", lake)
    told(done, 2, what="has format 99; this Levada knows", where=str(control / "commit.json"), todo="the newer Levada")
    assert public(lake) == before
    assert state(lake) == "damaged"
