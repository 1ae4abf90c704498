"""Which files a stream takes: paths, globs and URLs -> what is there, in order. Reads nothing of what is in them."""

import glob
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Literal
from urllib.parse import unquote, urlsplit

from levada.errors import FixThis, TryLater
from levada.lake.opening import open_store
from levada.lake.store import Entry, Missing, Store
from levada.secret import remember_url, shown_url
from levada.source.origin import origin
from levada.spec.template import Template, Value, encode_name, fill
from levada.spec.values_files import GLOB, WEB, scheme

__all__ = ["Found", "find", "stored"]

Kind = Literal["disk", "store", "web"]
_LOOK = "check the path, which is relative to the spec's folder; or run again when the file is there"


@dataclass(frozen=True, slots=True)
class Found:
    """A file to take."""

    kind: Kind
    #: Its own name, without folders: movies.csv.
    name: str
    #: Where it is: an absolute path, or a URL.
    url: str
    #: Equal tags mean equal bytes; "" where nobody knows before it is read.
    tag: str = ""
    #: When it was last changed (aware, UTC), where that is known.
    changed: datetime | None = None
    #: Opens it; None for the web, which only sends it.
    open: Callable[[], BinaryIO] | None = None
    #: Whether what was opened is what was found, and still there.
    unchanged: Callable[[BinaryIO], bool] | None = None

    def __str__(self) -> str:
        return self.url if self.kind == "disk" else shown_url(self.url)


def find(
    names: Sequence[Template], values: Mapping[str, Value], folder: Path, environment: Mapping[str, str]
) -> list[Found]:
    """The files that a stream's `files` names, those of one name sorted by path; each once.

    Args:
        names: Paths, globs and URLs.
        values: What fills them; what stands in a value is never a pattern, nor a step to another folder.
        folder: What relative paths are below.
        environment: Credentials of object stores.

    Raises:
        FixThis: a name leads to no file, or to a folder, or is no URL; a store refuses to be listed.
    """
    found: dict[str, Found] = {}
    for name in names:
        filled = fill(name, values, encode_name)
        remember_url(filled)
        kind = scheme(filled)
        if kind in WEB:
            some = [_of_web(filled)]
        elif kind:
            some = _in_store(filled, environment)
        else:
            some = list(_on_disk(folder / filled))
        found |= {each.url: each for each in some if each.url not in found}
    return list(found.values())


def _of_web(url: str) -> Found:
    said = shown_url(url)
    try:
        origin(url)
        parts = urlsplit(url)
    except ValueError as error:
        raise FixThis(f"{said} is no URL ({error}).", where=said, todo="correct it in `files`") from None
    if not parts.hostname:
        raise FixThis(f"{said} names no host.", where=said, todo="correct it in `files`")
    name = unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.hostname
    return Found("web", name, url)


def _on_disk(path: Path) -> Iterator[Found]:
    written = os.path.normpath(path)
    # A file whose name holds a bracket is meant by that name.
    if not GLOB.search(written) or os.path.lexists(written):
        yield _file(written, one_of_many=False)
        return
    paths = sorted(each for each in glob.glob(written, recursive=True) if not Path(each).is_dir())  # noqa: PTH207 - sorted as text
    if not paths:
        raise FixThis(f"No file fits {written}.", where=written, todo=_LOOK)
    for each in paths:
        yield _file(each, one_of_many=True)


def _file(path: str, *, one_of_many: bool) -> Found:
    try:
        seen = Path(path).stat()
    except FileNotFoundError:
        what = f"{path} is a link that leads nowhere." if os.path.islink(path) else f"There is no file {path}."  # noqa: PTH114 - a text
        raise FixThis(what, where=path, todo=_LOOK) from None
    except OSError as error:
        raise FixThis(f"{path} cannot be looked at: {error.strerror}.", where=path, todo=_LOOK) from None
    if Path(path).is_dir():
        raise FixThis(f"{path} is a folder.", where=path, todo=f"name the files in it: {path}/*.csv")
    if not Path(path).is_file():
        todo = "give a file: what a pipe or a device gives cannot be read again"
        raise FixThis(f"{path} is no file{' among others' if one_of_many else ''}.", where=path, todo=todo)
    tag, changed = _tag(seen), datetime.fromtimestamp(seen.st_mtime, UTC)

    def unchanged(stream: BinaryIO) -> bool:
        return _tag(os.fstat(stream.fileno())) == tag

    return Found("disk", Path(path).name, path, tag, changed, lambda: _opened(path), unchanged)


def _tag(seen: os.stat_result) -> str:
    return f"{seen.st_size}-{seen.st_mtime_ns}-{seen.st_ino}"


def _opened(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb", buffering=0)
    except FileNotFoundError:
        raise _gone(path) from None
    except OSError as error:
        todo = "let this user read it" if isinstance(error, PermissionError) else _LOOK
        raise FixThis(f"{path} cannot be read: {error.strerror}.", where=path, todo=todo) from None


def _in_store(url: str, environment: Mapping[str, str]) -> list[Found]:
    bucket, _, name = url.partition("://")[2].partition("/")
    base = f"{scheme(url)}://{bucket}"
    store = open_store(base, environment)
    pattern = f"{name}*" if name.endswith("/") or not name else name
    said = shown_url(url)
    if not (first := GLOB.search(pattern)):
        entry = store.head(name)
        if entry is None:
            _refuse_folder(store, said, name)
            todo = "check the name; or run again when it is there"
            raise FixThis(f"There is no object {said}.", where=said, todo=todo)
        return [stored(store, entry, base)]
    fits = re.compile(_regex(pattern), re.DOTALL)
    listed = store.list(pattern[: first.start()].rpartition("/")[0])
    found = [stored(store, entry, base) for entry in listed if fits.fullmatch(entry.key) and _is_file(store, entry)]
    if not found:
        raise FixThis(f"No object fits {said}.", where=said, todo="check the pattern; or run again when they are there")
    return found


def stored(store: Store, entry: Entry, base: str = "") -> Found:
    """What `entry` of `store` is as a file to take; `base` is the URL that its key is below."""
    key, tag = entry.key, entry.tag
    url = f"{base}/{key}" if base else key

    def opened() -> BinaryIO:
        try:
            return store.open(key)
        except Missing:
            raise _gone(shown_url(url)) from None

    def unchanged(_: BinaryIO) -> bool:
        now = store.head(key)
        return now is not None and now.tag == tag

    return Found("store", key.rpartition("/")[2], url, tag, entry.changed, opened, unchanged)


def _gone(where: str) -> TryLater:
    return TryLater(f"{where} is gone: it was there a moment ago.", where=where, todo="run again when it is there")


def _is_file(store: Store, entry: Entry) -> bool:
    """Whether it is no marker of a folder: those, which consoles make, have a name with a slash that listing hides."""
    return entry.size > 0 or store.head(entry.key) is not None


def _refuse_folder(store: Store, said: str, name: str) -> None:
    if next(iter(store.list(name)), None) is not None:
        raise FixThis(f"{said} is a folder.", where=said, todo=f"name the objects in it: {said}/*.csv")


def _regex(pattern: str) -> str:
    """A pattern of the shell as one of Python: `*` stays in a folder, `**` does not."""
    made = ""
    while pattern:
        found = re.match(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]", pattern)
        piece = found.group() if found else pattern[0]
        known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        if piece in known:
            made += known[piece]
        elif found:
            inner = piece[1:-1].replace("\\", r"\\")
            made += f"[{'^' + inner[1:] if inner.startswith('!') else inner}]"
        else:
            made += re.escape(piece)
        pattern = pattern[len(piece) :]
    return made
