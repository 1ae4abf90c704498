"""What a good record is: the nouns of a contract. Pure facts; `check.py` applies them."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from levada.nouns import Place

__all__ = [
    "UNKNOWN",
    "Column",
    "Contract",
    "Decode",
    "Field",
    "FieldType",
    "Length",
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
#: What a text is a value of: a literal of Python (`{'a': None}`), read and never run; JSON.
Decode = Literal["python_literal", "json"]

#: The column that `unknown: keep` adds: one JSON object with the keys that the contract does not name.
UNKNOWN = "_unknown"


class Length(NamedTuple):
    """Bounds, both included: characters of a string, bytes of a binary, items of a list."""

    min: int = 0
    max: int | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One column, item of a list or part of a struct: where it comes from, its type and the rules of its values."""

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
    #: Where the value is: a key, or a JSONPath (it begins with `$`) to one value; None: the key is the name.
    source: str | None = None
    #: What packs the value in a text.
    decode: Decode | None = None
    #: The forms that texts are read in, in order, instead of the type's own: words and forms of dates, see `forms.py`.
    parse: tuple[str, ...] = ()
    #: IANA name of the zone of timestamps without offset; None: they are bad.
    timezone: str | None = None
    #: decimal(precision, scale): digits in all, digits after the point.
    precision: int = 0
    scale: int = 0
    #: What a list holds.
    item: "Field | None" = None
    #: What a struct holds.
    parts: tuple["Field", ...] = ()
    length: Length | None = None
    #: Other fields and their values (None: null): the value is null where all of them are so, and only there.
    null_exactly_when: tuple[tuple[str, tuple[Literals | None, ...]], ...] = ()
    #: No value comes twice in a partition.
    unique: bool = False
    description: str = ""
    #: Days or moments as text: the value is the first or later, and before the second. Of the partition that a row is
    #: loaded by.
    within: tuple[str, str] | None = None
    #: A table of PostgreSQL takes the values, which does not store all of them: see `storable.py`.
    postgres: bool = False
    #: Bytes of it in an index there; 0: it is in none.
    indexed: int = 0

    @property
    def optional(self) -> bool:
        """Whether the column may be null."""
        return self.nullable or bool(self.null_exactly_when)


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
    #: Fields that tell rows apart: no two rows of a partition agree in all of them.
    key: tuple[str, ...] = ()
    #: 12 is no float64, 1.0 is no int.
    strict: bool = False
    #: Keys whose texts are values of their own, unpacked before fields are looked for in them.
    decode: tuple[tuple[str, Decode], ...] = ()


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
    named = tuple(_column(field, field.optional or nullify) for field in contract.fields)
    return (*named, Column(UNKNOWN, "string", nullable=True)) if contract.unknown == "keep" else named


def _column(field: Field, nullable: bool) -> Column:
    return Column(
        field.name,
        field.type,
        nullable,
        precision=field.precision,
        scale=field.scale,
        item=_column(field.item, field.item.optional) if field.item else None,
        parts=tuple(_column(part, part.optional) for part in field.parts),
        description=field.description,
    )
