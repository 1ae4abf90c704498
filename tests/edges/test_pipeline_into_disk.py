"""Jobs on a real disk: links, rights, kept bytes, names that are no text, two jobs at once."""

import errno
import json
import os
import stat
import threading
from pathlib import Path

import fastavro
import pytest

from levada.edges import Edges
from levada.errors import FixThis, LevadaError
from levada.lake.calls import Calls
from levada.lake.disk import DiskStore
from levada.pipeline import Options, Pipeline
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.read import read_text
from shop import SALES

DATE = "2022-08-09"
SPEC = SALES.replace("{page}.", "sales_{date}_{page}.")
PAGES = [[{"price": 1}, {"price": 2}], [{"price": 3}], [{"price": 4}]]
NAMES = [f"sales_{DATE}_{n}" for n in (1, 2, 3)]


def shop(pages):
    bodies = {f"page={n}": json.dumps(page).encode() for n, page in enumerate(pages, start=1)}

    def script(call, _):
        body = bodies.get(call.url.rpartition("&")[2])
        return Reply(answer(200, body) if body else answer(404, b"no such page"))

    return lambda: ScriptedWire(script)


@pytest.fixture
def lake(tmp_path) -> Path:
    return tmp_path / "lake"


def jobs(lake: Path, pages=PAGES, calls: Calls | None = None, wait: float = 60.0) -> Pipeline:
    read = read_text(SPEC, "shop.yaml", {}, lake=str(lake))
    edges = Edges(environment={}, network=shop(pages))
    return Pipeline(read, DiskStore(lake, calls), edges, Options(wait=wait))


def refusing(**numbers: int) -> Calls:
    """Calls of a system that lacks these."""
    calls = Calls()
    for name, number in numbers.items():

        def refuse(*_, number=number):
            raise OSError(number, os.strerror(number))

        setattr(calls, name, refuse)
    return calls


def raw(lake: Path, name: str = f"raw/{DATE}") -> str:
    return f"{lake}/{name}"


def stg(lake: Path) -> str:
    return f"{lake}/stg/{DATE}"


def stems(folder: str) -> list[str]:
    return sorted(path.stem for path in Path(folder).iterdir())


def rows(folder: str) -> list[int]:
    found = []
    for path in sorted(Path(folder).iterdir()):
        with path.open("rb") as stream:
            found += [row["price"] for row in fastavro.reader(stream)]
    return found


def tree(lake: Path) -> dict[str, tuple]:
    found = {}
    for path in sorted(lake.rglob("*")):
        if "_levada" not in path.relative_to(lake).parts:
            status = path.lstat()
            data = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
            found[str(path)] = (status.st_ino, status.st_mode, data)
    return found


def test_land_and_stage(lake):
    done = jobs(lake).land_into(raw(lake), date=DATE)
    assert done.files == tuple(f"raw/{DATE}/{name}.json" for name in NAMES)
    kept = next((lake / "_levada").rglob("1.body")).stat()
    shown = (lake / done.files[0]).stat()
    assert (shown.st_ino, stat.S_IMODE(shown.st_mode)) == (kept.st_ino, 0o444)
    jobs(lake).stage_into(stg(lake), raw_dir=raw(lake))
    assert (stems(stg(lake)), rows(stg(lake))) == (NAMES, [1, 2, 3, 4])
    before = tree(lake)
    assert not jobs(lake).land_into(raw(lake), date=DATE).changed
    assert not jobs(lake).stage_into(stg(lake), raw_dir=raw(lake)).changed
    assert tree(lake) == before, "not even an inode"


@pytest.mark.parametrize("what", ["link", "link above", "file", "full"])
def test_folders_that_are_none_are_refused_before_anything_is_asked(lake, tmp_path, what):
    outside = tmp_path / "outside"
    (outside / DATE).mkdir(parents=True)
    (outside / DATE / "mine").write_bytes(b"mine")
    (lake / "raw").mkdir(parents=True)
    target = lake / "raw" / DATE
    if what == "link":
        target.symlink_to(outside / DATE)
    elif what == "link above":
        (lake / "raw").rmdir()
        (lake / "raw").symlink_to(outside)
    elif what == "file":
        target.write_bytes(b"mine")
    else:
        (target / "sub").mkdir(parents=True)
    before, there = tree(lake), tree(outside)
    said = {"full": "a folder lies", "file": "a folder is needed"}.get(what, "a symbolic link stands")
    for job in (
        lambda: jobs(lake, []).land_into(raw(lake), date=DATE),
        lambda: jobs(lake, []).stage_into(raw(lake), raw_dir=stg(lake)),
        lambda: jobs(lake, []).stage_into(stg(lake), raw_dir=raw(lake)),
    ):
        with pytest.raises(FixThis, match=said):
            job()
    assert (tree(lake), tree(outside)) == (before, there)
    assert not (lake / "_levada").exists()


def test_a_page_edited_in_place_is_told_and_landing_restores_it(lake):
    done = jobs(lake).land_into(raw(lake), date=DATE)
    edited = lake / done.files[1]
    edited.chmod(0o644)
    edited.write_bytes(b"[]")
    with pytest.raises(FixThis) as told:
        jobs(lake).stage_into(stg(lake), raw_dir=raw(lake))
    assert f"{done.files[1]} was changed since it was committed" in told.value.what
    assert told.value.todo == "fetch and write them again: run the land job for that folder again"
    assert not Path(stg(lake)).exists()
    mended = jobs(lake).land_into(raw(lake), date=DATE)
    assert mended.changed
    jobs(lake).stage_into(stg(lake), raw_dir=raw(lake))
    assert rows(stg(lake)) == [1, 2, 3, 4]


def foreign(folder: str, names=("1.json", "2.json")) -> Path:
    path = Path(folder)
    path.mkdir(parents=True)
    for number, name in enumerate(names, start=1):
        (path / name).write_text(json.dumps([{"price": number}]))
    return path


def test_a_link_among_foreign_raw_files(lake, tmp_path):
    folder = foreign(raw(lake))
    (tmp_path / "3.json").write_text('[{"price": 3}]')
    (folder / "3.json").symlink_to(tmp_path / "3.json")
    with pytest.raises(FixThis) as told:
        jobs(lake).stage_into(stg(lake), raw_dir=raw(lake))
    assert told.value.what == f"raw/{DATE}/3.json is a symbolic link, and links are not followed"
    assert (told.value.where, told.value.todo) == (str(lake), "put the file itself in its place")
    assert not Path(stg(lake)).exists()


def test_names_that_are_no_text_are_told_and_do_no_harm(lake):
    folder = foreign(raw(lake))
    (folder / os.fsdecode(b"\xff\n.txt")).write_bytes(b"")
    done = jobs(lake).stage_into(stg(lake), raw_dir=raw(lake))
    assert rows(stg(lake)) == [1, 2]
    assert done.notes[0].endswith(r": \udcff\n.txt")
    (folder / os.fsdecode(b"\xff3.json")).write_bytes(b"[]")
    with pytest.raises(FixThis, match="no name for a lake file") as told:
        jobs(lake).stage_into(stg(lake), raw_dir=raw(lake))
    str(told.value).encode()
    assert rows(stg(lake)) == [1, 2]


def test_foreign_raw_files_stay_theirs(lake):
    foreign(raw(lake))
    before = tree(lake)
    jobs(lake).stage_into(stg(lake), raw_dir=raw(lake))
    assert before.items() <= tree(lake).items()


def test_without_links_and_exchange(lake):
    poor = refusing(link=errno.EPERM, exchange=errno.EINVAL)
    foreign(raw(lake), ("stale.json",))
    jobs(lake, calls=poor).land_into(raw(lake), date=DATE)
    jobs(lake, calls=poor).stage_into(stg(lake), raw_dir=raw(lake))
    assert (stems(raw(lake)), rows(stg(lake))) == (NAMES, [1, 2, 3, 4])
    before = tree(lake)
    assert not jobs(lake, calls=poor).land_into(raw(lake), date=DATE).changed
    assert tree(lake) == before


@pytest.mark.parametrize("name", ["é/продажи 2022-08-09", "x" * 250, "a/" * 200 + "b", "100%/{page}"])
def test_long_and_foreign_folder_names(lake, name):
    jobs(lake).land_into(raw(lake, name), date=DATE)
    assert stems(raw(lake, name)) == NAMES
    jobs(lake).stage_into(stg(lake), raw_dir=raw(lake, name))
    assert rows(stg(lake)) == [1, 2, 3, 4]


@pytest.mark.parametrize("name", ["x" * 256, "new/" + "x" * 256, "new/" + "x" * 256 + "/b", "/".join(["x" * 200] * 25)])
def test_names_that_no_file_system_takes_are_refused_before_anything_is_asked(lake, name):
    lake.mkdir()
    with pytest.raises(FixThis, match="the file system does not take this name"):
        jobs(lake, []).land_into(raw(lake, name), date=DATE)
    assert list(lake.iterdir()) == []


def test_an_error_while_the_folder_is_shown_is_mended_by_the_next_job(lake):
    foreign(raw(lake), ("stale.json",))
    with pytest.raises(LevadaError, match="the disk is full"):
        jobs(lake, calls=refusing(exchange=errno.ENOSPC)).land_into(raw(lake), date=DATE)
    assert stems(raw(lake)) == ["stale"]
    done = jobs(lake, []).land_into(raw(lake), date=DATE)
    assert (done.requests, stems(raw(lake))) == (0, NAMES)


def test_jobs_at_once_for_one_folder_end_with_one_of_them_whole(lake):
    """Two dates, two threads each, into one folder: each waits for its turn."""
    errors = []

    def work(date):
        try:
            jobs(lake).land_into(raw(lake, "one"), date=date)
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(date,)) for date in (DATE, "2022-08-10") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert stems(raw(lake, "one")) in ([name.replace(DATE, date) for name in NAMES] for date in (DATE, "2022-08-10"))


def test_stage_jobs_that_name_each_other_s_folders_come_to_an_end(lake):
    ended = []

    def work(one, other):
        for _ in range(5):
            try:
                ended.append(jobs(lake).stage_into(raw(lake, one), raw_dir=raw(lake, other)).outcome)
            except FixThis as error:
                ended.append(error.what)

    for name in ("a", "b"):
        jobs(lake).land_into(raw(lake, name), date=DATE)
    threads = [threading.Thread(target=work, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == 10
    assert {text for text in ended if text != "done"} in (
        {"a holds staged files, which a job made"},
        {"b holds staged files, which a job made"},
    )


def test_a_root_behind_a_link_may_be_named_either_way(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    pipeline = jobs(tmp_path / "link")
    assert pipeline.root == str(tmp_path / "link")
    for place in ("link", "real"):
        assert pipeline.land_into(f"{tmp_path}/{place}/raw/{place}", date=DATE).counts.read == 4
        assert len(list((tmp_path / "real" / "raw" / place).iterdir())) == 3
    for place in ("link", "real"):
        with pytest.raises(FixThis, match="is the root itself"):
            pipeline.land_into(f"{tmp_path}/{place}/", date=DATE)


def test_a_root_written_with_steps_up_is_named_where_it_lies(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    pipeline = jobs(tmp_path / "a" / "b" / ".." / "lake")
    assert pipeline.root == str(tmp_path / "a" / "lake")
    pipeline.land_into(f"{tmp_path}/a/lake/raw", date=DATE)
    assert len(list((tmp_path / "a" / "lake" / "raw").iterdir())) == 3
    with pytest.raises(FixThis, match="steps up"):
        pipeline.land_into(f"{tmp_path}/a/b/../lake/raw", date=DATE)


def test_the_root_of_the_file_system_is_no_root_of_jobs(tmp_path):
    with pytest.raises(FixThis, match="the root of the file system is no lake") as told:
        jobs(Path("/")).land_into(f"{tmp_path}/raw", date=DATE)
    assert (told.value.where, told.value.todo) == ("/", "name a folder that is there for data alone")
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_the_root_of_the_file_system_is_no_root_of_jobs_either(tmp_path):
    link, outside = tmp_path / "lake", tmp_path / "outside"
    link.symlink_to("/")
    for raw in (f"{link}{outside}", str(outside)):
        with pytest.raises(FixThis, match="the root of the file system is no lake"):
            jobs(link).land_into(raw, date=DATE)
    assert not outside.exists()
