"""The quick path: whole pages at once. It says "plainly good", with the rows, or "I do not know".

What it says must be what the record path would say; a property test holds the two together. Keys, colons and rules are
looked at column by column for all records of a page; a page in which anything is doubtful is looked at in parts, then
record by record. Fields that msgspec cannot read by itself are read by the record path's own readers. A sales record
takes 1.0 to 1.4 µs, one by one it took 2.8 (bench/contract_avro.py has the whole way to Avro).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import msgspec

from levada.contract.memory import Memory
from levada.contract.model import UNKNOWN, Contract, Decode, Field
from levada.contract.packed import unpacked
from levada.contract.reading import Found, Named, root, taken
from levada.contract.rules import Rule, When
from levada.contract.typed import Keys, beyond, counted, finished, kind, shape

__all__ = ["Quick", "plainly_good", "quick"]

_Row = dict[str, Any]
_Raw = msgspec.Raw | bytes

#: Blanks that JSON allows between a key and its colon.
_BLANK_COLONS = (b" :", b"\n:", b"\t:", b"\r:")
#: Records of a part in which all are tried again, where their page was doubtful.
_PART = 10


@dataclass(frozen=True, slots=True)
class Quick:
    """What the quick path knows of a contract."""

    contract: Contract
    #: Keys of a record, in the order of the fields; none twice.
    keys: tuple[str, ...]
    #: Whether a row is the record as msgspec decodes it: each field its own key, read by msgspec.
    plain: bool
    #: Fields and their keys, with how the value is made of the raw one; None where msgspec does it.
    fields: tuple[tuple[str, str, Named | None], ...]
    #: Keys whose values come raw, and those of them that are unpacked before fields are taken from them.
    raw: tuple[str, ...]
    packed: tuple[tuple[str, Decode], ...]
    #: Rules besides the types, by field, of the fields that are read column by column.
    tests: tuple[tuple[str, Rule], ...]
    whens: tuple[When, ...]
    #: Fields whose values msgspec reads as something else than they are in a row: moments and structs.
    unfinished: tuple[Field, ...]
    #: Whether values are packed in texts, so that they may hold what the JSON of a record does not.
    packs: bool = False
    #: How it is done where structs hold more keys than the first one has: part by part.
    other: "Quick | None" = None

    @property
    def structs(self) -> tuple[Field, ...]:
        """Those of them that are structs."""
        return tuple(field for field in self.unfinished if field.type == "struct")


def quick(contract: Contract, fields: Sequence[Named], whens: tuple[When, ...]) -> Quick:
    """Make the quick path of a contract ready, whose fields are."""
    fields = [replace(field, outer=None) for field in fields]  # keys are unpacked once, not for each of their fields
    keys = [root(field) for field in contract.fields]
    raw = frozenset(key for key, field in zip(keys, contract.fields, strict=True) if _needs_raw(contract, field, keys))
    structs = {key for key, field in zip(keys, contract.fields, strict=True) if field.type == "struct"} - raw
    part_by_part = _quick(contract, fields, whens, raw | structs)
    return replace(_quick(contract, fields, whens, raw), other=part_by_part) if structs else part_by_part


def _quick(contract: Contract, fields: Sequence[Named], whens: tuple[When, ...], raw: frozenset[str]) -> Quick:
    keys = [root(field) for field in contract.fields]
    return Quick(
        contract=contract,
        keys=tuple(dict.fromkeys(keys)),
        plain=not raw and keys == [field.name for field in fields],
        fields=tuple((field.name, key, field if key in raw else None) for key, field in zip(keys, fields, strict=True)),
        raw=tuple(sorted(raw)),
        packed=tuple((key, how) for key, how in contract.decode if key in keys),
        tests=tuple(
            (field.name, rule)
            for key, field in zip(keys, fields, strict=True)
            for rule in field.rules
            if key not in raw or _is_plain(field)
        ),
        whens=whens,
        packs=bool(contract.decode) or any(field.decode for field in contract.fields),
        unfinished=tuple(
            field for field in contract.fields if root(field) not in raw and field.type in ("timestamp", "struct")
        ),
    )


def _needs_raw(contract: Contract, field: Field, keys: list[str]) -> bool:
    """Whether msgspec cannot read the value of a field's key by itself."""
    key = root(field)
    led = field.source is not None and field.source.startswith("$") and field.source not in (f"$.{key}", f"$['{key}']")
    shared = keys.count(key) > 1 or key in dict(contract.decode)
    return led or shared or kind(field, strict=contract.strict) is None


def plainly_good(quick: Quick, records: Sequence[_Raw], memory: Memory) -> list[_Row | None]:
    """The row of each record that is plainly good, None for any other.

    Keys beyond the contract that the first record has are expected in the others; a record with yet other keys is left
    to the record path, one with such keys in a struct to the other way.
    """
    more = _beyond(quick, records[:1]) if quick.contract.unknown == "drop" else ()
    decode = _typed(quick.contract, quick.raw, more)
    rows = _rows(quick, decode, more, records, memory)
    if rows is not None:
        return [*rows]
    if quick.other:
        return plainly_good(quick.other, records, memory)
    return [
        row
        for start in range(0, len(records), _PART)
        for row in _part(quick, decode, more, records[start : start + _PART], memory)
    ]


def _part(
    quick: Quick, decode: Callable[[_Raw], _Row], more: tuple[Keys, ...], records: Sequence[_Raw], memory: Memory
) -> list[_Row | None]:
    rows = _rows(quick, decode, more, records, memory) if len(records) > 1 else None
    if rows is not None:
        return [*rows]
    alone = (_rows(quick, decode, more, (raw,), memory) for raw in records)
    return [one[0] if one else None for one in alone]


def _beyond(quick: Quick, first: Sequence[_Raw]) -> tuple[Keys, ...]:
    try:
        more: set[Keys] = set().union(*(beyond(quick.contract.fields, raw, quick.structs) for raw in first))
    except (ValueError, RecursionError):
        return ()
    return tuple(sorted(more))


@lru_cache(64)
def _typed(contract: Contract, raw: tuple[str, ...], more: tuple[Keys, ...]) -> Callable[[_Raw], _Row]:
    fields = [field for field in contract.fields if root(field) not in raw]
    typed = shape(fields, strict=contract.strict, more=(*more, *((key,) for key in raw)))
    decode: Callable[[_Raw], _Row] = msgspec.json.Decoder(typed).decode
    return decode


def _rows(
    quick: Quick, decode: Callable[[_Raw], _Row], more: tuple[Keys, ...], records: Sequence[_Raw], memory: Memory
) -> list[_Row] | None:
    """The rows of records that are all plainly good, else None."""
    try:
        found = list(map(decode, records))
        text = b"".join(records)
        if more or quick.raw:
            text.decode()  # msgspec passes over raw values without a look at their UTF-8
    except (ValueError, RecursionError):
        return None
    if not _accounted(quick, text, found, more):
        return None
    shapes = set(map(tuple, found))
    rows = _made(quick, found, shapes)
    whole = None if quick.packs else text
    if rows is None or not _finished(quick, rows, whole) or not _by_the_rules(quick, rows, whole):
        return None
    for keys in shapes:
        memory.saw(keys)
    if quick.contract.unknown == "keep":
        for row in rows:
            row[UNKNOWN] = None
    return rows


def _accounted(quick: Quick, text: bytes, found: Sequence[_Row], more: Sequence[Keys]) -> bool:
    """Whether the objects in `text` surely have no key but those of `found`, and none twice.

    Every key ends in a colon. If there are as many colons as keys, besides those inside raw values, there is no room
    for another key. Values that msgspec reads may hold colons too (addresses, texts): then as many `":` as keys prove
    the same, provided that no blank stands before a colon.
    """
    keys, raw = counted(quick.structs, found, (*more, *((key,) for key in quick.raw)))
    if text.count(b":") == keys:
        return True
    rest = b"\n".join(raw)
    if rest and text.count(b":") == keys + rest.count(b":"):
        return True
    return text.count(b'":') == keys + rest.count(b'":') and not any(blank in text for blank in _BLANK_COLONS)


def _made(quick: Quick, found: list[_Row], shapes: set[tuple[str, ...]]) -> list[_Row] | None:
    """The rows of decoded records, keys in the contract's order; None where a raw value is not good."""
    known = set(quick.keys)
    if quick.plain and all(tuple(filter(known.__contains__, shape)) == quick.keys for shape in shapes):
        for key in set().union(*shapes) - known:
            for record in found:
                record.pop(key, None)
        return found
    if not quick.raw:
        pairs = [(name, key) for name, key, _ in quick.fields]
        return [{name: record.get(key) for name, key in pairs} for record in found]
    if not _opened(quick.packed, found):
        return None
    columns = [_column(quick, key, field, found) for _, key, field in quick.fields]
    names = [name for name, _, _ in quick.fields]
    if None in columns:
        return None
    return [dict(zip(names, row, strict=True)) for row in zip(*filter(None, columns), strict=True)]


def _opened(packed: Sequence[tuple[str, Decode]], found: Sequence[_Row]) -> bool:
    """Whether these keys of all records could be unpacked, as they then are."""
    try:
        for key, how in packed:
            for record in found:
                if key in record:
                    record[key] = unpacked(how, record[key])
    except (ValueError, RecursionError):
        return False
    return True


def _column(quick: Quick, key: str, field: Named | None, found: Sequence[_Row]) -> list[Any] | None:
    """The values of a field in all records, but for the rules that are among the tests; None: one is bad."""
    raw = [record.get(key) for record in found]
    if field is None:
        return raw
    read = field.read
    if read is None or not _is_plain(field):
        return _taken(quick, field, found)
    try:
        values = [None if each is None else read(each) for each in raw]
    except ValueError:
        return None
    return values if field.optional or None not in values else None


def _is_plain(field: Named) -> bool:
    """Whether the raw value of its key is all that a field's own reader needs."""
    return field.read is not None and len(field.steps) == 1 and not field.inner


def _taken(quick: Quick, field: Named, found: Sequence[_Row]) -> list[Any] | None:
    wrong = Found()
    values = []
    for record in found:
        values.append(taken(field, record, field.name, wrong))
        if wrong.violations or (wrong.beyond and quick.contract.unknown != "drop"):
            return None
    return values


def _finished(quick: Quick, rows: Sequence[_Row], text: bytes | None) -> bool:
    """Whether moments and structs are good; they are in the rows then."""
    for field in quick.unfinished:
        name = field.name
        read = [row[name] for row in rows]
        values = finished(field, read, text)
        if values is None:
            return False
        if values is not read:
            for row, value in zip(rows, values, strict=True):
                row[name] = value
    return True


def _by_the_rules(quick: Quick, rows: Sequence[_Row], text: bytes | None) -> bool:
    asked = [(name, rule.good) for name, rule in quick.tests if not rule.idle(text)]
    for name, good in asked:
        if not all(map(good, [row[name] for row in rows if row[name] is not None])):
            return False
    return not any(when.broken(row) for when in quick.whens for row in rows)
