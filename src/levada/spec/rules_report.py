"""Rules of reports: what their SQL asks with, and names of files that no two answers share. Pure."""

from collections.abc import Iterator, Mapping
from posixpath import normpath
from zoneinfo import ZoneInfo

from levada.spec.engine import BROKEN, Given, Path, Reading, Rule
from levada.spec.meant import nearest
from levada.spec.model import Load
from levada.spec.names import Naming, meet, misplaced, tells_partitions
from levada.spec.parameters import OF_PARTITION, named
from levada.spec.rules_names import streams
from levada.spec.template import Template, variables
from levada.spec.tree import Mistake

__all__ = ["REPORT_RULES"]

_ASKED = ("of", "postgres", "duckdb")
_SPANS = ("hour", "day", "week", "month")
_ENDINGS = {"csv": (".csv",), "html": (".html", ".htm")}
_WHOLE = "put {partition} into it"


def _reports(reading: Reading) -> Iterator[tuple[Path, Given]]:
    for path, section in reading.sections.items():
        if len(path) == 2 and path[0] == "reports":  # noqa: PLR2004 - reports.NAME
            yield path, section


def _one_database(_: Given, reading: Reading) -> Iterator[Mistake]:
    """Which database a report that names none asks is told by the loads, if they are to one."""
    loads = [load for path in streams(reading) if isinstance(load := reading.sections[path].get("load"), Load)]
    if len({(load.url.names if load.url else (), load.file) for load in loads}) < 2:  # noqa: PLR2004 - one
        return
    for path, section in _reports(reading):
        if not set(_ASKED) & section.places.keys():
            what = f"report {path[1]} does not say which database it asks, and the streams load to several"
            yield Mistake(section.place, what, 'add postgres: "${DATABASE_URL}", duckdb: FILE, or of: lake')


def _kind(reading: Reading) -> str | None:
    """What the partitions of the spec are; None where that was refused."""
    if any("incremental" in reading.sections[path].places for path in streams(reading)):
        return "interval"
    partition = reading.sections.get(("partition",))
    by = partition.get("by", BROKEN) if partition else "day"
    return by if isinstance(by, str) else None


def _values(kind: str) -> tuple[str, ...]:
    """What a question about a partition of this kind can be asked with."""
    if kind == "list":
        return ("partition", "pipeline")
    bounds = ("start", "end", "partition", "pipeline")
    return bounds if kind == "interval" else ("date", *bounds)


def _parameters(_: Given, reading: Reading) -> Iterator[Mistake]:
    kind = _kind(reading)
    for _path, section in _reports(reading) if kind else ():
        params = section.get("params", {})
        own = tuple(params) if isinstance(params, Mapping) else ()
        for name in own:
            if name in {*_values("day"), "tick"}:
                yield section.mistake("params", f"${name} is the partition's own value", "give it another name")
            elif not name.isidentifier():
                yield section.mistake("params", f'"{name}" cannot be written as $name', "use letters, digits and _")
        known, sql = (*_values(str(kind)), *own), section.get("sql", "")
        for name in named(sql) if isinstance(sql, str) and params is not BROKEN else ():
            if name not in known:
                yield section.mistake("sql", *_unknown(name, known, str(kind)))


def _unknown(name: str, known: tuple[str, ...], kind: str) -> tuple[str, str]:
    near = nearest(name, known)
    listed = ", ".join(f"${one}" for one in known)
    if name in _values("day"):
        of = "names of a list" if kind == "list" else "intervals, which are no days"
        return f"${name} has no value: the partitions are {of}", f"known here: {listed}"
    return f"${name} has no value", f"did you mean ${near}?" if near else f"known here: {listed}; others under params"


def _files(reading: Reading) -> Iterator[tuple[str, str, Template, Given]]:
    """The names of files: report, key, template, and the section in which it stands."""
    for path, section in _reports(reading):
        for key in ("csv", "html"):
            if isinstance(found := section.get(key), Template):
                yield path[1], key, found, section
        chart = reading.sections.get((*path, "chart"))
        if chart and isinstance(found := chart.get("file"), Template):
            yield path[1], "chart", found, chart


def _naming(reading: Reading) -> Naming | None:
    kind, partition = _kind(reading), reading.sections.get(("partition",))
    zone = partition.get("timezone", "UTC") if partition else "UTC"
    pipeline = reading.sections[()].get("pipeline")
    if kind is None or not isinstance(zone, str):
        return None
    by = kind if kind in ("list", "tick", "interval") else next((one for one in _SPANS if one == kind), "day")
    steady = ZoneInfo(zone).utcoffset(None) is not None
    return Naming(pipeline if isinstance(pipeline, str) else "pipeline", "", by, steady)  # type: ignore[arg-type]  # one of its words


def _names(_: Given, reading: Reading) -> Iterator[Mistake]:
    naming = _naming(reading)
    if naming is None:
        return
    for report, key, template, section in _files(reading):
        if told := _wrong(key, template, naming):
            what, todo = told
        elif _shared(template, reading.sections["reports", report], naming):
            what = f"{key}: the report is asked of each partition, and two would share this name"
            todo = f"{_WHOLE}; or leave $date, $start, $end and $partition out of the SQL"
        else:
            continue
        yield section.mistake("file" if key == "chart" else key, what, todo)


def _wrong(key: str, template: Template, naming: Naming) -> tuple[str, str] | None:
    """Why it is no name of a file, and what to write."""
    ending = "svg" if key == "chart" else key
    if wrong := misplaced(template, naming):
        what = f"{key} gives no name in the spec's folder: {wrong.replace('the lake', 'that folder')}"
        return what, f"write a name such as reports/{{partition}}.{ending}"
    if key != "chart" and not template.text.endswith(_ENDINGS[key]):
        return f"{key} is no name of a {key.upper()} file", f"let it end in .{ending}"
    has = {*_values(naming.by), *(("tick",) if naming.by == "tick" else ())}
    lacking = sorted(variables(template) - has)
    return (f"{{{lacking[0]}}} in {key} has no value: a partition is one {naming.by}", _WHOLE) if lacking else None


def _shared(template: Template, report: Given, naming: Naming) -> bool:
    """Whether answers about several partitions would come into one file."""
    sql = report.get("sql", "")
    said = {*variables(template), *(named(sql) if isinstance(sql, str) else ())}
    return not OF_PARTITION.isdisjoint(said) and not tells_partitions(template, naming)


def _apart(_: Given, reading: Reading) -> Iterator[Mistake]:
    naming, found = _naming(reading), list(_files(reading))
    for number, (report, key, template, section) in enumerate(found if naming else ()):
        for other_report, other_key, other, where in found[:number]:
            if naming and meet(template, other, (naming, naming)):
                line = where.mistake("file" if other_key == "chart" else other_key, "").place.line
                what = f"{key} of {report} can give the same name as {other_key} of {other_report} (line {line})"
                at = "file" if key == "chart" else key
                yield section.mistake(at, what, "let them differ in a folder, in the beginning or in the ending")


def _lake(_: Given, reading: Reading) -> Iterator[Mistake]:
    """No file of a report lies in the lake, as far as its name says so."""
    lake = reading.sections[()].get("lake", "lake")
    if not isinstance(lake, str) or lake.startswith("/") or "://" in lake:
        return
    for _report, key, template, section in _files(reading):
        if normpath(template.text).startswith(f"{normpath(lake)}/"):
            at = "file" if key == "chart" else key
            yield section.mistake(at, f"{key} lies in the lake", "name a folder of its own: reports/")


def _worksheets(_: Given, reading: Reading) -> Iterator[Mistake]:
    """One report to a worksheet; and one that is replaced holds the rows of the last partition alone."""
    seen: dict[tuple[str, str], str] = {}
    for path, section in _reports(reading):
        sheet = reading.sections.get((*path, "google_sheet"))
        if sheet is None:
            continue
        book, name = sheet.get("id", ""), sheet.get("worksheet", path[1])
        if isinstance(book, str) and isinstance(name, str) and seen.setdefault((book, name), path[1]) != path[1]:
            what = f"reports {seen[book, name]} and {path[1]} write into one worksheet, {name}"
            yield sheet.mistake("worksheet" if "worksheet" in sheet.places else "id", what, "give it one of its own")
        sql = section.get("sql", "")
        said = sorted(OF_PARTITION & {*named(sql)}) if isinstance(sql, str) else []
        if said and sheet.get("mode", "upsert") == "replace":
            what = f"mode replace would leave the rows of the last partition alone: the SQL asks by ${said[0]}"
            yield sheet.mistake("mode", what, "write mode: upsert and a key, or ask of all partitions")


REPORT_RULES = (
    Rule((), _one_database),
    Rule((), _parameters),
    Rule((), _names),
    Rule((), _apart),
    Rule((), _lake),
    Rule((), _worksheets),
)
