"""Sample records -> a contract to begin with, and how sure each line of it is. Pure; guesses, so a person must look.

What was seen n times without an exception may still have exceptions: with 95 % confidence at most 3/n of all rows
("rule of three", Hanley and Lippman-Hand, JAMA 249, 1983), if the sample is like the rest.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from levada.contract.forms import form
from levada.contract.model import Field, FieldType
from levada.contract.values import keyed, plain_reader

__all__ = ["Guess", "Inferred", "block", "infer", "word"]

#: More texts than these are no list of choices; each must have come so often on average, in so many rows at least.
_CHOICES, _OFTEN, _FEW = 12, 10, 20
#: Characters of the longest choice, and of the longest text that may be more than text.
_LONGEST = 40
#: What days, moments and UUIDs begin with.
_STARTS = frozenset("0123456789abcdefABCDEF")
#: Fields whose whole numbers grow with the API's years: `id`, `user_id`, `userId`.
_ID = re.compile(r"(^|_)(id|ID|Id)$|[a-z](Id|ID)$")
_INT32, _INT64 = 2**31, 2**63
#: Digits beyond which a number is beyond any integer type: Python refuses to read 4300.
_DIGITS = 25
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
#: What each kind of text is to the contract; the first of them that takes a text is its kind.
_KINDS: Mapping[str, Callable[[bytes], Any]] = {
    "date": plain_reader(Field("", "date"), strict=True),
    "timestamp": plain_reader(Field("", "timestamp"), strict=True),
    "finer": form("microseconds", Field("", "timestamp")),
    "uuid": plain_reader(Field("", "uuid"), strict=True),
    "odd date": form("year_first", Field("", "date")),
}
#: What the names of fields in Avro may be.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_ -]*[A-Za-z0-9_]|[A-Za-z_]")
#: Words that YAML readers take for something else.
_TAKEN = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))

#: Kinds of text: what a person is told of them.
_NAMES = {
    "date": "YYYY-MM-DD",
    "timestamp": "a moment",
    "finer": "a moment finer than microseconds",
    "local": "a moment without offset",
    "uuid": "a UUID",
    "odd date": "a day in another form",
    "empty": "empty",
}

_text = msgspec.json.Decoder(str).decode


@dataclass(frozen=True, slots=True)
class Guess:
    """One field as the sample has it."""

    name: str
    #: None: the contract has no type for what was seen; `why` says what that was.
    type: FieldType | None
    #: Null or missing was seen.
    nullable: bool
    #: Rows of the sample, and those that had a value.
    rows: int
    filled: int
    #: Share of all rows that may break what no row of the sample broke (95 %).
    doubt: float
    #: What was seen, for a person.
    why: str
    #: Texts that may be all there are; empty: too many, or not seen often enough.
    enum: tuple[str, ...] = ()
    #: A type that would take the values, with the loss that `why` tells.
    instead: FieldType | None = None
    #: The form of the type that some of the values need, or "".
    parse: str = ""


@dataclass(frozen=True, slots=True)
class Inferred:
    """What a sample says of its records."""

    #: Records that were objects; of all others there are `odd`.
    rows: int
    odd: int
    fields: tuple[Guess, ...]

    @property
    def doubt(self) -> float:
        """Share of all rows that may break what no row of the sample broke (95 %)."""
        return _doubt(self.rows)


@dataclass(slots=True)
class _Seen:
    """The values of one field, counted."""

    kinds: Counter[str] = field(default_factory=Counter)
    nulls: int = 0
    low: int | None = None
    high: int | None = None
    #: A number that no float64 can hold.
    huge: bool = False
    #: Texts and how often they came; None once there are too many.
    texts: Counter[str] | None = field(default_factory=Counter)
    example: str = ""

    @property
    def filled(self) -> int:
        return self.kinds.total()


def infer(records: Iterable[msgspec.Raw | bytes]) -> Inferred:
    """What the records of some pages have in common.

    Args:
        records: Each the text of one record as the API sent it, of as many pages as there are.

    Returns:
        A guess a field, in the order in which they first came. Records that are no objects are counted only.
    """
    rows = odd = 0
    found: dict[str, _Seen] = {}
    for record in records:
        try:
            values = keyed(record)
        except (msgspec.DecodeError, RecursionError):
            odd += 1
            continue
        rows += 1
        for name, raw in values.items():
            _see(found.setdefault(name, _Seen()), bytes(raw))
    return Inferred(rows, odd, tuple(_guess(name, seen, rows) for name, seen in found.items()))


def _see(seen: _Seen, raw: bytes) -> None:
    first = raw[:1]
    if first == b"n":
        seen.nulls += 1
    elif first == b'"':
        _see_text(seen, raw)
    elif first in b"tf":
        seen.kinds["boolean"] += 1
    elif first in b"{[":
        seen.kinds["object" if first == b"{" else "list"] += 1
    else:
        _see_number(seen, raw)


def _see_text(seen: _Seen, raw: bytes) -> None:
    text = _text(raw)
    kind = _kind(text, raw)
    seen.kinds[kind] += 1
    seen.example = seen.example or ("" if kind in ("date", "empty", "text") else text)
    if seen.texts is not None:
        seen.texts[text] += 1
        if len(seen.texts) > _CHOICES or len(text) > _LONGEST:
            seen.texts = None


def _see_number(seen: _Seen, raw: bytes) -> None:
    if any(mark in raw for mark in (b".", b"e", b"E")):
        seen.kinds["float"] += 1
        seen.huge = seen.huge or abs(float(raw)) == float("inf")
        return
    seen.kinds["integer"] += 1
    number = int(raw) if len(raw) <= _DIGITS else (-1 if raw[:1] == b"-" else 1) * 10**_DIGITS
    seen.low = number if seen.low is None else min(seen.low, number)
    seen.high = number if seen.high is None else max(seen.high, number)


def _kind(text: str, raw: bytes) -> str:
    if not text:
        return "empty"
    # Nearly all texts are of no kind, and this tells them at a glance.
    if text[0] not in _STARTS or len(text) > _LONGEST:
        return "text"
    for kind, read in _KINDS.items():
        try:
            read(raw)
        except ValueError:
            continue
        return kind
    return "local" if _INSTANT.fullmatch(text) and _is_real(text) else "text"


def _is_real(text: str) -> bool:
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True


def _doubt(rows: int) -> float:
    return min(1.0, 3 / rows) if rows else 1.0


def _guess(name: str, seen: _Seen, rows: int) -> Guess:
    kind, instead, why = _type(seen)
    if kind == "int32" and _ID.search(name):
        kind, why = "int64", f"{why}; ids grow"
    missing = rows - seen.filled - seen.nulls
    gaps = [f"null in {seen.nulls}" if seen.nulls else "", f"missing in {missing}" if missing else ""]
    told = ", ".join([why, *(gap for gap in gaps if gap)])
    return Guess(
        name=name,
        type=kind,
        nullable=seen.filled < rows,
        rows=rows,
        filled=seen.filled,
        doubt=_doubt(seen.filled),
        why=f"{told} of {_rows(rows)}" if any(gaps) else told,
        enum=_choices(seen) if kind == "string" else (),
        instead=instead,
        parse=_form(seen, kind),
    )


def _type(seen: _Seen) -> tuple[FieldType | None, FieldType | None, str]:
    """The type, or None and one that would do with a loss; and what was seen."""
    kinds, rows = set(seen.kinds), _rows(seen.filled)
    if not kinds:
        return None, None, "never a value, so no type was seen"
    if kinds <= {"integer", "float"}:
        return _number(seen)
    if kinds == {"boolean"}:
        return "boolean", None, f"true or false in {rows}"
    if kinds <= {*_NAMES, "text"}:
        return _texts(seen)
    if len(kinds) == 1:
        return "json", None, f"{'an object' if kinds == {'object'} else 'a list'} in {rows}, kept as its text"
    return None, None, f"mixed: {_mixture(seen.kinds)}"


def _number(seen: _Seen) -> tuple[FieldType | None, FieldType | None, str]:
    rows = _rows(seen.filled)
    if "float" in seen.kinds:
        if seen.huge:
            return None, None, f"numbers beyond 1.8e308, which no type holds, among {rows}"
        if "integer" in seen.kinds:
            return "float64", None, f"numbers in {rows}, {seen.kinds['integer']} of them whole"
        return "float64", None, f"numbers with a fraction in {rows}"
    low, high = seen.low or 0, seen.high or 0
    if not -_INT64 <= low <= high < _INT64:
        beyond = f"whole numbers in {rows}, some beyond 2^63, which no type holds exactly (float64 rounds them)"
        return None, "float64", beyond
    kind: FieldType = "int32" if low >= -_INT32 and high < _INT32 else "int64"
    span = f"always {low}" if low == high else f"{low} to {high}"
    return kind, None, f"whole numbers in {rows}, {span}"


def _texts(seen: _Seen) -> tuple[FieldType | None, FieldType | None, str]:
    kinds, rows = set(seen.kinds), _rows(seen.filled)
    such = f"in {rows}, such as {seen.example}"
    zone = "without offset, so name its zone ({type: timestamp, timezone: UTC}); string keeps it"
    known: tuple[tuple[set[str], FieldType | None, str], ...] = (
        ({"date"}, "date", f"days as YYYY-MM-DD in {rows}"),
        ({"date", "odd date"}, "date", f"days {such}: {_mixture(seen.kinds)}"),
        ({"timestamp", "finer"}, "timestamp", f"a moment {such}"),
        ({"timestamp", "finer", "local"}, None, f"a moment {such}: {zone}"),
        ({"uuid"}, "uuid", f"a UUID in {rows}"),
        ({"empty"}, "string", f"empty text in {rows}"),
        ({"text"}, "string", f"text in {rows}"),
    )
    for fitting, kind, said in known:
        if kinds <= fitting:
            return kind, None if kind else "string", said
    return "string", None, f"text in {rows}: {_mixture(seen.kinds)}"


def _form(seen: _Seen, kind: FieldType | None) -> str:
    """The form that some of the values need, or ""."""
    if kind == "date" and "odd date" in seen.kinds:
        return "year_first"
    return "microseconds" if kind == "timestamp" and "finer" in seen.kinds else ""


def _mixture(kinds: Mapping[str, int]) -> str:
    names = _NAMES | {
        "text": "other text" if kinds.keys() & _NAMES else "text",
        "integer": "a whole number",
        "float": "a number with a fraction",
        "boolean": "true or false",
        "object": "an object",
        "list": "a list",
    }
    return ", ".join(f"{names[kind]} in {number}" for kind, number in sorted(kinds.items(), key=lambda one: -one[1]))


def _choices(seen: _Seen) -> tuple[str, ...]:
    """The texts, where so few came so often that they may be all there are."""
    texts = seen.texts
    if texts is None or "" in texts or len(texts) == seen.filled or seen.filled < max(_FEW, _OFTEN * len(texts)):
        return ()
    # What a spec would take for a variable of the environment stays out.
    return () if any("${" in text for text in texts) else tuple(sorted(texts))


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"  # noqa: PLR2004 - two digits are enough


def _rows(number: int) -> str:
    return f"{number} row{'' if number == 1 else 's'}"


def block(found: Inferred, indent: int = 0) -> list[str]:
    """The contract in YAML, a comment a line saying what was seen; fields that it cannot have are commented out.

    Args:
        found: What a sample says.
        indent: Blanks before each line.

    Returns:
        Lines without ends. Without a single field all of them are comments.
    """
    lines = [*_head(found), "contract:", "  fields:", *(f"    {line}" for line in _aligned(found.fields))]
    if not any(_usable(guess) for guess in found.fields):
        lines = [line if line.lstrip().startswith("#") else f"# {line}" for line in lines]
    return [f"{' ' * indent}{line}" for line in lines]


def _head(found: Inferred) -> Iterator[str]:
    yield f"# Guessed from {_rows(found.rows)}. What none of them broke, up to {_percent(found.doubt)} of all rows"
    yield "# may still break (95 % sure, if these rows are like the others): look at each line."
    if found.odd:
        were = "record was no object" if found.odd == 1 else "records were no objects"
        yield f"# CHECK: {found.odd} more {were} that could be read, which means quarantine."


def _aligned(guesses: Iterable[Guess]) -> list[str]:
    pairs = [(_line(guess), _comment(guess)) for guess in guesses]
    width = max((len(line) for line, _ in pairs), default=0)
    return [f"{line.ljust(min(width, 60))} # {comment}" for line, comment in pairs]


def _usable(guess: Guess) -> bool:
    return guess.type is not None and bool(_NAME.fullmatch(guess.name))


def _line(guess: Guess) -> str:
    kind = guess.type or guess.instead
    if kind is None:
        return f"# {word(guess.name)}:"
    parts = [f"parse: {guess.parse}" if guess.parse else "", "nullable: true" if guess.nullable else ""]
    more = "".join(f", {part}" for part in parts if part)
    said = f"{{type: {kind}{more}}}" if more else kind
    return f"{'' if _usable(guess) else '# '}{word(guess.name)}: {said}"


def _comment(guess: Guess) -> str:
    sure = "" if guess.filled == guess.rows or not guess.type else f"; up to {_percent(guess.doubt)} may differ"
    odd = "" if _NAME.fullmatch(guess.name) else "; CHECK: no name that can be staged; uncomment it where nothing is"
    enum = f"; only these texts came: enum: [{', '.join(map(word, guess.enum))}]" if guess.enum else ""
    return f"{guess.why}{sure}{enum}{odd}"


def word(text: str) -> str:
    """A text as YAML: bare where no reader can mistake it."""
    if _WORD.fullmatch(text) and text.lower() not in _TAKEN:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())
