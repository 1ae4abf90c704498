"""A contract applied: records in, good rows and violations out. Pure.

The record path (`check_record`) is the definition of a good record: each field is read by its own strict reader, and
everything that is wrong is told. `check_page` first tries a quick path that decodes a whole record in one go; it may
only say "all good" or "I do not know", and a property test holds the two together.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, Never

import msgspec

from levada.contract.memory import Memory, Once, onces
from levada.contract.model import UNKNOWN, Contract, Field, MaxBad, OnBad, Unknown
from levada.contract.quick import Quick, plainly_good, quick
from levada.contract.reading import Found, Named, named, repeated, root, taken, unlike
from levada.contract.rules import When, see_tuples, whens
from levada.contract.values import keyed, shown
from levada.errors import ContractBroken, FixThis
from levada.nouns import Batch, Counts, Rejected, Violation

__all__ = ["Checker", "Memory", "check_page", "check_record", "fingerprint", "hopeless", "prepare", "verdict"]

Row = dict[str, Any]

#: What changes no row.
_UNSAID = frozenset({"place"})

#: Rules that speak of the record, not of the value of one field: there is nothing that null could stand in for.
_OF_THE_RECORD = frozenset({"json", "unknown", "key"})


@dataclass(frozen=True, slots=True)
class Checker:
    """A contract made ready; make one with `prepare`."""

    fields: tuple[Named, ...]
    #: Keys of a record that fields are taken from.
    keys: frozenset[str]
    whens: tuple[When, ...]
    onces: tuple[Once, ...]
    on_bad: OnBad
    unknown: Unknown
    quick: Quick


@dataclass(frozen=True, slots=True)
class _Examined:
    """A record by the record path: the row as far as it is good (bad values null), and all that is wrong."""

    row: Row
    violations: tuple[Violation, ...] = ()
    #: Fields whose values are bad.
    bad: frozenset[str] = frozenset()


def prepare(contract: Contract) -> Checker:
    """Build the decoders of `contract`, whose templates are filled.

    Raises:
        FixThis: a rule does not fit its field; a field has the name that `unknown: keep` needs; Python code gave
            something else where the nouns say tuple.
    """
    see_tuples(contract)
    if contract.unknown == "keep" and any(field.name == UNKNOWN for field in contract.fields):
        raise FixThis(
            f"A field is named `{UNKNOWN}`, which is the column that `unknown: keep` adds.",
            where=str(contract.place or ""),
            todo="Choose `unknown: drop` or `unknown: refuse`.",
        )
    fields, nulls = named(contract), whens(contract)
    return Checker(
        fields=fields,
        keys=frozenset(map(root, contract.fields)),
        whens=nulls,
        onces=onces(contract),
        on_bad=contract.on_bad,
        unknown=contract.unknown,
        quick=quick(contract, fields, nulls),
    )


def check_page(
    checker: Checker,
    page: int,
    records: Sequence[msgspec.Raw | bytes],
    memory: Memory | None = None,
    places: Sequence[int] | None = None,
) -> Batch:
    """Check records of one page, each the JSON text of one value.

    Args:
        checker: The contract.
        page: Its number.
        records: Records in order.
        memory: What the partition remembers of its earlier records; None: these are all that it has.
        places: The place of each in the page, from 0: the records may be a part of it. None: they are all of it.

    Raises:
        ContractBroken: a record is bad and the contract says `on_bad: fail`.
    """
    memory = memory or Memory()
    found = plainly_good(checker.quick, records, memory)
    good = [row for row in found if row is not None]
    if len(good) == len(found) and not checker.onces:
        return Batch(page, tuple(good))
    rows: list[Row] = []
    rejected: list[Rejected] = []
    nullified = 0
    for index, raw, row in zip(places or range(len(records)), records, found, strict=True):
        if row is not None and memory.takes(checker.onces, row, page, index):
            rows.append(row)
            continue
        examined = _judged(checker, raw, row, memory)
        if not examined.violations or _mendable(checker, examined):
            rows.append(examined.row)
            nullified += len(examined.bad)
            memory.takes(checker.onces, examined.row, page, index)
        elif checker.on_bad == "fail":
            _fail(page, index, examined.violations)
        else:
            rejected.append(Rejected(page, index, examined.violations, bytes(raw)))
    return Batch(page, tuple(rows), tuple(rejected), nullified=nullified)


def check_record(checker: Checker, raw: msgspec.Raw | bytes) -> Row | tuple[Violation, ...]:
    """The row of a good record, keys in the contract's order; for a bad one all its violations.

    Violations of the record come first, then those of the fields in the contract's order, then unknown keys. What other
    records hold plays no part.
    """
    examined = _examine(checker, raw, Memory())
    return examined.violations or examined.row


def _judged(checker: Checker, raw: msgspec.Raw | bytes, row: Row | None, memory: Memory) -> _Examined:
    """A record by itself, and beside those before it: what is bad already is not held against them."""
    examined = _Examined(row) if row is not None else _examine(checker, raw, memory)
    if examined.violations and not _mendable(checker, examined):
        return examined
    again = [(once, found) for once in checker.onces if (found := memory.repeats(once, examined.row))]
    if not again:
        return examined
    bad = {once.fields[0] for once, _ in again if once.rule == "unique"}
    return _Examined(
        {name: None if name in bad else value for name, value in examined.row.items()},
        (*examined.violations, *(found for _, found in again)),
        examined.bad | bad,
    )


def _mendable(checker: Checker, examined: _Examined) -> bool:
    """Whether null can stand in for all that is bad: values of fields, and none of the key."""
    if checker.on_bad != "nullify" or not examined.bad:
        return False
    told = {each.rule for each in examined.violations}
    return told.isdisjoint(_OF_THE_RECORD) and all(
        examined.bad.isdisjoint(once.fields) for once in checker.onces if once.rule == "key"
    )


def _examine(checker: Checker, raw: msgspec.Raw | bytes, memory: Memory) -> _Examined:
    text = bytes(raw)
    try:
        text.decode()
        record = keyed(text)
    except (ValueError, RecursionError) as error:
        return _Examined({}, (_no_record(text, error),))
    memory.saw(record)
    row: Row = {}
    found = Found(repeated(text, record))
    bad = set()
    for field in checker.fields:
        before = len(found.violations)
        row[field.name] = taken(field, record, field.name, found)
        if len(found.violations) > before:
            bad.add(field.name)
    _see_nulls(checker.whens, row, found, bad)
    _see_unknown(checker, record, row, found)
    return _Examined(row, tuple(found.violations), frozenset(bad))


def _see_nulls(whens: Sequence[When], row: Row, found: Found, bad: set[str]) -> None:
    """`null_exactly_when`, of fields that are good, as the others are that they hang on."""
    for when in whens:
        if bad.isdisjoint({when.name, *(other for other, _ in when.others)}) and when.broken(row):
            value = row[when.name]
            wanted = "a value, because not" if value is None else "null, because"
            said = f"expected {wanted} {when.said}, found {shown(msgspec.json.encode(value))}"
            found.violations.append(Violation(when.name, "null_exactly_when", said))
            row[when.name] = None
            bad.add(when.name)


def _see_unknown(checker: Checker, record: Mapping[str, msgspec.Raw], row: Row, found: Found) -> None:
    if checker.unknown == "drop":
        return
    rest = {key: raw for key, raw in record.items() if key not in checker.keys} | found.beyond
    if checker.unknown == "keep":
        row[UNKNOWN] = msgspec.json.encode(rest).decode() if rest else None
    else:
        nothing = "no key beyond the contract's"
        found.violations += [unlike(key, "unknown", nothing, raw) for key, raw in rest.items()]


def _no_record(text: bytes, error: Exception) -> Violation:
    if isinstance(error, msgspec.ValidationError):
        return Violation("$", "type", f"expected an object, found {shown(text)}")
    found = shown(text) or "nothing"
    return Violation("$", "json", f"expected an object in JSON, found {found}: {_why(text, error)}")


def _why(text: bytes, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 (byte {error.start})"
    if _tolerated(text):
        return "half of a surrogate pair stands alone"
    return str(error).removeprefix("JSON is malformed: ")


def _tolerated(text: bytes) -> bool:
    """Whether Python's own JSON reader takes `text`: unlike msgspec it lets lone surrogates pass."""
    try:
        json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(name: str) -> Never:
    raise ValueError(name)


def _fail(page: int, index: int, violations: tuple[Violation, ...]) -> Never:
    first, others = violations[0], len(violations) - 1
    more = f" ({others} more in this record)" if others else ""
    raise ContractBroken(
        f"Page {page}, record {index} (from 0), `{first.path}`: {first.reason}{more}.",
        todo="Mend the contract if the record is right; `on_bad: quarantine` sets bad records aside and goes on.",
    )


def verdict(contract: Contract, counts: Counts) -> None:
    """Accept the rows of a partition, or not.

    Raises:
        ContractBroken: more records are bad than `max_bad` allows; without `max_bad`, every record is.
    """
    limit, held = contract.max_bad, counts.read - counts.dropped
    if limit is None:
        if held and counts.quarantined == held:
            raise _too_many(counts, "a partition without one good record is never published")
    elif hopeless(contract, counts):
        raise _too_many(counts, f"`max_bad` allows {limit.count}", so_far=True)
    elif limit.share is not None and counts.quarantined > Fraction(str(limit.share)) * held:
        raise _too_many(counts, f"`max_bad` allows {limit.share * 100:g} %")


def hopeless(contract: Contract, counts: Counts) -> bool:
    """Whether no further record can save the partition: more are bad already than the count in `max_bad` allows.

    A share is never hopeless before the end: good records may follow.
    """
    limit = contract.max_bad.count if contract.max_bad else None
    return limit is not None and counts.quarantined > limit


def _too_many(counts: Counts, because: str, *, so_far: bool = False) -> ContractBroken:
    read = f"the {counts.read} records read so far" if so_far else f"{counts.read} records"  # more may have followed
    return ContractBroken(
        f"{counts.quarantined} of {read} {'is' if counts.quarantined == 1 else 'are'} bad: {because}.",
        todo="See them and their reasons with `levada quarantine`, then mend the contract, or raise `max_bad`.",
    )


def fingerprint(contract: Contract) -> str:
    """SHA-256 in hex of what the contract says, wherever it stands in its file.

    What is left at its default is left out, so a rule that a later version adds changes no fingerprint of today.
    """
    return hashlib.sha256(msgspec.json.encode(_said(contract), order="sorted")).hexdigest()


def _said(noun: Contract | Field | MaxBad) -> dict[str, Any]:
    said = {each.name: getattr(noun, each.name) for each in fields(noun) if each.name not in _UNSAID}
    defaults = {each.name: each.default for each in fields(noun)}
    return {name: _plain(value) for name, value in said.items() if value != defaults[name]}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return _said(value) if isinstance(value, Field | MaxBad) else value
