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

from levada.errors import FixThis
from levada.lake.opening import open_store
from levada.lake.store import Missing, Store
from levada.secret import shown_url
from levada.spec.template import Template, Value, encode_name, fill

__all__ = ["Found", "find"]

Kind = Literal["disk", "store", "web"]
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_GLOB = re.compile(r"[*?[]")
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

    def __str__(self) -> str:
        return shown_url(self.url) if self.kind == "web" else self.url


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
        FixThis: a name leads to no file, or to a folder; a store refuses to be listed.
    """
    found: dict[str, Found] = {}
    for name in names:
        filled = fill(name, values, encode_name)
        scheme = _SCHEME.match(filled)
        if scheme and scheme[1].lower() in ("http", "https"):
            some = [_of_web(filled)]
        elif scheme:
            some = _in_store(filled, environment)
        else:
            some = list(_on_disk(folder / filled))
        found |= {each.url: each for each in some if each.url not in found}
    return list(found.values())


def _of_web(url: str) -> Found:
    parts = urlsplit(url)
    name = unquote(parts.path.rstrip("/").rpartition("/")[2]) or (parts.hostname or "file")
    return Found("web", name, url)


def _on_disk(path: Path) -> Iterator[Found]:
    written = os.path.normpath(path)
    # A file whose name holds a bracket is meant by that name.
    if not _GLOB.search(written) or os.path.lexists(written):
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
    tag = f"{seen.st_size}-{seen.st_mtime_ns}-{seen.st_ino}"
    changed = datetime.fromtimestamp(seen.st_mtime, UTC)
    return Found("disk", Path(path).name, path, tag, changed, lambda: _opened(path))


def _opened(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb", buffering=0)
    except OSError as error:
        todo = "let this user read it" if isinstance(error, PermissionError) else _LOOK
        raise FixThis(f"{path} cannot be read: {error.strerror}.", where=path, todo=todo) from None


def _in_store(url: str, environment: Mapping[str, str]) -> list[Found]:
    scheme, _, rest = url.partition("://")
    bucket, _, name = rest.partition("/")
    store = open_store(f"{scheme}://{bucket}", environment)
    pattern = f"{name}*" if name.endswith("/") or not name else name
    if not _GLOB.search(pattern):
        entry = store.head(name)
        if entry is None:
            _refuse_folder(store, url, name)
            raise FixThis(f"There is no object {url}.", where=url, todo="check the name; or run again when it is there")
        return [_object(store, f"{scheme}://{bucket}", entry.key, entry.tag, entry.changed)]
    literal = pattern[: next(iter(_GLOB.finditer(pattern))).start()]
    fits = re.compile(_regex(pattern), re.DOTALL)
    found = [
        _object(store, f"{scheme}://{bucket}", entry.key, entry.tag, entry.changed)
        for entry in store.list(literal.rpartition("/")[0])
        if fits.fullmatch(entry.key)
    ]
    if not found:
        raise FixThis(f"No object fits {url}.", where=url, todo="check the pattern; or run again when they are there")
    return found


def _object(store: Store, base: str, key: str, tag: str, changed: datetime) -> Found:
    def opened() -> BinaryIO:
        try:
            return store.open(key)
        except Missing:
            raise FixThis(f"{base}/{key} is gone.", where=base, todo="run again") from None

    return Found("store", key.rpartition("/")[2], f"{base}/{key}", tag, changed, opened)


def _refuse_folder(store: Store, url: str, name: str) -> None:
    if next(iter(store.list(name)), None) is not None:
        raise FixThis(f"{url} is a folder.", where=url, todo=f"name the objects in it: {url}/*.csv")


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
