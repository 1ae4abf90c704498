"""Refresh tokens that rotate, in a JSON file of mode 0600, under a lock that two processes never hold at once.

The file holds nothing but the newest refresh token of each client, under a hash of what it descends from: so a new
first token in the environment wins over what an old one became. Written aside, then renamed.
"""

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from levada.errors import FixThis

__all__ = ["Kept", "held"]

_MODE = 0o600
_OTHERS = 0o077
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC


class Kept:
    """The file while its lock is held; made by `held`."""

    def __init__(self, path: Path, aside: Path, where: str) -> None:
        self._path = path
        self._aside = aside
        self._where = where
        self._tokens = _read(path, where)

    def newest(self, key: str) -> str | None:
        """The refresh token kept under `key`, or None."""
        entry = self._tokens.get(key)
        token = entry.get("refresh_token") if isinstance(entry, dict) else None
        return token if isinstance(token, str) and token else None

    def keep(self, key: str, token: str, now: datetime) -> None:
        """Keep `token` under `key`, durably.

        Raises:
            FixThis: the file cannot be written.
        """
        self._tokens[key] = {"refresh_token": token, "at": now.isoformat()}
        try:
            descriptor = os.open(self._aside, os.O_WRONLY | _FLAGS)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"tokens": self._tokens}, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            self._aside.rename(self._path)
            _sync(self._path.parent)
        except OSError as error:
            what = f"The new refresh token cannot be kept in {self._path} ({error.strerror})."
            todo = "Make room for it; then get a new refresh token and set it: the old one may be spent."
            raise FixThis(what, where=self._where, todo=todo) from None


@contextmanager
def held(path: Path, where: str) -> Iterator[Kept]:
    """The file of tokens, its lock held, and proved to be writable before a token is spent.

    Args:
        path: The file; it need not exist, its folder must.
        where: Of the spec's `auth`, for errors.

    Raises:
        FixThis: the file cannot be locked, read or written, or is not this user's own.
    """
    lock, aside = path.with_name(f"{path.name}.lock"), path.with_name(f"{path.name}.new")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | _FLAGS, _MODE)
    except OSError as error:
        raise _unusable(lock, error, where) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        kept = Kept(path, aside, where)
        _prepare(aside, where)
        yield kept
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        os.close(descriptor)


def _prepare(aside: Path, where: str) -> None:
    """An empty file of its own mode, in the place of what a crash has left."""
    try:
        aside.unlink(missing_ok=True)
        os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, _MODE))
    except OSError as error:
        raise _unusable(aside, error, where) from None


def _read(path: Path, where: str) -> dict[str, Any]:
    """What the file keeps; its mode is mended if others may read it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | _FLAGS)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unusable(path, error, where) from None
    try:
        _own(descriptor, path, where)
        data = b"".join(iter(lambda: os.read(descriptor, 65536), b""))
    finally:
        os.close(descriptor)
    return _tokens(data, path, where)


def _own(descriptor: int, path: Path, where: str) -> None:
    """Make sure that nobody else reads or writes the file."""
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid():
        what = f"{path} keeps refresh tokens, but is no file of the user that runs this."
        raise FixThis(what, where=where, todo="Move it away, or let `store` name another file.")
    if facts.st_mode & _OTHERS:
        try:
            os.fchmod(descriptor, _MODE)
        except OSError as error:
            raise _unusable(path, error, where) from None


def _tokens(data: bytes, path: Path, where: str) -> dict[str, Any]:
    try:
        given = json.loads(data)
        tokens = given["tokens"]
    except (ValueError, RecursionError, KeyError, TypeError):
        tokens = None
    if not isinstance(tokens, dict):
        what = f"{path} is no file of refresh tokens."
        todo = "Move it away, get a new refresh token and set it; or let `store` name another file."
        raise FixThis(what, where=where, todo=todo)
    return tokens


def _unusable(path: Path, error: OSError, where: str) -> FixThis:
    what = f"Refresh tokens may rotate, and {path} cannot be used to keep them ({error.strerror})."
    todo = "Let `store` of `auth` name a file in a folder that this user may write to; no part of it may be a link."
    return FixThis(what, where=where, todo=todo)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
