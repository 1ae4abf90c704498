"""What a Delta table's library says when it does not do it, sorted by what happens next. Pure.

Its exceptions tell kinds apart badly: conflicts, features that are not known and a store that is away are one class,
damaged logs and tables of other protocols another. So their words decide, as in deltalake 1.6.
"""

import re

from levada.errors import FixThis, LevadaError, TryLater
from levada.secret import redact

__all__ = ["explained", "is_conflict", "later"]

#: What a commit that others were faster than says; every other failure of a commit is none that goes by trying again.
_CONFLICT = re.compile(
    "existing table version|Failed to commit transaction|[Cc]oncurrent transaction|Metadata changed since last commit"
)
_PROTOCOL = re.compile(r"not supported|[Uu]nsupported|features? (required|must be)|append-only|minimum (reader|writer)")
_AWAY = re.compile(
    r"error sending request|[Tt]imed? ?out|[Cc]onnection|SlowDown|ServiceUnavailable|InternalError|"
    r"status code: (429|5\d\d)|after \d+ retries|Log storage error|Transaction failed|Generic \w+ error"
)
_GONE = re.compile(r"Object at location .* not found|No such file or directory")
_DENIED = re.compile(
    r"AccessDenied|Forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|[Pp]ermission ?denied|"
    r"status code: 40[13]|[Uu]nauthenticated|[Rr]ead-only file system|Operation not permitted"
)
_FULL = re.compile(r"No space left on device|[Qq]uota exceeded")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_FRAMES = re.compile(r"\s+\d+: (<unknown>|\w).*", re.DOTALL)
_LONGEST = 300
#: What comes of a table whose folder is moved away.
_ANEW = "`levada replay` makes it anew"
_NO_MORE = "the spec names it no more; then run again"


def is_conflict(text: str) -> bool:
    """Whether a commit failed because another one came first."""
    return bool(_CONFLICT.search(text)) and not _PROTOCOL.search(text)


def explained(error: Exception, name: str, where: str, *, stale: bool = False) -> LevadaError:
    """The error to raise for what the library raised.

    Args:
        error: DeltaError or OSError.
        name: The table's folder in the lake.
        where: The table as a person finds it.
        stale: Whether the spec names it no more.
    """
    text = str(error)
    if _DENIED.search(text) or isinstance(error, PermissionError):
        todo = "let these credentials, or this user, read and write there; then run again"
        return _fix(f"The Delta table {name} may not be read or written: {_said(text)}", where, todo)
    if _GONE.search(text):
        return _damaged(text, name, where, stale=stale)
    if isinstance(error, OSError) or _FULL.search(text) or _AWAY.search(text):
        return later(_said(text), name, where)
    if _PROTOCOL.search(text):
        todo = (
            "use a newer deltalake (python -m pip install --upgrade deltalake), take the feature from the table, or "
            f"move {name} away: {_NO_MORE if stale else _ANEW}"
        )
        return _fix(f"The Delta table {name} asks for what this library cannot do: {_said(text)}", where, todo)
    return _damaged(text, name, where, stale=stale)


def _damaged(text: str, name: str, where: str, *, stale: bool) -> FixThis:
    todo = f"put the folder {name} back from a copy, or move it away: {_NO_MORE if stale else _ANEW}"
    return _fix(f"The Delta table {name} is damaged: {_said(text)}", where, todo)


def later(why: str, name: str, where: str) -> TryLater:
    """The error to raise where nothing is wrong with the table."""
    return TryLater(
        f"The Delta table {name} could not be read or written: {why}",
        where=where,
        todo="run again: what the lake has committed stands, and the next run brings it into the table",
    )


def _fix(what: str, where: str, todo: str) -> FixThis:
    return FixThis(what, where=where, todo=todo)


def _said(text: str) -> str:
    """The library's words in one line, without its colours and the frames of its stack."""
    plain = " ".join(_FRAMES.sub("", _COLOURS.sub("", text)).replace("↳", "").split())
    return redact(plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]} ...")
