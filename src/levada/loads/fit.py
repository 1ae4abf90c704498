"""Whether a table can take rows of a contract, and what it lacks for that. Pure: types, differences, refusals.

Nothing that a table has is ever dropped, renamed or narrowed; a column that it lacks is added where its rows may do
without a value.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Change", "Existing", "Wanted", "change"]

_NUMERIC = re.compile(r"(?:numeric|DECIMAL)\((\d+),(\d+)\)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column as the contract has it."""

    name: str
    #: As the database itself writes the type.
    type: str
    nullable: bool
    description: str = ""


@dataclass(frozen=True, slots=True)
class Existing:
    """A column as the table has it."""

    name: str
    type: str
    not_null: bool = False
    #: Whether a row may come without a value for it though it is not null.
    has_default: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What a table lacks, and why it cannot take the rows."""

    added: tuple[Wanted, ...] = ()
    #: Columns whose descriptions are others.
    described: tuple[Wanted, ...] = ()
    refused: tuple[str, ...] = ()


def change(
    there: Sequence[Existing],
    wanted: Sequence[Wanted],
    wider: Mapping[str, Sequence[str]],
    *,
    empty: bool,
) -> Change:
    """What must happen to the table, so that it takes rows of these columns.

    Args:
        there: The table's columns.
        wanted: Those of the contract.
        wider: Type -> other types of the database that hold all of its values.
        empty: Whether the table has no rows, so that a new column need not be null in any.
    """
    known = {column.name: column for column in there}
    names = {column.name for column in wanted}
    added = tuple(column for column in wanted if column.name not in known)
    refused = [
        *(_without_value(column) for column in added if not column.nullable and not empty),
        *(why for column in wanted if column.name in known and (why := _unfit(known[column.name], column, wider))),
        *(_never_filled(column) for column in there if column.name not in names and _demanding(column)),
    ]
    described = tuple(
        column
        for column in wanted
        if column.description and (column.name not in known or known[column.name].description != column.description)
    )
    return Change(added, described, tuple(refused))


def _without_value(column: Wanted) -> str:
    return f"{column.name} is new and not nullable, and the rows that are there have no value for it"


def _unfit(there: Existing, wanted: Wanted, wider: Mapping[str, Sequence[str]]) -> str | None:
    if not _holds(there.type, wanted.type, wider):
        return f"{there.name} is {there.type}, and the contract gives {wanted.type}"
    if there.not_null and wanted.nullable:
        return f"{there.name} is NOT NULL, and the contract lets it be null"
    return None


def _holds(there: str, wanted: str, wider: Mapping[str, Sequence[str]]) -> bool:
    # Names of the parts of a struct stand in quotes here, and there where they need them.
    if there.replace('"', "") == wanted.replace('"', "") or there in wider.get(wanted, ()):
        return True
    mine, theirs = _NUMERIC.fullmatch(wanted), _NUMERIC.fullmatch(there)
    if mine:
        precision, scale = int(mine[1]), int(mine[2])
        if theirs:
            return int(theirs[2]) >= scale and int(theirs[1]) - int(theirs[2]) >= precision - scale
        return there == "numeric"
    return False


def _demanding(column: Existing) -> bool:
    return column.not_null and not column.has_default


def _never_filled(column: Existing) -> str:
    return f"{column.name} is NOT NULL without a default, and the contract has no such field"
