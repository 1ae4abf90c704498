"""Errors, by what happens next.

LevadaError                    one base; its text says what, where and what to do
├── FixThis          exit 2    a person must change something: spec, argument, token, file, folder
│   └── ApiRefused             the API, or the way to it, does not give what the spec and its key ask for
├── ContractBroken   exit 3    the API's answer is not what the spec says it is; nothing was published
└── TryLater         exit 75   nothing is wrong here; the same command may work later (`at` says when)
    ├── TimedOut               the API gave no whole answer in its time
    └── LeaseHeld              another run holds this partition

Any other exception is a bug of Levada (exit 70); Ctrl-C is 130, SIGTERM 143. Work that is committed with gaps is no
error, and leaves with 4.
"""

from datetime import datetime
from typing import ClassVar

__all__ = [
    "BUG",
    "PARTIAL",
    "ApiRefused",
    "ContractBroken",
    "FixThis",
    "LeaseHeld",
    "LevadaError",
    "TimedOut",
    "TryLater",
]

#: Exit code of a bug of Levada's own.
BUG = 70
#: Exit code of work that is committed with gaps.
PARTIAL = 4


class LevadaError(Exception):
    """What went wrong, where, and what to do about it.

    Args:
        what: One sentence: what is wrong.
        where: File:line:column of the spec, stream, partition, page or lake file; may be empty.
        todo: One sentence in the imperative: what a person does next; may be empty.
    """

    exit_code: ClassVar[int] = BUG

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        super().__init__(what, where, todo)
        self.what = what
        self.where = where
        self.todo = todo

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.todo:
            lines.append(f"  to do: {self.todo}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are made again from their args alone, and `where` and `todo` are given by name.
        cause = str(self.__cause__) if self.__cause__ else ""
        return _again, (type(self), self.args, dict(self.__dict__), cause)

    def facts(self) -> dict[str, str]:
        """What a program reads of it: its kind, what, where and to do."""
        return {"kind": type(self).__name__, "what": self.what, "where": self.where, "todo": self.todo}

    def at_place(self, where: str) -> "LevadaError":
        """This error, its `where` filled in if it was raised below the place that knows it."""
        if not self.where:
            self.where = where
        return self


class FixThis(LevadaError):
    """A person must change something; asking again would give the same answer."""

    exit_code = 2


class ApiRefused(FixThis):
    """The API, or the way to it, does not give what the spec and its key ask for."""


class ContractBroken(LevadaError):
    """The answers are not what the spec promises; nothing of them was published."""

    exit_code = 3


class TryLater(LevadaError):
    """The world is in the way (server, network, disk, another run); the work done so far is kept.

    Args:
        at: The earliest moment at which trying again makes sense, where it is known (aware, UTC).
    """

    exit_code = 75

    def __init__(self, what: str, *, where: str = "", todo: str = "", at: datetime | None = None) -> None:
        super().__init__(what, where=where, todo=todo)
        self.at = at

    def facts(self) -> dict[str, str]:
        """The same, with `at` where that is known."""
        return super().facts() | ({"at": self.at.isoformat()} if self.at else {})


class TimedOut(TryLater):
    """The API gave no whole answer in its time."""


class LeaseHeld(TryLater):
    """Another run holds this partition; the text says which host and process, and since when."""


def _again(kind: type[LevadaError], args: tuple[object, ...], facts: dict[str, object], cause: str) -> LevadaError:
    """An error that comes from another process, its cause as text."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    error.__cause__ = Exception(cause) if cause else None
    return error
