"""Avro object container files; the home of fastavro, which writes and reads them."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any, BinaryIO

import fastavro
from fastavro.write import Writer

from levada.contract.model import Column, Contract, FieldType, columns
from levada.errors import FixThis
from levada.staging.exact import see_exact
from levada.staging.format import RowWriter, Sink

__all__ = ["rows", "schema", "writer"]

#: Bytes of rows, before compression, after which a block ends. 16 KB makes deflated files 7 % larger; more gains 2 %.
BLOCK = 64 * 1024

#: Codec -> what installs it; "" for those that are always there.
_CODECS = {"null": "", "deflate": "", "snappy": "fastavro[snappy]", "zstandard": "fastavro[zstandard]"}

_TYPES: Mapping[FieldType, str | dict[str, str]] = {
    "string": "string",
    "int32": "int",
    "int64": "long",
    "float64": "double",
    "boolean": "boolean",
    "date": {"type": "int", "logicalType": "date"},
    "timestamp": {"type": "long", "logicalType": "timestamp-micros"},
    "time": {"type": "long", "logicalType": "time-micros"},
    "binary": "bytes",
    "uuid": {"type": "string", "logicalType": "uuid"},
    "json": "string",
}


def schema(contract: Contract, name: str, namespace: str) -> dict[str, Any]:
    """The Avro schema of what comes out of `contract`.

    Characters that Avro does not allow in names become `_`; a field whose name changed keeps it in `doc`. A struct is a
    record named after what it stands in: `sales_address`.
    """
    return {
        "type": "record",
        "name": _name(name),
        "namespace": ".".join(_name(part) for part in namespace.split(".")),
        "fields": _fields(columns(contract), [_name(name)]),
    }


def _fields(parts: Sequence[Column], records: list[str]) -> list[dict[str, Any]]:
    """The fields of a record, which is the last of `records`, all that the schema has so far."""
    outer = records[-1]
    return [
        {"name": avro, **_doc(column, avro)} | _nullable(_type(column, f"{outer}_{avro}", records), column)
        for avro, column in zip(_names(parts), parts, strict=True)
    ]


def _names(parts: Sequence[Column]) -> list[str]:
    return _distinct([_name(column.name) for column in parts])


def _doc(column: Column, avro: str) -> dict[str, str]:
    said = [column.name if avro != column.name else "", column.description]
    return {"doc": ": ".join(filter(None, said))} if any(said) or avro != column.name else {}


def _nullable(kind: Any, column: Column) -> dict[str, Any]:
    return {"type": ["null", kind], "default": None} if column.nullable else {"type": kind}


def _type(column: Column, name: str, records: list[str]) -> Any:
    if column.type == "decimal":
        sizes = {"precision": column.precision, "scale": column.scale}
        return {"type": "bytes", "logicalType": "decimal", **sizes}
    if column.item:
        kind = _type(column.item, f"{name}_item", records)
        return {"type": "array", "items": ["null", kind] if column.item.nullable else kind}
    if column.type == "struct":
        records.append(_distinct([*records, name])[-1])
        return {"type": "record", "name": records[-1], "fields": _fields(column.parts, records)}
    return _TYPES[column.type]


def _name(text: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9_]", "_", text)
    return safe if re.match(r"[A-Za-z_]", safe) else "_" + safe


def _distinct(names: Sequence[str]) -> list[str]:
    """`names`, the second and later ones of a kind numbered: a_b, a_b_2."""
    taken: list[str] = []
    for name in names:
        free = (f"{name}_{number}" for number in range(2, len(names) + 2))
        taken.append(name if name not in taken else next(each for each in free if each not in (*taken, *names)))
    return taken


@contextmanager
def writer(out: Sink, contract: Contract, *, name: str, namespace: str, codec: str) -> Iterator[RowWriter]:
    """Write rows to `out` as one Avro file; equal rows give equal bytes, however they are cut into calls.

    Args:
        out: Receives the file; nothing but `write` and `flush` is asked of it.
        contract: What the rows are.
        name: Name of the record in the schema: the stream.
        namespace: Namespace of the record: the pipeline.
        codec: null, deflate, snappy or zstandard.

    Raises:
        FixThis: there is no such codec, or its library is not installed.
        TypeError: a row is not what the contract makes, which is a bug.
    """
    _see_codec(codec)
    says = schema(contract, name, namespace)
    # A marker that is random, as the specification suggests, would make every rerun another file.
    marker = hashlib.sha256(json.dumps([says, codec]).encode()).digest()[:16]
    forward: Any = _Forward(out)  # fastavro asks for IO, and uses these three methods of it
    made = Writer(forward, says, codec=codec, sync_interval=BLOCK, sync_marker=marker)
    taking = _Rows(made, columns(contract))
    yield taking
    taking.close()


def rows(file: BinaryIO) -> Iterator[Mapping[str, Any]]:
    """The rows of an Avro file, names as its schema has them."""
    yield from fastavro.reader(file)  # type: ignore[misc] # a schema may hold no record; ours always does


class _Forward:
    """An output as fastavro wants it: it asks first whether it may seek, to append to what is there."""

    def __init__(self, out: Sink) -> None:
        self.write = out.write
        self.flush = out.flush

    def seekable(self) -> bool:
        return False


class _Rows:
    """Rows to fastavro one by one, which ends a block by the bytes of its rows alone, so calls leave no mark."""

    def __init__(self, made: Writer, columns: Sequence[Column]) -> None:
        self._made = made
        self._columns = columns
        self._under_avro_names = _renaming(columns)

    def write(self, rows: Sequence[Mapping[str, Any]], /) -> None:
        see_exact(rows, self._columns)
        record: Any  # fastavro's word for it is dict
        for record in map(self._under_avro_names, rows) if self._under_avro_names else rows:
            self._made.write(record)

    def close(self) -> None:
        self._made.flush()


_Change = Callable[[Any], Any]


def _renaming(parts: Sequence[Column]) -> _Change | None:
    """What puts a row under the names of the schema; None where it has them."""
    names, inner = _names(parts), [_renaming_in(column) for column in parts]
    if not any(inner) and names == [column.name for column in parts]:
        return None
    return lambda row: {
        name: change(value) if change and value is not None else value
        for name, change, value in zip(names, inner, row.values(), strict=True)
    }


def _renaming_in(column: Column) -> _Change | None:
    if column.type == "struct":
        return _renaming(column.parts)
    change = _renaming_in(column.item) if column.item else None
    return (lambda items: [None if one is None else change(one) for one in items]) if change else None


def _see_codec(codec: str) -> None:
    if codec not in _CODECS:
        raise FixThis(f"There is no Avro codec `{codec}`.", todo=f"Choose one of {', '.join(_CODECS)}.")
    try:
        fastavro.writer(BytesIO(), "null", [None], codec=codec)
    except ValueError:
        raise FixThis(
            f"The library for the Avro codec `{codec}` is not installed.",
            todo=f"Run: python -m pip install '{_CODECS[codec]}'; or choose `codec: deflate`.",
        ) from None
