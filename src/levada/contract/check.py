"""A contract applied: records in, good rows and violations out. Pure.

The record path (`check_record`) is the definition of a good record: each field is read by its own strict reader, and
everything that is wrong is told. `check_page` first tries a quick path that decodes a whole record in one go; it may
only say "all good" or "I do not know", and a property test holds the two together.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Never

import msgspec

from levada.contract.model import UNKNOWN, Contract, Field, MaxBad, OnBad, Unknown
from levada.contract.quick import Quick, plainly_good
from levada.contract.rules import Rule, rules
from levada.contract.values import EXPECTED, Reader, keyed, readers, shown
from levada.errors import ContractBroken, FixThis
from levada.nouns import Batch, Counts, Rejected, Violation

__all__ = ["Checker", "check_page", "check_record", "fingerprint", "hopeless", "prepare", "verdict"]

Row = dict[str, Any]

#: Rules that speak of the record, not of the value of one field: there is nothing that null could stand in for.
_OF_THE_RECORD = frozenset({"json", "unknown"})


@dataclass(frozen=True, slots=True)
class _Named:
    """A field made ready."""

    name: str
    nullable: bool
    read: Reader
    rules: tuple[Rule, ...]
    #: Completes the sentence "expected …".
    expected: str


@dataclass(frozen=True, slots=True)
class Checker:
    """A contract made ready; make one with `prepare`."""

    fields: tuple[_Named, ...]
    on_bad: OnBad
    unknown: Unknown
    quick: Quick


@dataclass(frozen=True, slots=True)
class _Examined:
    """A record by the record path: the row as far as it is good (bad values null), and all that is wrong."""

    row: Row
    violations: tuple[Violation, ...]

    @property
    def mendable(self) -> bool:
        """Whether every violation is of one field's value, so that null can stand in for it."""
        return all(each.path in self.row and each.rule not in _OF_THE_RECORD for each in self.violations)


def prepare(contract: Contract) -> Checker:
    """Build the decoders of `contract`, whose templates are filled.

    Raises:
        FixThis: a rule does not fit its field; a field has the name that `unknown: keep` needs.
    """
    read = readers()
    if contract.unknown == "keep" and any(field.name == UNKNOWN for field in contract.fields):
        raise FixThis(
            f"A field is named `{UNKNOWN}`, which is the column that `unknown: keep` adds.",
            where=str(contract.place or ""),
            todo="Choose `unknown: drop` or `unknown: refuse`.",
        )
    named = tuple(_named(field, read[field.type]) for field in contract.fields)
    return Checker(
        fields=named,
        on_bad=contract.on_bad,
        unknown=contract.unknown,
        quick=Quick(contract, tuple((field.name, rule.good) for field in named for rule in field.rules)),
    )


def _named(field: Field, read: Reader) -> _Named:
    return _Named(field.name, field.nullable, read, rules(field, read), EXPECTED[field.type])


def check_page(checker: Checker, page: int, records: Sequence[msgspec.Raw | bytes]) -> Batch:
    """Check the records of one page, each the JSON text of one value.

    Raises:
        ContractBroken: a record is bad and the contract says `on_bad: fail`.
    """
    rows: list[Row] = []
    rejected: list[Rejected] = []
    nullified = 0
    quick = plainly_good(checker.quick, records)
    for index, raw in enumerate(records):
        row = quick(raw)
        if row is None:
            examined = _examine(checker, raw)
            if not examined.violations:
                row = examined.row
            elif checker.on_bad == "fail":
                _fail(page, index, examined.violations)
            elif checker.on_bad == "nullify" and examined.mendable:
                row = examined.row
                nullified += len({each.path for each in examined.violations})
            else:
                rejected.append(Rejected(page, index, examined.violations, bytes(raw)))
                continue
        rows.append(row)
    return Batch(page, tuple(rows), tuple(rejected), nullified=nullified)


def check_record(checker: Checker, raw: msgspec.Raw | bytes) -> Row | tuple[Violation, ...]:
    """The row of a good record, keys in the contract's order; for a bad one all its violations.

    Violations of the record come first, then those of the fields in the contract's order, then unknown keys.
    """
    examined = _examine(checker, raw)
    return examined.violations or examined.row


def _examine(checker: Checker, raw: msgspec.Raw | bytes) -> _Examined:
    text = bytes(raw)
    try:
        text.decode()
        found = keyed(text)
    except (ValueError, RecursionError) as error:
        return _Examined({}, (_no_record(text, error),))
    row: Row = {}
    violations = _repeated(text, found)
    for field in checker.fields:
        row[field.name] = _value(field, found.get(field.name), violations)
    if checker.unknown != "drop":
        _see_unknown(checker.unknown, found, row, violations)
    return _Examined(row, tuple(violations))


def _value(field: _Named, raw: msgspec.Raw | None, violations: list[Violation]) -> Any:
    """The value of a field; where it is bad, None, and why is added to `violations`."""
    if raw is None:
        if not field.nullable:
            violations.append(Violation(field.name, "required", f"expected {field.expected}, but the key is missing"))
        return None
    try:
        value = field.read(raw)
    except ValueError:
        violations.append(_unlike(field.name, "type", field.expected, raw))
        return None
    if value is None:
        if not field.nullable:
            violations.append(_unlike(field.name, "nullable", field.expected, raw))
        return None
    bad = [_unlike(field.name, rule.name, rule.expected, raw) for rule in field.rules if not rule.good(value)]
    violations += bad
    return None if bad else value


def _unlike(path: str, rule: str, expected: str, raw: msgspec.Raw) -> Violation:
    return Violation(path, rule, f"expected {expected}, found {shown(bytes(raw))}")


def _see_unknown(unknown: Unknown, found: Mapping[str, msgspec.Raw], row: Row, violations: list[Violation]) -> None:
    rest = {key: raw for key, raw in found.items() if key not in row}
    if unknown == "keep":
        row[UNKNOWN] = msgspec.json.encode(rest).decode() if rest else None
    else:
        violations += [_unlike(key, "unknown", "no key beyond the contract's", raw) for key, raw in rest.items()]


def _repeated(text: bytes, found: Mapping[str, msgspec.Raw]) -> list[Violation]:
    """Keys that the object has twice: JSON readers keep the last value, so the others would be lost unseen."""
    if _colons(text, found):
        return []
    # Only keys written with a colon in them, and real repetitions, come here. The outermost object is built last.
    told: list[str] = json.loads(text, object_pairs_hook=_names, parse_int=str, parse_float=str)
    return [
        Violation(key, "json", f"expected each key once, found {told.count(key)} values for {shown(_encoded(key))}")
        for key in found
        if told.count(key) > 1
    ]


def _colons(text: bytes, found: Mapping[str, msgspec.Raw]) -> bool:
    """Whether all colons are accounted for: one a key, and those within the values that were found."""
    colons = text.count(b":") - len(found)
    return not colons or colons == b"".join(found.values()).count(b":")


def _names(pairs: list[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in pairs]


def _encoded(key: str) -> bytes:
    return msgspec.json.encode(key)


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
        raise _too_many(counts, f"`max_bad` allows {limit.count}")
    elif limit.share is not None and counts.quarantined > limit.share * held:
        raise _too_many(counts, f"`max_bad` allows {limit.share * 100:g} %")


def hopeless(contract: Contract, counts: Counts) -> bool:
    """Whether no further record can save the partition: more are bad already than the count in `max_bad` allows.

    A share is never hopeless before the end: good records may follow.
    """
    limit = contract.max_bad.count if contract.max_bad else None
    return limit is not None and counts.quarantined > limit


def _too_many(counts: Counts, because: str) -> ContractBroken:
    return ContractBroken(
        f"{counts.quarantined} of {counts.read} records are bad: {because}.",
        todo="See them and their reasons with `levada quarantine`, then mend the contract, or raise `max_bad`.",
    )


def fingerprint(contract: Contract) -> str:
    """SHA-256 in hex of what the contract says, wherever it stands in its file.

    What is left at its default is left out, so a rule that a later version adds changes no fingerprint of today.
    """
    return hashlib.sha256(msgspec.json.encode(_said(contract), order="sorted")).hexdigest()


def _said(noun: Contract | Field | MaxBad) -> dict[str, Any]:
    said = {each.name: getattr(noun, each.name) for each in fields(noun) if each.name != "place"}
    defaults = {each.name: each.default for each in fields(noun)}
    return {name: _plain(value) for name, value in said.items() if value != defaults[name]}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return _said(value) if isinstance(value, Field | MaxBad) else value
