"""What a good record is: the nouns of a contract. Pure facts; `check.py` applies them."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from levada.nouns import Place

__all__ = [
    "UNKNOWN",
    "Column",
    "Contract",
    "Field",
    "FieldType",
    "Literals",
    "MaxBad",
    "OnBad",
    "Unknown",
    "columns",
]

FieldType = Literal[
    "string",
    "int32",
    "int64",
    "float64",
    "decimal",
    "boolean",
    "date",
    "timestamp",
    "time",
    "binary",
    "uuid",
    "json",
    "list",
    "struct",
]
#: What happens to a record with a bad value: out to quarantine; the value becomes null; the run fails.
OnBad = Literal["quarantine", "nullify", "fail"]
#: What happens to keys the contract does not name: left out; kept as JSON text in `_unknown`; the record is bad.
Unknown = Literal["drop", "keep", "refuse"]
Literals = str | int | float | bool

#: The column that `unknown: keep` adds: one JSON object with the keys that the contract does not name.
UNKNOWN = "_unknown"


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its type and the rules of its values."""

    name: str
    type: FieldType
    #: True: the key may be missing or null. False: it must be there and not null.
    nullable: bool = False
    enum: tuple[Literals, ...] = ()
    #: Inclusive bounds; dates as ISO text.
    min: Literals | None = None
    max: Literals | None = None
    #: RE2, searched anywhere in the value; anchor it with ^ and $ for the whole.
    pattern: str | None = None
    #: The only value allowed. A spec may write a template (`{date}`); it is filled before records are checked.
    equals: Literals | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class MaxBad:
    """How many bad rows a partition may have before the run fails: a count, or a share of the rows read."""

    count: int | None = None
    #: From 0 to 1; `max_bad: 5%` is 0.05.
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """What the records of a stream must be. Without `max_bad` only a partition in which every row is bad fails."""

    fields: tuple[Field, ...]
    on_bad: OnBad = "quarantine"
    unknown: Unknown = "drop"
    max_bad: MaxBad | None = None
    place: Place | None = None


class Column(NamedTuple):
    """One column of what comes out of the contract, or an item of a list, or a part of a struct.

    Values are str, int, float, Decimal (of exactly `scale` places), bool, date, datetime (aware, UTC, microseconds),
    time (naive), bytes, UUID, list and dict (parts in order); `json` is its JSON text.
    """

    name: str
    type: FieldType
    nullable: bool
    #: decimal(precision, scale).
    precision: int = 0
    scale: int = 0
    #: What a list holds.
    item: "Column | None" = None
    #: What a struct holds.
    parts: tuple["Column", ...] = ()
    description: str = ""


def columns(contract: Contract) -> tuple[Column, ...]:
    """What comes out, in order: under `nullify` every column may be null; `unknown: keep` adds `_unknown`."""
    nullify = contract.on_bad == "nullify"
    named = tuple(Column(field.name, field.type, field.nullable or nullify) for field in contract.fields)
    return (*named, Column(UNKNOWN, "string", nullable=True)) if contract.unknown == "keep" else named
