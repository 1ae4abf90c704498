"""Which parts a partition is asked for in: rows of other streams, windows of time. Pure.

rows of the parents ──► usable ──► distinct ──► first N ──► batches ──► (x windows) ──► slices
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias

from levada.errors import ContractBroken
from levada.source.slices import Slice
from levada.spec.model import ForEach, Stream
from levada.spec.template import Template, moment_text, parse, variables

__all__ = ["Fields", "Row", "Sliced", "Window", "fields_of", "in_order", "label", "parents", "slices", "windowed"]

#: A span of time: its first moment, and the first after it.
Window: TypeAlias = tuple[datetime, datetime]
#: How the fields of a row begin in templates: `{row.id}`.
ROW = "row."
#: Characters of one value, and values, that people are shown of a row.
_LONGEST, _SHOWN = 40, 3


@dataclass(frozen=True, slots=True)
class Row:
    """A record that children are asked for by."""

    #: The stream that it is of; "" for a row that the spec itself names.
    of: str
    #: Its place in that stream's partition, from 1.
    number: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a row that a stream uses, as dotted paths, sorted."""

    #: Those that templates name.
    filling: tuple[str, ...] = ()
    #: Those of them that stand in the path of the request, where an empty value would ask for something else.
    path: tuple[str, ...] = ()
    #: Those that `add` gives to each record.
    added: tuple[str, ...] = ()

    @property
    def needed(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(sorted({*self.filling, *self.added}))


@dataclass(frozen=True, slots=True)
class Sliced:
    """The slices of a partition, and the rows that it cannot be asked for by."""

    slices: tuple[Slice, ...] = (Slice(),)
    #: (stream, field) -> rows that lack it.
    lacking: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def left_out(self) -> int:
        """Rows that were not asked for."""
        return sum(self.lacking.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know: "3 rows of posts lack id: not asked for"."""
        return tuple(
            f"{rows} row{'' if rows == 1 else 's'} of {of or 'the spec'} lack{'s' if rows == 1 else ''} {name}: "
            "not asked for"
            for (of, name), rows in self.lacking.items()
        )


def parents(stream: Stream) -> tuple[str, ...]:
    """The streams whose commits of the same partition a stream needs before it can be run."""
    return (*(stream.for_each.row_of if stream.for_each else ()), *((stream.pages_of,) if stream.pages_of else ()))


def in_order(streams: Sequence[Stream]) -> tuple[Stream, ...]:
    """The streams, each after its parents among them, otherwise in the order in which they came."""
    left, ordered = list(streams), list[Stream]()
    while left:
        waiting = {stream.name for stream in left}
        # A circle has no first: the spec reader refuses it, and this must end.
        ready = next((each for each in left if waiting.isdisjoint(parents(each))), left[0])
        left.remove(ready)
        ordered.append(ready)
    return tuple(ordered)


def fields_of(stream: Stream, readers: Iterable[Stream] = ()) -> Fields:
    """The fields of a row that the templates and `add` of a stream use, and the templates of its `readers`.

    Args:
        stream: The stream that is asked for by rows.
        readers: Streams that take its pages (`pages_of`), and their rows with them.
    """
    request = stream.request
    used = {hole for each in (stream, *readers) for template in _templates(each) for hole in _row_fields(template)}
    added = {source for _, source in stream.for_each.add} if stream.for_each else set()
    path = _row_fields(request.path) if request else set()
    return Fields(tuple(sorted(used)), tuple(sorted(path)), tuple(sorted(added)))


def _row_fields(template: Template) -> set[str]:
    return {name.removeprefix(ROW) for name in variables(template) if name.startswith(ROW)}


def _templates(stream: Stream) -> Iterator[Template]:
    if stream.request:
        request = stream.request
        yield from _within((request.path, request.params, request.headers))
        yield from _within(request.body.content if request.body else ())
    staged = tuple(output.name for output in stream.stage.outputs) if stream.stage else ()
    yield from _within((stream.raw, stream.raw_joined, staged))
    for each in stream.contract.fields if stream.contract else ():
        if isinstance(each.equals, str):
            yield parse(each.equals)


def _within(tree: object) -> Iterator[Template]:
    """Every template of a tree of tuples and dicts."""
    if isinstance(tree, Template):
        yield tree
    elif isinstance(tree, Mapping):
        yield from _within(tuple(tree.values()))
    elif isinstance(tree, tuple | list):
        for below in tree:
            yield from _within(below)


def slices(each: ForEach, fields: Fields, rows: Iterable[Row], windows: Sequence[Window] = ()) -> Sliced:
    """The slices that these rows make; rows are taken one by one, and only as many as are needed.

    Args:
        each: What the spec says of the rows.
        fields: The fields that are used, see `fields_of`.
        rows: The rows, in order.
        windows: Spans of time that each row is asked for in, if any.

    Raises:
        ContractBroken: a value is a list or an object, which fills no template; no row has such a field at all.
    """
    lacking = _Lacking()
    usable = _usable(fields, rows, lacking)
    if each.distinct:
        usable = _distinct(usable, fields)
    if each.first is not None:
        usable = islice(usable, each.first)
    groups = _batches(usable, each.batch) if each.batch else usable
    found = tuple(_crossed(groups, fields, windows, may_fail=each.failing == "gap"))
    if not found:
        lacking.refuse_unknown()
    return Sliced(found, dict(lacking.counts))


class _Lacking:
    """Rows that cannot be asked for by, counted by stream and field."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._rows: Counter[str] = Counter()
        self._absent: Counter[tuple[str, str]] = Counter()
        self._keys: dict[str, str] = {}

    def saw(self, row: Row, name: str | None, *, absent: bool) -> None:
        """A row, and the field that it lacks."""
        self._rows[row.of] += 1
        if name is not None:
            self.counts[row.of, name] += 1
            self._absent[row.of, name] += absent
            self._keys.setdefault(row.of, ", ".join(str(key) for key in islice(row.fields, 10)))

    def refuse_unknown(self) -> None:
        """A field that no row has is a mistake of the spec, and no reason to ask for nothing."""
        for (of, name), rows in self._absent.items():
            if rows and rows == self._rows[of]:
                raise ContractBroken(
                    f"No row of {of or 'the spec'} has the field {name}; the first has: {self._keys[of] or '(none)'}.",
                    todo=f"name a field of the rows instead of row.{name}",
                )


_ABSENT = object()


def _usable(fields: Fields, rows: Iterable[Row], lacking: _Lacking) -> Iterator[dict[str, Any]]:
    """The values of rows that have all that is used, by dotted path."""
    for row in rows:
        values = {name: _at(row.fields, name) for name in fields.needed}
        name = next((name for name in fields.filling if _lacks(values[name], name, fields)), None)
        lacking.saw(row, name, absent=name is not None and values[name] is _ABSENT)
        for given in fields.added:
            # What a record only gets along may be null: the contract says whether that is well.
            values[given] = None if values[given] is _ABSENT else values[given]
        if name is None:
            for used in fields.filling:
                _refuse_unfit(row, used, values[used])
            yield values


def _at(fields: Mapping[str, Any], path: str) -> Any:
    found: Any = fields
    for key in path.split("."):
        if not isinstance(found, Mapping) or key not in found:
            return _ABSENT
        found = found[key]
    return found


def _lacks(value: object, name: str, fields: Fields) -> bool:
    return value is None or value is _ABSENT or (value == "" and name in fields.path)


def _refuse_unfit(row: Row, name: str, value: object) -> None:
    of = f"row {row.number} of {row.of or 'the spec'}"
    if isinstance(value, Mapping | list | tuple):
        kind = "an object" if isinstance(value, Mapping) else "a list"
        raise ContractBroken(
            f"The field {name} of {of} is {kind}, which fills no template.",
            todo=f"name a field within it, such as row.{name}.id; or make rows of what is in it, "
            "by a stream with `pages_of` and `explode`",
        )
    if _unwritable(value):
        raise ContractBroken(
            f"The field {name} of {of} is {ascii(value)[:_LONGEST]}, which no request can carry.",
            todo="look at what the API sends there: text that is no Unicode, or a number without end",
        )


def _unwritable(value: object) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value)


def _distinct(rows: Iterable[dict[str, Any]], fields: Fields) -> Iterator[dict[str, Any]]:
    """Rows that fill the templates otherwise than all before them."""
    seen = set[tuple[str, ...]]()
    for values in rows:
        key = tuple(_text(values[name]) for name in fields.filling)
        if key not in seen:
            seen.add(key)
            yield values


def _batches(rows: Iterable[dict[str, Any]], size: int) -> Iterator[dict[str, Any]]:
    """So many rows as one: each field holds a tuple of their values."""
    left = iter(rows)
    while batch := list(islice(left, size)):
        for values in batch:
            _refuse_commas(values)
        yield {name: tuple(values[name] for values in batch) for name in batch[0]}


def _refuse_commas(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, str) and "," in value:
            raise ContractBroken(
                f"The value {value[:_LONGEST]!r} of the field {name} has a comma: joined with others by commas it "
                "would be taken for two.",
                todo="leave `batch` out, so that each row is asked for on its own",
            )


def _crossed(
    rows: Iterable[dict[str, Any]],
    fields: Fields,
    windows: Sequence[Window],
    *,
    may_fail: bool,
) -> Iterator[Slice]:
    index = 0
    for number, row in enumerate(rows, start=1):
        filling = {"row": number, **{f"{ROW}{name}": row[name] for name in fields.filling}}
        fills = {"row": number, **{f"{ROW}{name}": _plain(row[name]) for name in fields.needed}}
        fills = filling if fills == filling else fills  # a hundred thousand rows: 30 MB less
        said = label(fills, fields)
        for place, window in enumerate(windows or (None,)):
            span = _span(window)
            told = f"{said}, {_spanned(window)}" if window else said
            # Pages are counted in the row, through all of its windows.
            begins = place == 0
            yield Slice(index, {**filling, **span}, {**fills, **_iso(span)}, told, of_row=begins, may_fail=may_fail)
            index += 1


def windowed(windows: Sequence[Window]) -> Sliced:
    """The slices of a partition that is asked for in windows of time alone."""
    found = ((_span(window), _spanned(window)) for window in windows)
    return Sliced(tuple(Slice(index, span, _iso(span), said) for index, (span, said) in enumerate(found)))


def _span(window: Window | None) -> dict[str, datetime]:
    return {"start": window[0], "end": window[1]} if window else {}


def _spanned(window: Window) -> str:
    return " to ".join(map(moment_text, window))


def _iso(span: Mapping[str, datetime]) -> dict[str, str]:
    return {name: moment_text(moment) for name, moment in span.items()}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def label(fills: Mapping[str, Any], fields: Fields) -> str:
    """What people call a row: "row 3 (id=7)"."""
    known = [(name, fills[f"{ROW}{name}"]) for name in fields.filling or fields.added if f"{ROW}{name}" in fills]
    told = ", ".join(f"{name}={_cut(_text(value))}" for name, value in known[:_SHOWN])
    return f"row {fills['row']} ({told})" if told else f"row {fills['row']}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
