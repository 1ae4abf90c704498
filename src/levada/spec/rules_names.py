"""Rules of names in the lake: inside it, one for each partition and page, never the same twice. Pure."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any
from zoneinfo import ZoneInfo

from levada.spec.engine import BROKEN, Given, Path, Reading, Rule
from levada.spec.model import Output
from levada.spec.names import RAW, RAW_OF_FILE, RAW_OF_ROW, Naming, meet, misplaced, tells_partitions, vague
from levada.spec.template import Hole, Template, parse, variables
from levada.spec.tree import Mistake
from levada.spec.values_files import several

__all__ = ["NAME_RULES", "streams"]

_SPAN_TODO = {
    "hour": "put {partition} into it, or a time with day and hour such as {start:%Y/%m/%d/%H}",
    "day": "put {partition}, {date}, or a date with year, month and day such as {date:%Y/%m/%d} into it",
    "week": "put {partition}, {date}, or year and week such as {date:%G-W%V} into it",
    "month": "put {partition}, {date}, or year and month such as {date:%Y/%m} into it",
}


def streams(reading: Reading) -> list[Path]:
    """The paths of all streams whose sections were read."""
    return [path for path in reading.sections if len(path) == 2 and path[0] == "streams"]  # noqa: PLR2004 - streams.x


def _naming(path: Path, reading: Reading) -> Naming | None:
    """What is known of a stream's names; None where the partitions were refused."""
    partition, pipeline = reading.sections.get(("partition",)), reading.sections[()].get("pipeline")
    values: Mapping[str, Any] = partition.values if partition else {"by": "day"}
    by, zone = values.get("by", BROKEN), values.get("timezone", "UTC")
    if BROKEN in (by, zone):
        return None
    if "incremental" in reading.sections[path].places:
        by = "interval"
    # A zone without a changing clock knows its offset without a moment.
    steady = ZoneInfo(zone).utcoffset(None) is not None
    return Naming(pipeline if isinstance(pipeline, str) else "pipeline", path[1], by, steady)


def _names(path: Path, reading: Reading) -> Iterator[tuple[str, Template, Given]]:
    """The lake names of a stream that were read well: key, template, and the section that it stands in."""
    stream = reading.sections[path]
    usual = RAW_OF_FILE if "files" in stream.places else RAW_OF_ROW if "for_each" in stream.places else RAW
    default = None if "pages_of" in stream.places else parse(usual)
    for key in ("raw", "raw_joined"):
        found = stream.get(key, default if key == "raw" else None)
        if isinstance(found, Template):
            yield key, found, stream
    split = reading.sections.get((*path, "raw_split"))
    if split and isinstance(found := split.get("name"), Template):
        yield "name", found, split
    stage = reading.sections.get((*path, "stage"))
    for key, output in stage.values.items() if stage else ():
        if stage and isinstance(output, Output):
            yield key, output.name, stage


def _all(reading: Reading) -> Iterator[tuple[Naming, str, Template, Given]]:
    for path in streams(reading):
        naming = _naming(path, reading)
        for key, template, given in _names(path, reading) if naming else ():
            if naming:
                yield naming, key, template, given


def _inside(_: Given, reading: Reading) -> Iterator[Mistake]:
    for naming, key, template, given in _all(reading):
        if wrong := misplaced(template, naming):
            todo = "write a name such as raw/sales/{date}/sales_{date}_{page}.json"
            yield given.mistake(key, f"{key} gives no name in the lake: {wrong}", todo)


def _told_apart(_: Given, reading: Reading) -> Iterator[Mistake]:
    for naming, key, template, given in _all(reading):
        if key == "delta":
            continue  # a table holds all partitions
        if not tells_partitions(template, naming):
            noun = f"{naming.by}s" if naming.by in _SPAN_TODO or naming.by == "tick" else "partitions"
            what = f"the name does not tell {noun} apart: two partitions would share it"
            yield given.mistake(key, f"{key}: {what}", _SPAN_TODO.get(naming.by, "put {partition} into it"))
        elif vague(template, naming):
            what = "the name runs values together: 1 and 11 give the same as 11 and 1"
            todo = "put a character that is no digit between numbers (or use %m and %d), and a slash between texts"
            yield given.mistake(key, f"{key}: {what}", todo)


def _pages_apart(_: Given, reading: Reading) -> Iterator[Mistake]:
    for path in streams(reading):
        origin = _origin(path, reading)
        each = reading.sections.get((*origin, "for_each"))
        single = _single(origin, reading)
        for key, template, given in _names(path, reading):
            said = variables(template)
            of_page = key == "raw" or bool({"page", "file"} & said)
            rows = sorted(name for name in said if name == "row" or name.startswith("row."))
            if rows and not of_page:
                yield given.mistake(
                    key, f"{key} names rows, but holds all of them", "put {page} into it, or leave rows out"
                )
            if not of_page or key not in given.places:
                continue
            if "files" in reading.sections[origin].places:
                yield from _files_apart(key, said, single, given)
                continue
            if "page" not in said and not single:
                todo = "put {page} into it, or write raw: none and give raw_joined this name"
                yield given.mistake(key, f"{key} lacks {{page}}: two pages would share one name", todo)
            if each and not rows:
                todo = "put {row} into it, the row's number, or a field of it such as {row.id}"
                yield given.mistake(key, f"{key} lacks {{row}}: two rows would share one name", todo)
            elif each and "batch" in each.places and rows != ["row"]:
                what = f"{key} names a field of a row, but a request is for a batch of them"
                yield given.mistake(key, what, "write {row}, the number of the batch")


def _files_apart(key: str, said: AbstractSet[str], single: bool, given: Given) -> Iterator[Mistake]:
    if not single and not {"page", "file"} & said:
        todo = "put {file} into it, the file's own name, or {page}, its number"
        yield given.mistake(key, f"{key} lacks {{file}}: two files would share one name", todo)


def _origin(path: Path, reading: Reading) -> Path:
    """The stream that asks for the pages of a stream."""
    parent = reading.sections[path].get("pages_of")
    found = ("streams", parent) if isinstance(parent, str) else path
    return found if found in reading.sections else path


def _single(path: Path, reading: Reading) -> bool:
    """Whether a stream has no more than one page (a row)."""
    stream, paging = reading.sections[path], reading.sections.get((*path, "paging"))
    if stream.get("window") is not None:
        return False
    if "files" in stream.places:
        names = stream.get("files")
        return isinstance(names, tuple) and len(names) == 1 and not several(names[0])
    return paging is None or paging.get("by") in ("none", BROKEN) or paging.get("max_pages") == 1


def _apart(_: Given, reading: Reading) -> Iterator[Mistake]:
    """No two templates of the file may give one name."""
    found = list(_all(reading))
    for number, (naming, key, template, given) in enumerate(found):
        for other_naming, other_key, other, where in found[:number]:
            if meet(_numbered(template), _numbered(other), (naming, other_naming)):
                line = where.mistake(other_key, "").place.line
                what = f"{key} of {naming.stream} can give the same name as {other_key} of {other_naming.stream}"
                todo = "let them differ in a folder, in the beginning or in the ending"
                yield given.mistake(key, f"{what} (line {line})", todo)


def _numbered(template: Template) -> Template:
    """The template with fields of rows as numbers, which most of them are: `{row.id}.json` may lie beside `list.json`.

    A field that spells the name of another stream's file fails its run, which never writes over such a file.
    """
    fields = {name for name in variables(template) if name.startswith("row.")}
    parts = (Hole("row") if isinstance(part, Hole) and part.name in fields else part for part in template.parts)
    return Template(template.text, tuple(parts))


NAME_RULES = (Rule((), _inside), Rule((), _told_apart), Rule((), _pages_apart), Rule((), _apart))
