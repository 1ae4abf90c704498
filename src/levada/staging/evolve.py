"""How a table's columns grow with its contract: new ones come, none goes, none changes. Pure."""

import re
from dataclasses import dataclass

import pyarrow as pa

__all__ = ["Evolved", "evolved", "nullable"]

#: What Arrow calls the types of contracts, where it has words of its own.
_WORDS = {
    "double": "float64",
    "date32[day]": "date",
    "timestamp[us, tz=UTC]": "timestamp",
    "bool": "boolean",
    "element: ": "",
}


@dataclass(frozen=True, slots=True)
class Evolved:
    """The columns that a table is to have."""

    schema: pa.Schema
    #: What is new, in sentences for a person.
    told: tuple[str, ...] = ()
    #: Why rows cannot be taken; the schema is the table's own then.
    refused: tuple[str, ...] = ()


def evolved(there: pa.Schema, coming: pa.Schema) -> Evolved:
    """The columns of a table with those of rows to come, at its end where they are new.

    Args:
        there: What the table has.
        coming: What the rows have.
    """
    wanted = nullable(coming)
    held = {field.name: field.type for field in there}
    folded = {name.casefold(): name for name in held}
    new = [field for field in wanted if field.name not in held]
    refused = [
        f"column {field.name} is {_type(held[field.name])} in the table and {_type(field.type)} in the contract"
        for field in wanted
        if field.name in held and field.type != held[field.name]
    ]
    refused += [
        f"column {field.name} differs from {folded[field.name.casefold()]}, which the table has, only in case"
        for field in new
        if field.name.casefold() in folded
    ]
    if refused:
        return Evolved(there, refused=tuple(refused))
    told = tuple(f"column {field.name} ({_type(field.type)}) added" for field in new)
    return Evolved(pa.schema([*there, *new]), told)


def nullable(schema: pa.Schema) -> pa.Schema:
    """The schema, every value of it nullable: a table outlives contracts, and rows of before have no new columns."""
    return pa.schema([_nullable(field) for field in schema])


def _nullable(field: pa.Field) -> pa.Field:
    kind = field.type
    if pa.types.is_list(kind):
        kind = pa.list_(_nullable(kind.value_field))
    elif pa.types.is_struct(kind):
        kind = pa.struct([_nullable(kind.field(number)) for number in range(kind.num_fields)])
    return pa.field(field.name, kind, nullable=True)


def _type(kind: pa.DataType) -> str:
    """The type in the words of contracts."""
    text = re.sub(r"decimal128\((\d+), (\d+)\)", r"decimal(\1,\2)", str(kind))
    for arrow, word in _WORDS.items():
        text = text.replace(arrow, word)
    return text
