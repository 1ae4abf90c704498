"""The disk store on a real disk: links, modes, symbolic links, files in the way, a full disk, dead writers."""

import contextlib
import errno
import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conformance import check_store
from lakeside import FOUR, RAW, area_in, carry, public_tree
from levada.errors import FixThis, LeaseHeld, TryLater
from levada.lake import making
from levada.lake.calls import Calls
from levada.lake.disk import DiskStore
from levada.lake.lease import read_record
from levada.lake.status import status
from levada.lake.store import Exists, Held, Missing
from levada.lake.verify import check_files
from patience import PATIENCE


@pytest.fixture
def lake(tmp_path):
    return tmp_path / "lake"


class NoLinks(Calls):
    """A file system without hard links."""

    def link(self, source, target):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), str(source), None, str(target))


class Refusing(Calls):
    """Refuses one kind of call."""

    def __init__(self, name, number):
        def refuse(*_):
            raise OSError(number, os.strerror(number))

        setattr(self, name, refuse)


class Tracing(Calls):
    """Tells which inodes were fsynced before each rename and each link of a public name, by the new name."""

    def __init__(self):
        self.synced = set()
        self.steps = []

    def fsync(self, descriptor):
        self.synced.add(os.fstat(descriptor).st_ino)
        super().fsync(descriptor)

    def rename(self, source, target):
        super().rename(source, target)  # refused the first time, where the folder is yet to be made
        self._step(target)

    def link(self, source, target):
        super().link(source, target)
        if "_levada" not in Path(target).parts:
            self._step(target)

    def _step(self, target):
        self.steps.append((Path(target), self.synced))
        self.synced = set()


class NoNameless(Calls):
    """A file system without O_TMPFILE; counts who asks for it."""

    def __init__(self, number=errno.EOPNOTSUPP):
        self.number = number
        self.asked = 0

    def open(self, path, flags, mode):
        if flags & making.NAMELESS == making.NAMELESS:
            self.asked += 1
            raise OSError(self.number, os.strerror(self.number))
        return super().open(path, flags, mode)


class NoLinkToNameless(Calls):
    """A file system that has O_TMPFILE, but gives such a file no name."""

    def link(self, source, target):
        if isinstance(source, int):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        super().link(source, target)


def temporary(lake: Path) -> list[str]:
    folder = lake / "_levada/tmp"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def test_public_names_are_read_only_links_to_the_kept_bytes(lake):
    record = carry(DiskStore(lake))
    for file in record.files:
        kept = (lake / file.key).stat()
        assert kept.st_mode & 0o222 == 0
        if file.public:
            assert (lake / file.public).stat().st_ino == kept.st_ino
    assert temporary(lake) == []


def inodes(*paths: Path) -> set[int]:
    return {path.stat().st_ino for path in paths}


def folders_above(lake: Path, keys) -> set[int]:
    above = {folder for key in keys for folder in (lake / key).parents if folder.is_relative_to(lake)}
    return inodes(*above)


def test_what_is_on_the_disk_before_each_step(lake):
    """Power loss cannot be had in a test; that everything was synced before the step that relies on it can be seen."""
    calls = Tracing()
    record = carry(DiskStore(lake, calls))
    (commit, before_commit), *shown, (mark, before_mark) = calls.steps
    assert commit.name == mark.name == "commit.json"
    keys = [file.key for file in record.files]
    public = [file.public for file in record.files if file.public]
    assert sorted(path for path, _ in shown) == sorted(lake / name for name in public)
    assert inodes(*(lake / key for key in keys)) <= before_commit
    assert folders_above(lake, keys) <= before_commit
    assert len(before_commit - inodes(*(lake / key for key in keys)) - folders_above(lake, keys)) >= 1, (
        "the record itself"
    )
    after_commit = shown[0][1]
    assert inodes(commit.parent) <= after_commit, "the record is durable before anything public changes"
    assert folders_above(lake, public) <= before_mark
    assert calls.synced == inodes(mark.parent)


def test_deleted_names_are_synced_before_the_mark(lake):
    carry(DiskStore(lake))
    calls = Tracing()
    carry(DiskStore(lake, calls), FOUR[:1])
    assert inodes((lake / RAW.format(1)).parent) <= calls.steps[-1][1]


def test_a_replacement_in_a_new_folder_is_durable_with_its_folders(lake):
    calls = Tracing()
    DiskStore(lake, calls).replace("a/b/commit", b"1", None)
    assert calls.synced == inodes(lake / "a/b", lake / "a", lake)


def test_store_without_links_keeps_every_promise(lake):
    check_store_copying(lake)


def check_store_copying(lake):
    store = DiskStore(lake, NoLinks())
    record = carry(store)
    file = record.files[0]
    assert (lake / file.public).stat().st_ino != (lake / file.key).stat().st_ino
    assert public_tree(store) == public_tree_of(lake)
    assert check_files(area_in(store), record) == []
    assert temporary(lake) == []
    before = {path: path.stat().st_mtime_ns for path in (lake / "raw").rglob("*")}
    assert carry(store) == record
    assert {path: path.stat().st_mtime_ns for path in (lake / "raw").rglob("*")} == before


def public_tree_of(lake):
    files = [path for path in lake.rglob("*") if path.is_file() and "_levada" not in path.parts]
    return {path.relative_to(lake).as_posix(): path.read_bytes() for path in files}


def test_create_only_without_links(lake):
    store = DiskStore(lake, NoLinks())
    store.create("a/b", b"1")
    with pytest.raises(Exception, match="a/b") as refused:
        store.create("a/b", b"2")
    assert type(refused.value).__name__ == "Exists"
    assert (store.read("a/b"), temporary(lake)) == (b"1", [])


WITHOUT = {
    "O_TMPFILE (EOPNOTSUPP)": NoNameless,
    "O_TMPFILE (EISDIR)": lambda: NoNameless(errno.EISDIR),
    "names for such files": NoLinkToNameless,
}


@pytest.mark.skipif(not making.NAMELESS, reason="THE SECOND WAY IS THE ONLY ONE HERE: no O_TMPFILE")
@pytest.mark.parametrize("what", WITHOUT)
def test_a_file_system_without(lake, what):
    check_store(DiskStore(lake, WITHOUT[what]()))
    record = carry(store := DiskStore(lake, WITHOUT[what]()))
    assert check_files(area_in(store), record) == []
    assert temporary(lake) == []


@pytest.mark.skipif(not making.NAMELESS, reason="THE SECOND WAY IS THE ONLY ONE HERE: no O_TMPFILE")
def test_what_a_file_system_does_not_know_is_asked_for_once(lake):
    calls = NoNameless()
    store = DiskStore(lake, calls)
    for number in range(3):
        store.create(str(number), b"")
    assert calls.asked == 1


@pytest.mark.skipif(not making.NAMELESS, reason="THE SECOND WAY IS THE ONLY ONE HERE: no O_TMPFILE")
def test_a_refusal_of_one_name_says_nothing_of_the_file_system(lake):
    calls = Counting()
    store = DiskStore(lake, calls)
    with pytest.raises(FixThis, match="does not take this name"):
        store.create("x" * 300, b"")
    calls.made.clear()
    store.create("a", b"1")
    assert calls.made == ["open", "write", "link"]
    with pytest.raises(Exists):
        store.create("a", b"2")
    assert (store.read("a"), (lake / "a").stat().st_mode & 0o777) == (b"1", 0o444)


def test_a_system_without_nameless_files(lake, monkeypatch):
    monkeypatch.setattr(making, "NAMELESS", 0)
    calls = Counting()
    store = DiskStore(lake, calls)
    store.create("a", b"1")
    assert calls.made[-4:] == ["open", "write", "link", "unlink"]
    check_store(DiskStore(lake / "below"))


class Counting(Calls):
    """Tells what was called."""

    def __init__(self):
        self.made = []


for _name in ("open", "write", "fsync", "link", "rename", "unlink", "mkdir"):

    def _counted(self, *arguments, name=_name):
        self.made.append(name)
        return getattr(Calls, name)(self, *arguments)

    setattr(Counting, _name, _counted)


def test_a_free_name_costs_one_link_and_a_taken_one_is_replaced_in_one_step(lake):
    calls = Counting()
    store = DiskStore(lake, calls)
    store.create("shown/1", b"1")
    store.create("2", b"2")
    calls.made.clear()
    store.copy("2", "shown/2")
    assert calls.made == ["link"]
    calls.made.clear()
    store.copy("2", "shown/1")
    assert calls.made == ["link", "link", "rename", "unlink"]
    assert (store.read("shown/1"), store.read("shown/2")) == (b"2", b"2")
    assert temporary(lake) == []


@pytest.mark.parametrize("count", [3, 40], ids=["few", "many, side by side"])
def test_all_files_are_synced_once_under_whatever_name(lake, count):
    calls = Tracing()
    store = DiskStore(lake, calls)
    keys = [f"kept/{number}" for number in range(count)]
    for key in keys:
        store.create(key, key.encode())
    store.sync([*keys, "kept", "kept/never", "kept/0/never"])
    files = inodes(*(lake / key for key in keys))
    assert calls.synced == files | inodes(lake, lake / "kept")
    for key in keys:
        store.copy(key, f"shown/{key}")
    (lake / "kept/1").unlink()
    store.create("kept/1", b"another")
    store.copy("kept/1", "shown/kept/1")
    (lake / "kept/2").chmod(0o644)
    (lake / "kept/2").write_bytes(b"changed")
    calls.synced.clear()
    store.sync([f"shown/{key}" for key in keys])
    changed = inodes(lake / "kept/1", lake / "kept/2")
    assert calls.synced == changed | inodes(lake, lake / "shown", lake / "shown/kept")


@pytest.mark.parametrize("count", [1, 40], ids=["few", "many, side by side"])
def test_a_file_that_cannot_be_synced_is_told(lake, count):
    class Failing(Calls):
        def fsync(self, descriptor):
            if os.pread(descriptor, 1, 0) == b"!":
                raise OSError(errno.EIO, os.strerror(errno.EIO))

    store = DiskStore(lake)
    for number in range(count):
        store.create(f"a/{number}", b"!" if number == count // 2 else b"")
    keys = [f"a/{number}" for number in range(count)]
    failing = DiskStore(lake, Failing())
    for _ in range(2):
        with pytest.raises(TryLater, match="the disk did not do what it was asked to") as refused:
            failing.sync(keys)
        assert refused.value.where == str(lake / f"a/{count // 2}"), "not taken for safe the second time either"


def test_a_link_that_comes_later_is_seen(lake, tmp_path):
    store = DiskStore(lake)
    store.create("raw/day/1.json", b"1")
    store.create("kept", b"kept")
    outside = tmp_path / "outside"
    (lake / "raw").rename(outside)
    (lake / "raw").symlink_to(outside)
    doors = [
        lambda: store.head("raw/day/1.json"),
        lambda: store.create("raw/day/2.json", b""),
        lambda: store.copy("kept", "raw/day/2.json"),
        lambda: store.sync(["kept", "raw/day/1.json"]),
    ]
    for door in doors:
        with pytest.raises(FixThis, match=f"leads out of the lake, to {outside}/day"):
            door()
    (lake / "raw").unlink()
    (lake / "other").mkdir()
    (lake / "raw").symlink_to(lake / "other")
    store.create("raw/day/2.json", b"2")
    assert (lake / "other/day/2.json").read_bytes() == b"2", "a link within the lake is the user's own affair"


def test_editing_in_place_changes_both_and_is_found(lake):
    store = DiskStore(lake)
    record = carry(store)
    shown = lake / record.files[0].public
    shown.chmod(0o644)
    shown.write_bytes(b"[")
    problems = check_files(area_in(store), record)
    assert [problem.key for problem in problems] == [record.files[0].key, record.files[0].public]
    assert carry(store) == record
    assert check_files(area_in(store), record) == []
    assert shown.read_bytes() == FOUR[0]


def test_landing_names_the_staged_file_that_was_edited_in_place(lake):
    store = DiskStore(lake)
    record = carry(store)
    shown = lake / record.files[4].public
    shown.chmod(0o644)
    with shown.open("ab") as stream:
        stream.write(b"x")
    before = public_tree(store)
    with pytest.raises(FixThis, match=f"^{record.files[4].public} was changed since it was committed") as refused:
        carry(store, staged=False)
    assert refused.value.where == str(shown)
    assert (read_record(area_in(store))[0], public_tree(store)) == (record, before)
    # The run that was refused had left its pages: the record is fenced against it before they go.
    assert replace(carry(store), fenced="") == record
    assert check_files(area_in(store), record) == []


def test_deleting_takes_empty_folders_but_never_the_root(lake):
    store = DiskStore(lake)
    store.create("a/b/c/1", b"")
    store.create("a/2", b"")
    store.delete("a/b/c/1")
    assert sorted(path.name for path in (lake / "a").iterdir()) == ["2"]
    (lake / "a/empty").mkdir()
    store.delete("a/empty/gone")  # as after a crash between the file and its folder
    store.delete("a/2")
    store.delete("a")
    assert not (lake / "a").exists()
    assert lake.is_dir()


def test_links_out_of_the_lake_are_refused(lake, tmp_path):
    store = DiskStore(lake)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "1.json").write_bytes(b"mine")
    lake.mkdir()
    (lake / "raw").symlink_to(outside)
    doors = [
        lambda: store.read("raw/1.json"),
        lambda: store.head("raw/1.json"),
        lambda: store.create("raw/2.json", b""),
        lambda: store.replace("raw/1.json", b"", None),
        lambda: store.delete("raw/1.json"),
        lambda: list(store.list("raw")),
        lambda: store.sync(["raw/1.json"]),
        lambda: store.held("raw/lock"),
        lambda: store.lock("raw/lock", b"").__enter__(),
    ]
    for door in doors:
        with pytest.raises(FixThis, match="leads out of the lake") as refused:
            door()
        assert str(lake / "raw") in refused.value.where
        assert "symbolic link" in refused.value.todo
    assert [path.name for path in outside.iterdir()] == ["1.json"]
    assert list(store.list("")) == [], "links are not followed"


def test_a_link_in_a_file_s_place(lake, tmp_path):
    """The lake's names are hard links: a symbolic one is never ours, wherever it leads."""
    store = DiskStore(lake)
    (tmp_path / "secret").write_bytes(b"outside")
    store.create("kept", b"inside")
    (lake / "a").symlink_to(tmp_path / "secret")
    (lake / "b").symlink_to(lake / "kept")
    (lake / "round").symlink_to(lake / "round")
    for name in ("a", "b", "round"):
        entry = store.head(name)
        assert entry is not None, "it is there: nobody may write over it unasked"
        assert entry.link
        with pytest.raises(FixThis) as refused:
            store.read(name)
        assert str(refused.value) == (
            "a symbolic link stands where the lake needs the file or folder itself\n"
            f"  where: {lake / name}\n"
            "  to do: remove the link, or put what it leads to in its place"
        )
        with pytest.raises(Missing):
            store.copy(name, "c")
    store.copy("kept", "a")
    assert (store.read("a"), (tmp_path / "secret").read_bytes()) == (b"inside", b"outside")
    store.delete("b")
    assert store.read("kept") == b"inside"
    assert not store.head("kept").link


def test_a_lock_is_no_link(lake, tmp_path):
    store = DiskStore(lake)
    (tmp_path / "precious").write_bytes(b"outside")
    lake.mkdir()
    (lake / "lock").symlink_to(tmp_path / "precious")
    with pytest.raises(FixThis, match="a symbolic link stands"), store.lock("lock", b"me"):
        raise AssertionError("locked through a link")
    with pytest.raises(FixThis, match="a symbolic link stands"):
        store.held("lock")
    assert (tmp_path / "precious").read_bytes() == b"outside"


def make_link(path: Path, leads_to: str, lake: Path) -> Path:
    """Replace the file `path` by a symbolic link; to where."""
    outside = lake.parent / "outside"
    targets = {
        "file": outside / "file",
        "pipe": outside / "pipe",  # reading it would wait for ever
        "folder": outside,
        "nowhere": outside / "nowhere",
        "itself": path,
        "own": lake / RAW.format(3),
        "same bytes": outside / "same bytes",
    }
    outside.mkdir()
    (outside / "file").write_bytes(b"outside")
    (outside / "same bytes").write_bytes(path.read_bytes())
    os.mkfifo(outside / "pipe")
    path.unlink()
    path.symlink_to(targets[leads_to])
    return outside


LEADS_TO = ["file", "pipe", "folder", "nowhere", "itself", "own", "same bytes"]


@pytest.mark.parametrize("leads_to", LEADS_TO)
@pytest.mark.parametrize("name", ["key", "public"])
@pytest.mark.parametrize("bodies", [FOUR, FOUR[::-1]], ids=["same content", "other content"])
@pytest.mark.usefixtures("not_for_ever")
def test_a_link_under_one_of_our_names_is_told_and_replaced(lake, name, leads_to, bodies):
    store = DiskStore(lake)
    record = carry(store)
    file = record.files[1]
    outside = make_link(lake / getattr(file, name), leads_to, lake)
    before = {path.name: path.lstat() for path in outside.iterdir()}
    problems = check_files(area_in(store), record)
    assert [problem.key for problem in problems] == [getattr(file, name)]
    assert str(problems[0]).endswith(
        f"was changed since it was committed (SHA-256 expected {file.sha256}, found a symbolic link)"
    )
    again = carry(store, bodies)
    assert (again == record) == (bodies == FOUR)
    assert check_files(area_in(store), again) == []
    assert not (lake / file.public).is_symlink()
    assert public_tree(store) == public_tree_of(lake)
    for path in outside.iterdir():
        then, now = before.pop(path.name), path.lstat()
        assert (now.st_ino, now.st_size, now.st_mtime_ns, now.st_atime_ns, now.st_nlink) == (
            (then.st_ino, then.st_size, then.st_mtime_ns, then.st_atime_ns, then.st_nlink)
        )
    assert before == {}


def test_a_link_of_somebody_else_is_not_written_over_unasked(lake, tmp_path):
    (tmp_path / "secret").write_bytes(b"outside")
    (lake / RAW.format(2)).parent.mkdir(parents=True)
    (lake / RAW.format(2)).symlink_to(tmp_path / "secret")
    store = DiskStore(lake)
    with pytest.raises(FixThis, match="exists and was not written by Levada"):
        carry(store)
    carry(store, adopt=True)
    assert (lake / RAW.format(2)).read_bytes() == FOUR[1]
    assert (tmp_path / "secret").read_bytes() == b"outside"


@pytest.fixture
def not_for_ever():
    """Fails the test instead of waiting for ever."""

    def ring(*_):
        raise AssertionError(f"still waiting after {PATIENCE:.0f} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def make_odd(path: Path, kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(path.parent):
            made.bind(path.name)  # the whole path may be too long for a socket
    else:
        try:
            os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        except PermissionError:
            pytest.skip("DEVICES ARE NOT TESTED HERE: only root makes them")


KINDS = ["a named pipe", "a socket", "a device"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("not_for_ever")
def test_what_is_no_file_is_refused_without_waiting_for_it(lake, kind):
    store = DiskStore(lake)
    make_odd(lake / "raw/odd", kind)
    doors = [
        lambda: store.read("raw/odd"),
        lambda: store.open("raw/odd"),
        lambda: store.head("raw/odd"),
        lambda: store.copy("raw/odd", "raw/1"),
        lambda: store.replace("raw/odd", b"", None),
        lambda: store.held("raw/odd"),
        lambda: store.lock("raw/odd", b"me").__enter__(),
    ]
    for door in doors:
        with pytest.raises(FixThis) as refused:
            door()
        assert str(refused.value) == (
            f"a file is needed where {kind} stands\n  where: {lake / 'raw/odd'}\n  to do: remove it, then try again"
        )
    assert list(store.list("")) == []
    assert stat.S_IFMT((lake / "raw/odd").lstat().st_mode) != stat.S_IFREG


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["key", "public"])
@pytest.mark.parametrize("bodies", [FOUR, FOUR[:3]], ids=["same content", "other content"])
@pytest.mark.usefixtures("not_for_ever")
def test_what_is_no_file_under_one_of_our_names(lake, kind, name, bodies):
    store = DiskStore(lake)
    record = carry(store)
    odd = lake / getattr(record.files[1], name)
    make_odd(odd, kind)
    if name == "public" or bodies == FOUR:
        with pytest.raises(FixThis, match=f"a file is needed where {kind} stands") as refused:
            carry(store, bodies)
        assert refused.value.where == str(odd)
        assert read_record(area_in(store))[0] == record
        odd.unlink()
    assert check_files(area_in(store), carry(store, bodies)) == []


def test_a_lake_that_is_reached_by_a_link_is_fine(lake, tmp_path):
    lake.mkdir()
    (tmp_path / "short").symlink_to(lake)
    store = DiskStore(tmp_path / "short")
    store.create("a/b", b"1")
    assert (lake / "a/b").read_bytes() == b"1"


def test_lake_below_a_regular_file(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    store = DiskStore(tmp_path / "file/lake")
    with pytest.raises(FixThis) as refused:
        carry(store)
    assert refused.value.what == f"a folder is needed where a file stands: {tmp_path / 'file'}"
    assert "choose another folder for the lake" in refused.value.todo
    with pytest.raises(FixThis, match="a folder is needed where a file stands"):
        list(DiskStore(tmp_path / "file").list(""))


def test_public_name_below_a_regular_file_is_refused_before_the_commit(lake):
    lake.mkdir()
    (lake / "raw").write_bytes(b"mine")
    store = DiskStore(lake)
    with pytest.raises(FixThis, match="a folder is needed where a file stands") as refused:
        carry(store)
    assert str(lake / "raw") in refused.value.what
    assert read_record(area_in(store)) == (None, None)
    assert public_tree(store) == {"raw": b"mine"}


def test_folder_under_a_public_name_is_refused_before_the_commit(lake):
    (lake / RAW.format(2)).mkdir(parents=True)
    store = DiskStore(lake)
    with pytest.raises(FixThis, match="a file is needed where a folder stands") as refused:
        carry(store, adopt=True)
    assert refused.value.where == str(lake / RAW.format(2))
    assert read_record(area_in(store)) == (None, None)


def test_folder_in_place_of_one_of_our_own_files(lake):
    store = DiskStore(lake)
    record = carry(store)
    (lake / RAW.format(2)).unlink()
    (lake / RAW.format(2)).mkdir()
    for bodies in (FOUR, FOUR[:3]):
        with pytest.raises(FixThis, match="a file is needed where a folder stands"):
            carry(store, bodies)
    stands, _ = read_record(area_in(store))
    assert stands is not None
    assert replace(stands, fenced="") == record


def test_name_that_is_too_long(lake):
    with pytest.raises(FixThis, match="does not take this name") as refused:
        DiskStore(lake).create("x" * 300, b"")
    assert "change the template" in refused.value.todo
    assert temporary(lake) == []


@pytest.mark.parametrize("name", ["open", "write", "link", "mkdir"])
def test_refused_calls_are_told_and_leave_nothing(lake, name):
    store = DiskStore(lake, Refusing(name, errno.EROFS))
    with pytest.raises(FixThis, match="Read-only file system"):
        store.create("a/b", b"data")
    assert list(DiskStore(lake).list("")) == []
    assert temporary(lake) == []


@pytest.mark.parametrize("name", ["fsync", "rename"])
def test_a_refused_replacement_leaves_the_old_record(lake, name):
    tag = DiskStore(lake).replace("commit", b"old", None)
    with pytest.raises(TryLater, match="did not do what it was asked to"):
        DiskStore(lake, Refusing(name, errno.EIO)).replace("commit", b"new", tag)
    assert DiskStore(lake).read("commit") == b"old"
    assert temporary(lake) == []


def test_a_folder_that_goes_meanwhile_is_made_again(lake):
    class Racing(Calls):
        left = 0

        def _lose(self, target):
            if self.left:
                self.left -= 1
                Path(target).parent.rmdir()

        def rename(self, source, target):
            self._lose(target)
            super().rename(source, target)

        def link(self, source, target):
            self._lose(target)
            super().link(source, target)

    calls = Racing()
    store = DiskStore(lake, calls)
    store.create("kept", b"1")
    acts = {
        "copied": lambda key: store.copy("kept", key),
        "created": lambda key: store.create(key, b"1"),
        "replaced": lambda key: store.replace(key, b"1", None),
    }
    for folder, act in acts.items():
        (lake / folder).mkdir()
        calls.left = 5
        act(f"{folder}/a")
        assert (calls.left, store.read(f"{folder}/a")) == (0, b"1")


def test_tidy_takes_what_dead_writers_left(lake):
    store = DiskStore(lake)
    store.create("a", b"")
    (lake / "_levada/tmp/old").write_bytes(b"half")
    (lake / "_levada/tmp/pipeline").mkdir()
    store.tidy(datetime.now(UTC) - timedelta(minutes=1))
    assert sorted(temporary(lake)) == ["old", "pipeline"]
    assert [entry.key for entry in store.list("")] == ["a"]
    store.tidy(datetime.now(UTC) + timedelta(minutes=1))
    assert temporary(lake) == ["pipeline"]
    DiskStore(lake / "nowhere").tidy(datetime.now(UTC))


def test_opening_for_reading_makes_nothing(lake):
    store = DiskStore(lake)
    assert (store.head("a"), list(store.list("")), store.held("lock"), status(store)) == (None, [], None, [])
    store.delete("a")
    store.sync(["a/b"])
    assert not lake.exists()


def test_two_processes_and_one_lock(lake):
    code = (
        "import sys\nfrom levada.lake.disk import DiskStore\n"
        f"with DiskStore({str(lake)!r}).lock('p/lock', b'the other'):\n"
        "    print('held', flush=True)\n    sys.stdin.readline()\n"
    )
    store = DiskStore(lake)
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        assert store.held("p/lock") == b"the other"
        with pytest.raises(Held) as refused, store.lock("p/lock", b"me"):
            raise AssertionError("two holders")
        assert refused.value.holder == b"the other"
        with store.lock("q/lock", b"me"):
            other.kill()
            other.wait()
        with store.lock("p/lock", b"me"):
            assert store.held("p/lock") == b"me"


def test_eight_runs_released_at_once_and_one_commits(lake):
    """The others leave with the name of the one that holds the partition, which it does until the last has left."""
    gate, opening = os.pipe()
    leaving, left = os.pipe()
    children = []
    for _ in range(8):
        child = os.fork()
        if not child:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(round(PATIENCE))  # two that hold it would wait for each other
            os.close(opening)
            os.read(gate, 1)
            try:
                carry(DiskStore(lake), asked=lambda page: read_bytes(leaving, 7) if page == 1 else None)
            except LeaseHeld as error:
                named = f"process {read_holder(error)}" in str(error)
                os.write(left, b"!")
                os._exit(75 if named else 1)
            except BaseException:  # noqa: BLE001 - a child of fork must end here, not in pytest
                os._exit(1)
            os._exit(0)
        children.append(child)
    os.close(gate)
    os.close(opening)
    codes = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
    assert codes == [0] + [75] * 7
    os.close(leaving)
    os.close(left)
    assert [each.state for each in status(DiskStore(lake))] == ["done with quarantine"]


def read_bytes(descriptor: int, count: int) -> None:
    while count:
        count -= len(os.read(descriptor, count))


def read_holder(error: LeaseHeld) -> str:
    """The process that the lock file names at this moment."""
    return Path(error.where).read_text().split('"process":')[1].split(",")[0]


def test_asking_whether_a_lock_is_held_never_refuses_a_run(lake, monkeypatch):
    """Asking takes a shared lock for a moment; a run that comes just then tries again."""
    store = DiskStore(lake)
    store.create("lock", b"")
    (lake / "lock").chmod(0o644)
    with (lake / "lock").open("rb") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        pauses = []

        def pause(seconds):
            pauses.append(seconds)
            asking.close()

        # The moment ends with the first pause of the run, whatever else this machine does meanwhile.
        monkeypatch.setattr(time, "sleep", pause)
        with store.lock("lock", b"me"):
            assert store.held("lock") == b"me"
    assert len(pauses) == 1


@pytest.mark.parametrize("door", ["lock", "held"])
def test_a_holder_that_is_late_to_write_its_name_is_told_by_it(lake, monkeypatch, door):
    store = DiskStore(lake)
    store.create("lock", b"")
    (lake / "lock").chmod(0o644)
    with (lake / "lock").open("r+b", buffering=0) as holding:
        fcntl.flock(holding, fcntl.LOCK_EX)
        pauses = []

        def pause(seconds):
            pauses.append(seconds)
            if sum(pauses) >= 1:
                holding.write(b"the other")

        monkeypatch.setattr(time, "sleep", pause)
        if door == "held":
            assert store.held("lock") == b"the other"
        else:
            with pytest.raises(Held) as refused, store.lock("lock", b"me"):
                raise AssertionError("two holders")
            assert refused.value.holder == b"the other"


def test_a_child_does_not_keep_the_lock(lake):
    store = DiskStore(lake)
    reader, writer = os.pipe()
    with store.lock("lock", b"me"):
        child = os.fork()
        if not child:
            os.read(reader, 1)
            os._exit(0)
    assert store.held("lock") is None
    os.write(writer, b"!")
    os.waitpid(child, 0)


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"THE FULL DISK IS NOT TESTED HERE: cannot mount a tmpfs ({mounted.stderr.decode().strip()})")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_says_so_and_harms_nothing(small_disk):
    store = DiskStore(small_disk / "lake")
    record = carry(store)
    before = public_tree(store)
    huge = [os.urandom(40_000), os.urandom(40_000), os.urandom(200_000)]
    with pytest.raises(TryLater, match="the disk is full") as full:
        carry(store, huge)
    assert full.value.where == str(small_disk / "lake")
    assert full.value.todo == "free some space there and run again; the work done so far is kept"
    assert temporary(small_disk / "lake") == []
    assert read_record(area_in(store))[0] == record
    assert public_tree(store) == before
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    asked = []
    assert carry(store, huge, asked=asked.append).pages == 3
    assert asked == [3, 4], "what was durable is not asked for again"


def test_conformance_in_a_folder_with_an_odd_name(tmp_path):
    check_store(DiskStore(tmp_path / "a b" / "é%20"))


def test_a_file_whose_writer_lives_is_not_tidied_away(tmp_path):
    store, other = DiskStore(tmp_path), DiskStore(tmp_path)
    with store.writer("raw/slow.json") as writer:
        writer.write(b"the first bad row; ")
        other.tidy(datetime.now(UTC) + timedelta(hours=2))
        writer.write(b"the next, hours later")
    assert store.read("raw/slow.json") == b"the first bad row; the next, hours later"


def test_a_name_that_is_too_long_is_told(tmp_path):
    with pytest.raises(FixThis, match="does not take this name"):
        DiskStore(tmp_path / ("a" * 300)).create("raw/1.json", b"[]")
