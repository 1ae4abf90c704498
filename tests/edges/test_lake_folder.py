"""One folder of a lake on disk, replaced whole: whatever lies in it, whatever the system lacks, whoever meddles."""

import contextlib
import errno
import fcntl
import os
import stat
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from levada.errors import FixThis, LevadaError
from levada.lake.calls import Calls
from levada.lake.disk import DiskStore
from levada.lake.store import Missing

X = "raw/sales/2022-08-09"
NEW = {"1.json": b"[1]", "2.json": b"[2]"}


def refusing(call: str, number: int) -> Calls:
    """Calls of a file system that lacks one of them."""

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    calls = Calls()
    setattr(calls, call, refuse)
    return calls


SYSTEMS: dict[str, Callable[[], Calls]] = {
    "exchange": Calls,
    "no exchange (ENOSYS)": lambda: refusing("exchange", errno.ENOSYS),
    "no exchange (EINVAL)": lambda: refusing("exchange", errno.EINVAL),
    "no hard links": lambda: refusing("link", errno.EPERM),
}


@pytest.fixture
def lake(tmp_path) -> Path:
    return tmp_path / "lake"


@pytest.fixture(params=SYSTEMS)
def store(request, lake) -> DiskStore:
    return kept(DiskStore(lake, SYSTEMS[request.param]()))


def kept(store: DiskStore) -> DiskStore:
    for name, data in NEW.items():
        store.create(f"_levada/p/s/kept/{name}", data)
    return store


def keys(names=NEW) -> dict[str, str]:
    return {name: f"_levada/p/s/kept/{name}" for name in names}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def tree(top: Path) -> dict[str, tuple]:
    """Everything below a folder, each with all that would tell a change; what Levada itself keeps is left out."""
    found = {}
    for path in sorted(top.rglob("*")):
        if "_levada" not in path.relative_to(top).parts:
            status = path.lstat()
            text = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
            # The time of a folder tells only that something came and went.
            when = None if path.is_dir() else status.st_mtime_ns
            found[str(path)] = (status.st_ino, status.st_mode, when, status.st_nlink, text)
    return found


def in_the_making(lake: Path) -> list[Path]:
    return list((lake / "_levada/tmp").iterdir())


def grown_old(lake: Path, store: DiskStore) -> None:
    """What the run after an hour clears away."""
    store.tidy(datetime.now(UTC) + timedelta(minutes=1))


# -- what is replaced


def test_a_folder_that_is_not_there_is_made_with_those_above_it(lake, store):
    assert store.replace_folder(X, keys())
    assert content(lake / X) == NEW
    assert stat.S_IMODE((lake / X / "1.json").stat().st_mode) == 0o444
    assert in_the_making(lake) == []


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_of_no_files(lake, store, there):
    if there:
        (lake / X).mkdir(parents=True)
    assert store.replace_folder(X, {}) is not there
    assert content(lake / X) == {}


def test_an_empty_folder_is_filled(lake, store):
    (lake / X).mkdir(parents=True)
    assert store.replace_folder(X, keys())
    assert content(lake / X) == NEW


def litter(folder: Path, outside: Path) -> None:
    """Stale files of any origin."""
    folder.mkdir(parents=True)
    outside.mkdir()
    (outside / "precious").write_bytes(b"mine")
    (folder / "old.csv").write_bytes(b"a,b\n")
    (folder / "2.json").write_bytes(b"another 2")
    (folder / "read-only").write_bytes(b"")
    (folder / "read-only").chmod(0o400)
    (folder / "nothing allowed").write_bytes(b"")
    (folder / "nothing allowed").chmod(0)
    (folder / "link").symlink_to(outside / "precious")
    (folder / "folder link").symlink_to(outside)
    (folder / "dangling").symlink_to(outside / "nowhere")
    (folder / "hard link").hardlink_to(outside / "precious")
    os.mkfifo(folder / "pipe")
    (folder / os.fsdecode(b"no \xff text\n")).write_bytes(b"")


def test_stale_files_of_any_origin_go_and_what_they_led_to_stays(lake, store, tmp_path):
    outside = tmp_path / "outside"
    litter(lake / X, outside)
    (lake / X).with_name("2022-08-10").mkdir()
    ((lake / X).with_name("2022-08-10") / "1.json").write_bytes(b"another date")
    assert store.replace_folder(X, keys())
    assert content(lake / X) == NEW
    grown_old(lake, store)
    assert in_the_making(lake) == []
    assert content(outside) == {"precious": b"mine"}
    assert (outside / "precious").stat().st_nlink == 1, "the second name of it went too"
    assert content((lake / X).with_name("2022-08-10")) == {"1.json": b"another date"}


def test_a_folder_that_holds_just_these_files_is_not_touched(lake, store):
    store.replace_folder(X, keys())
    before = tree(lake)
    assert store.replace_folder(X, keys()) is False
    assert tree(lake) == before
    assert in_the_making(lake) == []


def test_a_folder_that_holds_equal_bytes_is_not_touched(lake, store):
    (lake / X).mkdir(parents=True)
    for name, data in NEW.items():
        (lake / X / name).write_bytes(data)
    before = tree(lake)
    assert store.replace_folder(X, keys()) is False
    assert tree(lake) == before


@pytest.mark.parametrize("there", [b"[3]", b"[1] ", b"", b"["])
def test_other_bytes_of_one_file_replace_the_folder(lake, store, there):
    store.replace_folder(X, keys())
    (lake / X / "1.json").unlink()
    (lake / X / "1.json").write_bytes(there)
    os.utime(lake / X / "1.json", ns=(0, 0))
    assert store.replace_folder(X, keys())
    assert content(lake / X) == NEW


def test_bytes_that_were_changed_under_the_same_size_and_time_are_found(lake, store):
    for data in (NEW["1.json"], b"[9]"):
        (lake / X).mkdir(parents=True, exist_ok=True)
        for name, told in {**NEW, "1.json": data}.items():
            (lake / X / name).write_bytes(told)
            os.utime(lake / X / name, ns=(10**18, 10**18))
        assert store.replace_folder(X, keys()) is (data == b"[9]")
    assert content(lake / X) == NEW


def test_a_name_in_the_folder_that_is_a_link_to_the_right_bytes_is_replaced(lake, store, tmp_path):
    store.replace_folder(X, keys())
    (lake / X / "1.json").unlink()
    (tmp_path / "same").write_bytes(NEW["1.json"])
    (lake / X / "1.json").symlink_to(tmp_path / "same")
    assert store.replace_folder(X, keys())
    assert not (lake / X / "1.json").is_symlink()
    assert content(lake / X) == NEW


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o2775])
def test_the_rights_of_the_folder_are_kept(lake, store, mode):
    (lake / X).mkdir(parents=True)
    (lake / X / "old").write_bytes(b"")
    (lake / X).chmod(mode)
    assert store.replace_folder(X, keys())
    assert stat.S_IMODE((lake / X).stat().st_mode) == mode


def test_what_cannot_be_shown_is_told_before_anything_is_touched(lake, store):
    litter(lake / X, lake.parent / "outside")
    before = tree(lake)
    with pytest.raises(Missing, match=r"kept/3\.json"):
        store.replace_folder(X, {**keys(), "3.json": "_levada/p/s/kept/3.json"})
    assert tree(lake) == before
    assert in_the_making(lake) == []


def test_files_and_folders_are_on_the_disk_in_time(lake):
    """Power loss cannot be had in a test; that everything was synced by the time can be seen."""
    synced: list[int] = []

    class Tracing(Calls):
        def fsync(self, descriptor):
            synced.append(os.fstat(descriptor).st_ino)

        def exchange(self, source, parent, name):
            assert source.stat().st_ino in synced, "the new folder, before it is shown"
            super().exchange(source, parent, name)

    store = kept(DiskStore(lake, Tracing()))
    (lake / X).mkdir(parents=True)
    (lake / X / "old").write_bytes(b"")
    store.replace_folder(X, keys())
    store.sync([X])
    assert {(lake / X).stat().st_ino, (lake / X).parent.stat().st_ino, lake.stat().st_ino} <= set(synced)


def test_a_file_system_that_syncs_no_folders(lake):
    class NoSync(Calls):
        def fsync(self, descriptor):
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    store = kept(DiskStore(lake, NoSync()))
    assert store.replace_folder(X, keys())
    store.sync([X, f"{X}/1.json"])
    assert content(lake / X) == NEW


# -- what is refused


def a_file(lake: Path, outside: Path) -> tuple[str, str, str, Path]:
    (lake / X).parent.mkdir(parents=True)
    (lake / X).write_bytes(b"a file")
    return X, "a folder is needed where a file stands", "move that file away", lake / X


def a_file_on_the_way(lake: Path, outside: Path) -> tuple[str, str, str, Path]:
    (lake / "raw").write_bytes(b"a file")
    return X, "a folder is needed where a file stands", "move that file away", lake / "raw"


def a_link(lake: Path, outside: Path) -> tuple[str, str, str, Path]:
    (lake / X).parent.mkdir(parents=True)
    (lake / X).symlink_to(outside)
    return X, "a symbolic link stands where a folder of the lake is needed", "put the folder itself", lake / X


def a_link_within_the_lake(lake: Path, outside: Path) -> tuple[str, str, str, Path]:
    (lake / X).mkdir(parents=True)
    (lake / X / "mine").write_bytes(b"")
    (lake / "short").symlink_to(lake / X)
    return "short", "a symbolic link stands where a folder of the lake is needed", "or name the folder", lake / "short"


def a_link_on_the_way(lake: Path, outside: Path) -> tuple[str, str, str, Path]:
    (outside / "sales/2022-08-09").mkdir(parents=True)
    (lake / "raw").symlink_to(outside)
    return X, "a symbolic link stands where a folder of the lake is needed", "put the folder itself", lake / "raw"


def a_dangling_link(lake: Path, outside: Path) -> tuple[str, str, str, Path]:
    (lake / "raw").symlink_to(outside / "nowhere")
    return X, "a symbolic link stands where a folder of the lake is needed", "put the folder itself", lake / "raw"


def levadas_own(lake: Path, outside: Path) -> tuple[str, str, str, Path]:
    return "_levada/p/s/kept", "_levada/ is Levada's own folder", "name another folder", Path("_levada/p/s/kept")


def levadas_own_in_capitals(lake: Path, outside: Path) -> tuple[str, str, str, Path]:
    return "_Levada/p", "_levada/ is Levada's own folder", "name another folder", Path("_Levada/p")


def a_folder_with_folders(lake: Path, outside: Path) -> tuple[str, str, str, Path]:
    (lake / X / "sub").mkdir(parents=True)
    (lake / X / "sub/mine").write_bytes(b"mine")
    (lake / X / "1.json").write_bytes(b"old")
    return X, "a folder lies in the folder of a job, where only files can be: sub", "holds files only", lake / X


def a_folder_with_an_empty_folder_of_no_text(lake: Path, outside: Path) -> tuple[str, str, str, Path]:
    (lake / X / os.fsdecode(b"\xff\n")).mkdir(parents=True)
    return X, r"where only files can be: \udcff\n", "holds files only", lake / X


def a_name_too_long(lake: Path, outside: Path) -> tuple[str, str, str, Path]:
    return "raw/" + "x" * 256, "the file system does not take this name", "change", lake / ("raw/" + "x" * 256)


REFUSED = [
    a_file,
    a_file_on_the_way,
    a_link,
    a_link_within_the_lake,
    a_link_on_the_way,
    a_dangling_link,
    levadas_own,
    levadas_own_in_capitals,
    a_folder_with_folders,
    a_folder_with_an_empty_folder_of_no_text,
    a_name_too_long,
]


@pytest.mark.parametrize("made", REFUSED, ids=lambda made: made.__name__)
def test_what_may_not_be_replaced_is_told_and_left_alone(lake, store, tmp_path, made):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"mine")
    folder, what, todo, where = made(lake, outside)
    before = tree(tmp_path), in_the_making(lake)
    for door in (lambda: store.replaceable(folder), lambda: store.replace_folder(folder, keys())):
        with pytest.raises(FixThis) as refused:
            door()
        assert what in refused.value.what
        assert todo in refused.value.todo
        assert refused.value.where == str(where)
        str(refused.value).encode()
        assert (tree(tmp_path), in_the_making(lake)) == before


def test_entries_tells_what_lies_there_and_refuses_the_rest(lake, store):
    assert store.entries(X) == ()
    litter(lake / X, lake.parent / "outside")
    with pytest.raises(FixThis, match="a file is needed where a named pipe stands"):
        store.entries(X)
    (lake / X / "pipe").unlink()
    found = {entry.key.rpartition("/")[2]: entry for entry in store.entries(X)}
    assert found.keys() == {path.name for path in (lake / X).iterdir()}
    assert {name for name, entry in found.items() if entry.link} == {"link", "folder link", "dangling"}
    assert (found["old.csv"].key, found["old.csv"].size) == (f"{X}/old.csv", 4)
    (lake / X / "sub").mkdir()
    with pytest.raises(FixThis, match="where only files can be: sub"):
        store.entries(X)


# -- what somebody does between the last look and the swap


class Meddling(Calls):
    """Lets somebody act just before the first swap; without exchange it takes two renames."""

    def __init__(self, act: Callable[[], object], *, exchanges: bool) -> None:
        self.acts = [act]
        self.exchanges = exchanges

    def _meddle(self) -> None:
        while self.acts:
            self.acts.pop()()

    def exchange(self, source: Path, parent: int, name: str) -> None:
        self._meddle()
        if not self.exchanges:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        super().exchange(source, parent, name)


def become(path: Path, other: Callable[[Path], object]) -> Callable[[], object]:
    """Move what lies there aside, and put something else in its place."""

    def act() -> None:
        if path.exists():
            path.rename(path.with_name("aside"))
        other(path)

    return act


def with_sub_folder(path: Path) -> None:
    (path / "sub").mkdir()
    (path / "sub/mine").write_bytes(b"mine")


@pytest.fixture(params=[True, False], ids=["exchange", "two renames"])
def exchanges(request) -> bool:
    return request.param


SWAPPED_IN = {
    "a file": (lambda path, _: path.write_bytes(b"mine"), "a folder is needed where a file stands"),
    "a link": (lambda path, outside: path.symlink_to(outside), "a symbolic link stands where a folder"),
    "a full folder": (lambda path, _: (path.mkdir(), with_sub_folder(path)), "where only files can be: sub"),
}


@pytest.mark.parametrize("what", SWAPPED_IN)
def test_what_takes_the_folder_s_place_at_the_last_moment_is_put_back(lake, tmp_path, what, exchanges):
    outside = tmp_path / "outside"
    litter(lake / X, outside)
    put, said = SWAPPED_IN[what]
    seen = {}

    def act() -> None:
        become(lake / X, lambda path: put(path, outside))()
        seen.update(tree(tmp_path))

    store = kept(DiskStore(lake, Meddling(act, exchanges=exchanges)))
    with pytest.raises(FixThis, match=said) as refused:
        store.replace_folder(X, keys())
    assert refused.value.where == str(lake / X)
    assert tree(tmp_path) == seen
    assert in_the_making(lake) == []


def test_a_folder_that_appears_in_it_at_the_last_moment_is_put_back_with_it(lake, tmp_path, exchanges):
    litter(lake / X, tmp_path / "outside")
    seen = {}

    def act() -> None:
        with_sub_folder(lake / X)
        seen.update(tree(tmp_path))

    store = kept(DiskStore(lake, Meddling(act, exchanges=exchanges)))
    with pytest.raises(FixThis, match="where only files can be: sub") as refused:
        store.replace_folder(X, keys())
    assert refused.value.where == str(lake / X)
    assert tree(tmp_path) == seen
    assert in_the_making(lake) == []


def test_a_file_that_appears_at_the_last_moment_goes_with_the_others(lake, exchanges):
    litter(lake / X, lake.parent / "outside")
    store = kept(DiskStore(lake, Meddling(lambda: (lake / X / "late").write_bytes(b""), exchanges=exchanges)))
    assert store.replace_folder(X, keys())
    assert content(lake / X) == NEW


def test_a_folder_that_goes_at_the_last_moment(lake, exchanges):
    litter(lake / X, lake.parent / "outside")
    gone = lake.parent / "gone"
    store = kept(DiskStore(lake, Meddling(lambda: (lake / X).rename(gone), exchanges=exchanges)))
    assert store.replace_folder(X, keys())
    assert content(lake / X) == NEW
    assert (gone / "old.csv").exists()


def test_a_folder_above_that_goes_at_the_last_moment_is_made_again(lake, exchanges):
    """Another run removes the folder above while it is empty."""
    store = kept(DiskStore(lake, Meddling((lake / X).parent.rmdir, exchanges=exchanges)))
    assert store.replace_folder(X, keys())
    assert content(lake / X) == NEW


@pytest.mark.parametrize("swapped", ["raw", "raw/sales"])
def test_a_link_on_the_way_at_the_last_moment_leads_nowhere(lake, tmp_path, swapped, exchanges):
    """The folders on the way are open by then: what is replaced is what was looked at, wherever it lies now."""
    outside = tmp_path / "outside"
    litter(lake / X, outside)
    (outside / "sales/2022-08-09").mkdir(parents=True)
    (outside / "2022-08-09").mkdir()
    for folder in ("sales/2022-08-09", "2022-08-09"):
        (outside / folder / "mine").write_bytes(b"mine")
    before = tree(outside)
    act = become(lake / swapped, lambda path: path.symlink_to(outside))
    DiskStore(lake)
    store = kept(DiskStore(lake, Meddling(act, exchanges=exchanges)))
    store.replace_folder(X, keys())
    assert tree(outside) == before
    moved = (lake / swapped).with_name("aside") / Path(X).relative_to(swapped)
    assert content(moved) == NEW


@pytest.mark.parametrize("when", ["mkdir", "link", "chmod", "fsync"])
def test_a_link_on_the_way_while_the_folder_is_made_leads_nowhere(lake, tmp_path, when):
    outside = tmp_path / "outside"
    litter(lake / X, outside)
    (lake / X).chmod(0o700)
    (outside / "sales/2022-08-09").mkdir(parents=True)
    (outside / "sales/2022-08-09/mine").write_bytes(b"mine")
    before = tree(outside)
    kept(DiskStore(lake))
    calls, act = Calls(), become(lake / "raw", lambda path: path.symlink_to(outside))
    real = getattr(calls, when)

    def meddled(*arguments):
        if not (lake / "raw").is_symlink():
            act()
        return real(*arguments)

    setattr(calls, when, meddled)
    with pytest.raises(FixThis, match="a symbolic link stands where a folder"):
        DiskStore(lake, calls).replace_folder(X, keys())
    assert tree(outside) == before
    assert in_the_making(lake) == []
    assert (lake / "aside/sales/2022-08-09/old.csv").exists()


# -- what is left


def leftover(lake: Path, name: str, *, old: bool = True) -> Path:
    path = lake / "_levada/tmp" / name
    path.mkdir(parents=True)
    (path / "1.json").write_bytes(b"")
    return path


HOUR_AGO = timedelta(hours=1)


def test_folders_that_dead_makers_left_go_and_living_ones_stay(lake):
    store = DiskStore(lake)
    dead, living = leftover(lake, "=1-a"), leftover(lake, "=1-b")
    (dead / "link").symlink_to(lake.parent)
    holder = os.open(living, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_SH)
    store.tidy(datetime.now(UTC) - HOUR_AGO)
    assert dead.exists(), "younger than an hour"
    grown_old(lake, store)
    assert (dead.exists(), content(living)) == (False, {"1.json": b""})
    os.close(holder)
    grown_old(lake, store)
    assert not living.exists()


def test_what_is_left_with_folders_in_it_stays_whole(lake):
    store = DiskStore(lake)
    strange = leftover(lake, "=1-a-old")
    with_sub_folder(strange)
    before = tree(strange)
    grown_old(lake, store)
    assert tree(strange) == before


def test_what_is_left_and_is_no_folder_is_not_followed(lake, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"mine")
    store = DiskStore(lake)
    (lake / "_levada/tmp").mkdir(parents=True)
    (lake / "_levada/tmp/=1-a").symlink_to(outside)
    grown_old(lake, store)
    assert content(outside) == {"precious": b"mine"}


def test_the_folder_in_the_making_is_not_tidied_away_however_old(lake):
    tidied = []

    class Slow(Calls):
        def exchange(self, source, parent, name):
            if not tidied:
                tidied.append(grown_old(lake, DiskStore(lake)))
            super().exchange(source, parent, name)

    (lake / X).mkdir(parents=True)
    (lake / X / "old").write_bytes(b"")
    assert kept(DiskStore(lake, Slow())).replace_folder(X, keys())
    assert tidied
    assert content(lake / X) == NEW


def test_an_error_on_the_way_leaves_nothing(lake):
    litter(lake / X, lake.parent / "outside")
    before = tree(lake)
    for call, number in (("exchange", errno.EIO), ("link", errno.ENOSPC), ("chmod", errno.EIO), ("fsync", errno.EIO)):
        calls = refusing(call, number)
        store = DiskStore(lake)
        if not (lake / "_levada/p").exists():
            kept(store)
        (lake / X).chmod(0o711)
        before = tree(lake)
        with pytest.raises(LevadaError):
            DiskStore(lake, calls).replace_folder(X, keys())
        assert tree(lake) == before
        assert in_the_making(lake) == []


# -- readers


def looks(folder: Path, stop: int) -> Iterator[dict[str, bytes]]:
    """What a reader sees that opens the folder and reads all in it, again and again until `stop` is closed."""
    os.set_blocking(stop, False)
    while True:
        with contextlib.suppress(BlockingIOError):
            if os.read(stop, 1) == b"":
                return
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        seen = {}
        for name in os.listdir(descriptor):  # noqa: PTH208 - the folder that is open
            file = os.open(name, os.O_RDONLY, dir_fd=descriptor)
            seen[name] = os.read(file, 100)
            os.close(file)
        os.close(descriptor)
        yield seen


def reader(folder: Path, stop: int, states: list[dict[str, bytes]]) -> int:
    """How many times it looked; raises where it saw neither the one nor the other."""
    times = 0
    for seen in looks(folder, stop):
        assert seen in states, f"a mixture, or a part: {seen}"
        times += 1
    return times


def test_a_reader_that_opens_the_folder_sees_the_old_one_or_the_new_one(lake):
    store = kept(DiskStore(lake))
    states = [NEW, {f"{number}.avro": b"%d" % number for number in range(40)}]
    for name, data in states[1].items():
        store.create(f"_levada/p/s/kept/{name}", data)
    store.replace_folder(X, keys(states[0]))
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(writing)
        code = 1
        try:
            code = 0 if reader(lake / X, reading, states) else 2
        except BaseException as error:  # noqa: BLE001 - a child of fork must end here, not in pytest
            print(repr(error), file=sys.stderr)
        finally:
            os._exit(code)
    os.close(reading)
    for number in range(1, 401):
        assert store.replace_folder(X, keys(states[number % 2]))
    os.close(writing)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
