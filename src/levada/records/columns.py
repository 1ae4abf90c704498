"""The line of names of a CSV: told where it is not the one that the spec says."""

from collections import Counter
from collections.abc import Iterator

from levada.errors import ContractBroken
from levada.nouns import Format
from levada.secret import redact

__all__ = ["WrongColumns", "see_columns"]

#: Names that a message shows.
_SHOWN = 8


class WrongColumns(ContractBroken):
    """The line of names is not the one that the spec says; `found` is what it says."""

    def __init__(self, found: tuple[str, ...], what: str, *, where: str = "", todo: str = "") -> None:
        super().__init__(what, where=where, todo=todo)
        self.found = found


def see_columns(names: tuple[str, ...], how: Format) -> None:
    """Do nothing if a CSV may have these columns.

    Raises:
        WrongColumns: they are not those that `columns` says; the text names what is missing, too many and moved.
        ContractBroken: two have one name.
    """
    if how.columns and names != how.columns:
        raise WrongColumns(
            names,
            redact(f"The line of names is not the one that `columns` says: {'; '.join(_differences(names, how))}."),
            todo="see whether this is the right file; if its columns have changed, write the new ones in `columns`",
        )
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ContractBroken(
            redact(f"Two columns of the CSV are named `{twice[0]}`: one would hide the other."),
            todo="Ask the API for columns of different names; if the file has no line of names, write `header` in the "
            "stream's `format`.",
        )


def _differences(names: tuple[str, ...], how: Format) -> Iterator[str]:
    wanted = how.columns
    if len(names) == 1 and len(wanted) > 1:
        other = next((mark for mark in ",;|\t" if mark in names[0] and mark != how.delimiter), None)
        yield f"it has one column, `{_short(names[0])}`"
        if other:
            yield f"it may be separated by {other!r} instead of {how.delimiter!r}"
        return
    missing = [name for name in wanted if name not in names]
    extra = [name for name in names if name not in wanted]
    if missing:
        yield f"{_listed(missing)} missing"
    if extra:
        yield f"{_listed(extra)} too many"
    if not missing and not extra:
        yield from _moved(names, wanted)


def _moved(names: tuple[str, ...], wanted: tuple[str, ...]) -> Iterator[str]:
    if len(names) != len(wanted):
        twice = [name for name, times in Counter(names).items() if times > 1]
        yield f"{_listed(twice)} there twice"
        return
    at = next(place for place, (name, other) in enumerate(zip(names, wanted, strict=True)) if name != other)
    yield f"another order: column {at + 1} is `{_short(names[at])}` instead of `{_short(wanted[at])}`"


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{_short(name)}`" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{shown}{more} {'are' if len(names) > 1 else 'is'}"


def _short(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:60]}..."  # noqa: PLR2004 - what a line of a message bears
