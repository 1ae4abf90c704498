"""What every plug-in of one kind must do, as functions that a test calls for each registered one."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from levada.errors import FixThis
from levada.lake.store import Conflict, Exists, Held, Missing, Store, Written

__all__ = ["check_object_store", "check_store"]


def check_store(store: Store) -> None:
    """Hold an empty `store` to every promise of the Store protocol."""
    for check in (_copies_share_tags, _name_of_a_folder, _replace_folder, _replace_folder_refuses, *_EVERYWHERE):
        check(store)
        for entry in list(store.list("")):
            store.delete(entry.key)
        assert list(store.list("")) == [], check.__name__


def check_object_store(make: Callable[[], Store], *, tags: bool = True) -> None:
    """Hold the empty stores that `make` makes to every promise but that of folders, which it must refuse.

    Each check has a store of its own: behind the S3 of a server there may be a file system, which keeps for a while
    that a name was a folder. Where `tags` is false, a copy need not have the tag of what it is a copy of: it is read.
    """
    for check in (*_EVERYWHERE, *((_copies_share_tags,) if tags else ()), _no_folders):
        check(make())


def _keys(store: Store, prefix: str = "") -> list[str]:
    return [entry.key for entry in store.list(prefix)]


def _empty(store: Store) -> None:
    assert store.describe()
    assert _keys(store) == []
    assert _keys(store, "no/such/folder") == []
    assert store.head("a/b") is None
    assert store.held("a/lock") is None
    store.delete("a/b")
    for read in (store.read, store.open):
        with pytest.raises(Missing):
            read("a/b")


def _create(store: Store) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    assert store.create("a/b.json", b"[1]") == Written(3, hashlib.sha256(b"[1]").hexdigest())
    assert store.read("a/b.json") == b"[1]"
    with store.open("a/b.json") as stream:
        assert (stream.read(1), stream.read()) == (b"[", b"1]")
    entry = store.head("a/b.json")
    assert entry is not None
    assert (entry.key, entry.size) == ("a/b.json", 3)
    assert before < entry.changed < before + timedelta(minutes=2)
    assert list(store.list("a")) == [entry]


def _create_only(store: Store) -> None:
    store.create("a", b"first")
    with pytest.raises(Exists):
        store.create("a", b"second")
    with pytest.raises(Exists), store.writer("a") as writer:
        writer.write(b"third")
    assert store.read("a") == b"first"
    assert _keys(store) == ["a"]


def _streams(store: Store) -> None:
    parts = [b"", b"x" * 300_000, b"y", bytes(range(256))]
    with store.writer("deep/er/file") as writer:
        for part in parts:
            assert writer.write(part) == len(part)
            writer.flush()
        assert store.head("deep/er/file") is None
    whole = b"".join(parts)
    assert store.read("deep/er/file") == whole
    assert writer.written() == Written(len(whole), hashlib.sha256(whole).hexdigest())
    store.create("nothing", b"")
    assert store.read("nothing") == b""


def _abort_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.writer("a/half") as writer:
            writer.write(b"x" * 300_000)
            raise KeyError("from inside")

    with pytest.raises(KeyError, match="from inside"):
        fail()
    assert store.head("a/half") is None
    assert _keys(store) == []
    store.create("a/half", b"whole")
    assert store.read("a/half") == b"whole"


def _replace(store: Store) -> None:
    with pytest.raises(Conflict):
        store.replace("r/commit", b"0", "no such tag")
    first = store.replace("r/commit", b"1", None)
    entry = store.head("r/commit")
    assert entry is not None
    assert entry.tag == first
    with pytest.raises(Conflict):
        store.replace("r/commit", b"2", None)
    second = store.replace("r/commit", b"22", first)
    assert second != first
    with pytest.raises(Conflict):
        store.replace("r/commit", b"3", first)
    assert store.read("r/commit") == b"22"
    assert _keys(store) == ["r/commit"]


def _copy(store: Store) -> None:
    store.create("kept/1", b"one")
    store.create("kept/2", b"two")
    for _ in range(2):  # again over itself: nothing happens, nothing stays behind
        store.copy("kept/1", "shown/a")
        assert store.read("shown/a") == b"one"
    store.copy("kept/2", "shown/a")
    assert store.read("shown/a") == b"two"
    assert store.read("kept/1") == b"one"
    store.delete("kept/2")
    assert store.read("shown/a") == b"two"
    with pytest.raises(Missing):
        store.copy("kept/2", "shown/a")
    assert _keys(store) == ["kept/1", "shown/a"]


def _copies_share_tags(store: Store) -> None:
    store.create("kept/1", b"one")
    store.copy("kept/1", "shown/a")
    tags = [entry.tag for key in ("kept/1", "shown/a") if (entry := store.head(key))]
    assert len(tags) == 2
    assert tags[0] == tags[1]


def _delete(store: Store) -> None:
    store.create("a/b/c", b"")
    store.create("a/d", b"")
    store.delete("a/b/c")
    store.delete("a/b/c")
    assert _keys(store) == ["a/d"]


def _name_of_a_folder(store: Store) -> None:
    store.create("a/b/c", b"")
    store.delete("a/b/c")
    store.create("a/b", b"a name that was a folder")
    assert store.read("a/b") == b"a name that was a folder"


def _lists_sorted(store: Store) -> None:
    # "a-b" sorts before "a/c", which sorts before "a.b": not the order in which folders are walked.
    names = [
        "a/c",
        "a-b",
        "a.b/d",
        "aa",
        "a/b/c",
        "Z",
        "a/é",
        "a/b-c",
        "_levada/p/s/d/commit.json",
        "_levada/tmp/s/d/x",
    ]
    for name in names:
        store.create(name, b"")
    assert _keys(store) == sorted(names)
    assert _keys(store, "a") == ["a/b-c", "a/b/c", "a/c", "a/é"]
    assert _keys(store, "a/b") == ["a/b/c"]


def _entries(store: Store) -> None:
    assert store.entries("no/such/folder") == ()
    for name in ("b", "a", "c d"):
        store.create(f"e/f/{name}", name.encode())
    found = store.entries("e/f")
    assert [entry.key for entry in found] == ["e/f/a", "e/f/b", "e/f/c d"]
    assert found == tuple(store.list("e/f"))
    with pytest.raises(FixThis, match="where only files can be: f"):
        store.entries("e")


def _replace_folder(store: Store) -> None:
    for name in ("1", "2", "3"):
        store.create(f"kept/{name}", name.encode())
    store.replaceable("new/folder")
    assert _keys(store, "new") == []
    assert store.replace_folder("new/folder", {"a": "kept/1", "b": "kept/2"})
    assert not store.replace_folder("new/folder", {"b": "kept/2", "a": "kept/1"})
    store.create("new/folder/stale", b"")
    store.create("new/beside", b"stays")
    store.create("new/folder beside/1", b"stays")
    store.replaceable("new/folder")
    assert store.replace_folder("new/folder", {"b": "kept/3", "c": "kept/1"})
    assert {key: store.read(key) for key in _keys(store, "new")} == {
        "new/beside": b"stays",
        "new/folder beside/1": b"stays",
        "new/folder/b": b"3",
        "new/folder/c": b"1",
    }
    store.sync(["new/folder", "new/folder/b"])
    store.delete("kept/3")
    assert store.read("new/folder/b") == b"3"
    assert store.replace_folder("new/folder", {})
    assert _keys(store, "new") == ["new/beside", "new/folder beside/1"]
    assert _keys(store, "kept") == ["kept/1", "kept/2"]


def _replace_folder_refuses(store: Store) -> None:
    store.create("kept/1", b"1")
    store.create("f/sub/mine", b"mine")
    store.create("f/1", b"old")
    store.create("_levada/p/s/d/mine", b"mine")
    before = _keys(store)
    told = {"f": "where only files can be: sub", "_levada/p/s/d": "Levada's own", "_levada": "Levada's own"}
    told |= dict.fromkeys(("", "/f", "f/", "../f", "f/../g", "nul\0"), "no name for a lake file")
    for folder, said in told.items():
        for door in (store.replaceable, lambda folder: store.replace_folder(folder, {"1": "kept/1"})):
            with pytest.raises(FixThis, match=said):
                door(folder)
    with pytest.raises(Missing):
        store.replace_folder("other", {"1": "kept/1", "2": "kept/2"})
    assert _keys(store) == before


def _no_folders(store: Store) -> None:
    store.create("kept/1", b"1")
    for door in (store.replaceable, lambda folder: store.replace_folder(folder, {"1": "kept/1"})):
        with pytest.raises(FixThis, match="in one step, which no object store can"):
            door("new/folder")
        with pytest.raises(FixThis, match="Levada's own"):
            door("_levada/p")
    assert _keys(store) == ["kept/1"]


def _sync(store: Store) -> None:
    store.create("s/one", b"1")
    store.sync(["s/one", "s/deleted", "gone/with/folder"])
    store.sync([])
    assert _keys(store) == ["s/one"]


def _lock(store: Store) -> None:
    with store.lock("p/lock", b"me"):
        store.holding()
        assert store.held("p/lock") == b"me"
        assert store.held("p/lock") == b"me", "asking does not let go"
        with pytest.raises(Held) as refused, store.lock("p/lock", b"you"):
            raise AssertionError("two holders")
        assert refused.value.holder == b"me"
        with store.lock("q/lock", b"another"):
            assert store.held("q/lock") == b"another"
    assert store.held("p/lock") is None
    with ExitStack() as stack:
        stack.enter_context(store.lock("p/lock", b"the next, longer or shorter"))
        assert store.held("p/lock") == b"the next, longer or shorter"
    with pytest.raises(KeyError), store.lock("p/lock", b"x"):
        raise KeyError
    assert store.held("p/lock") is None


def _tidy(store: Store) -> None:
    store.create("a/b", b"stays")
    store.create("_levada/tmp/s/d/x", b"a pipeline called tmp stays")
    store.tidy(datetime.now(UTC) + timedelta(hours=1))
    assert _keys(store) == ["_levada/tmp/s/d/x", "a/b"]


def _names(store: Store) -> None:
    def doors(key: str) -> Iterator[object]:
        yield lambda: store.read(key)
        yield lambda: store.head(key)
        yield lambda: store.create(key, b"")
        yield lambda: store.replace(key, b"", None)
        yield lambda: store.delete(key)
        yield lambda: store.copy("a", key)

    store.create("a", b"")
    for key in ("", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", "a/.", "nul\0", "half\ud800"):
        for door in doors(key):
            with pytest.raises(FixThis, match="no name for a lake file"):
                door()
    assert _keys(store) == ["a"]


_EVERYWHERE = (
    _empty,
    _create,
    _create_only,
    _streams,
    _abort_leaves_nothing,
    _replace,
    _copy,
    _delete,
    _lists_sorted,
    _entries,
    _sync,
    _lock,
    _tidy,
    _names,
)
