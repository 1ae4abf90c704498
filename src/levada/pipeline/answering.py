"""One report at work: its question asked of each partition, the rows written to files and brought to a worksheet."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from levada.errors import FixThis
from levada.lake.location import is_remote
from levada.pipeline.course import Course
from levada.pipeline.loading import WAREHOUSE
from levada.pipeline.parts import Part, whole
from levada.pipeline.viewing import of_committed
from levada.report.asking import Ask, Question, of_duckdb, of_postgres
from levada.report.chart import Drawing, chart_of
from levada.report.csv import csv_of
from levada.report.files import write
from levada.report.html import html_of
from levada.report.model import SheetTarget, Table
from levada.round import Failure, Reported, failure_of
from levada.spec.bind import require, secret
from levada.spec.model import Load
from levada.spec.parameters import OF_PARTITION, named
from levada.spec.telling import Report, Sheet
from levada.spec.template import Template, encode_name, fill, variables

__all__ = ["answered", "by_partition", "question_of"]

_ASKS = ("sql", "sql_file", "params", "of", "postgres", "duckdb")
_FILES = ("csv", "html", "chart")
_LONGEST = 1024 * 1024


def answered(course: Course, report: Report, parts: Sequence[Part], *, tells: bool = True) -> tuple[Reported, ...]:
    """What a report says of these partitions; an error stands in its place, and is not raised.

    A report that speaks of no partition is asked once, of the pipeline; without partitions another one is not asked.

    Args:
        course: The spec, its lake, the edges.
        report: The report.
        parts: The partitions, the earliest first.
        tells: Whether files are written and the worksheet is told, too.
    """
    try:
        _refuse_unset(course, report, _ASKS)
        question = question_of(course, report)
        wanted = parts if by_partition(report, question) else (whole(course.spec),)
        _refuse_shared(report, question)
        if not wanted:
            return ()
        with _opened(course, report, question) as ask:
            found = _asked_all(ask, question, wanted, dict(report.params))
    except Exception as error:  # noqa: BLE001 - a bug in one report is no end of the others
        return (Reported(report.name, "", error=_failure(report.name, error)),)
    if not tells:
        return found
    written = tuple(_written(course, report, part, one) for part, one in zip(wanted, found, strict=False))
    return _published(course, report, written)


def by_partition(report: Report, question: Question) -> bool:
    """Whether it speaks of a partition, in its question or in the name of a file."""
    said = {*named(question.sql), *(name for _, template in _templates(report) for name in variables(template))}
    return not OF_PARTITION.isdisjoint(said)


def question_of(course: Course, report: Report) -> Question:
    """What a report asks.

    Raises:
        FixThis: its file cannot be read.
    """
    if not report.sql_file:
        return Question(report.name, report.sql, str(report.place))
    path, shown = Path(course.spec.file).parent / report.sql_file, report.sql_file
    try:
        with path.open("rb") as stream:
            text = stream.read(_LONGEST + 1)
        if len(text) <= _LONGEST:
            return Question(report.name, text.decode("utf-8-sig"), str(path), in_file=True)
        why = "it is longer than 1 MB"
    except OSError as error:
        why = error.strerror or "no such name is possible"
    except ValueError as error:
        why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "no such name is possible"
    what = f"The SQL of report {report.name}, {shown}, cannot be read: {why}."
    raise FixThis(what, where=str(path), todo="name a file with one SELECT, relative to the spec's folder")


def _refuse_unset(course: Course, report: Report, keys: Sequence[str]) -> None:
    require(course.spec, tuple(f"reports.{report.name}.{key}" for key in keys))


def _refuse_shared(report: Report, question: Question) -> None:
    """Refuse a question of one partition whose file would be that of all: the last one asked would stand there."""
    said = sorted(OF_PARTITION & {*named(question.sql)})
    for key, template in _templates(report):
        if said and OF_PARTITION.isdisjoint(variables(template)):
            what = f"Report {report.name} asks by ${said[0]}, and the name of its {key} is the same for all partitions."
            todo = f"put {{partition}} into the name, or leave ${said[0]} out of the SQL"
            raise FixThis(what, where=str(report.place), todo=todo)


def _templates(report: Report) -> Iterator[tuple[str, Template]]:
    for key, template in (("csv", report.csv), ("html", report.html)):
        if template:
            yield key, template
    if report.chart:
        yield "chart", report.chart.file


def _opened(course: Course, report: Report, question: Question) -> AbstractContextManager[Ask]:
    """What the report asks: its own database, the one that the streams load to, or the lake."""
    spec, zone = course.spec, course.spec.partition.timezone
    beside = Path(spec.file).parent.absolute()
    load = next((stream.load for stream in spec.streams if stream.load), None)
    own = report.postgres or report.duckdb or report.lake
    url = report.postgres or (load.url if load and not own else None)
    if url:
        return of_postgres(secret(url, course.edges.environment).value, zone)
    if report.duckdb:
        return of_duckdb(beside / report.duckdb, zone)
    require(spec, ("lake",))
    if load is None or report.lake:
        return of_committed(course, question)
    return of_duckdb(beside / load.file if load.file else _warehouse(course, load), zone)


def _warehouse(course: Course, load: Load) -> Path:
    lake = course.store.describe()
    if is_remote(lake) or not lake.startswith("/"):
        todo = "name a file on this machine: `load: {duckdb: warehouse.duckdb}`"
        raise FixThis(f"A DuckDB file cannot lie in the lake {lake}.", where=str(load.place), todo=todo)
    return Path(lake) / WAREHOUSE


def _asked_all(ask: Ask, question: Question, parts: Sequence[Part], own: Mapping[str, Any]) -> tuple[Reported, ...]:
    """Each partition's own; what fails for two of them alike is told twice, and not asked on."""
    found: list[Reported] = []
    for part in parts:
        found.append(_asked(ask, question, {**part.values, **own}, part))
        errors = [one.error for one in found[-2:] if one.error]
        if len(errors) > 1 and errors[0].what == errors[1].what and len(found) < len(parts):
            left = f"{len(parts) - len(found)} more partitions were not asked of"
            return (*found[:-1], replace(found[-1], error=replace(errors[1], what=f"{errors[1].what}; {left}")))
    return tuple(found)


def _asked(ask: Ask, question: Question, values: Mapping[str, Any], part: Part) -> Reported:
    try:
        table = ask(question, values)
    except Exception as error:  # noqa: BLE001 - what one partition meets, another may not
        return Reported(question.report, part.key, error=_failure(question.report, error, part.key))
    return Reported(question.report, part.key, table.columns, table.rows)


def _failure(report: str, error: Exception, partition: str = "") -> Failure:
    """The error in words, those that name the report among them."""
    found = failure_of(error, partition=partition)
    told = re.search(rf"\breport {re.escape(report)}\b", found.what, re.IGNORECASE)
    return found if told else replace(found, what=f"Report {report}: {found.what}")


def _written(course: Course, report: Report, part: Part, one: Reported) -> Reported:
    """The same with its files; where one cannot be made, the others are."""
    if one.error:
        return one
    table, root = Table(one.columns, one.rows), Path(course.spec.file).parent
    for key, template in _templates(report):
        try:
            _refuse_unset(course, report, (key,))
            name = fill(template, part.fills, encode_name)
            path = str(write(root, name, _content(report, key, table, part), _shut(course, report)))
            one = replace(one, files=(*one.files, path))
        except Exception as error:  # noqa: BLE001 - a picture that cannot be drawn costs no worksheet its rows
            one = replace(one, error=one.error or _failure(report.name, error, part.key))
    return one


def _shut(course: Course, report: Report) -> tuple[Path, ...]:
    """What no file of a report may stand in the place of: the spec, its lake, the files of databases and of SQL."""
    spec, lake = course.spec, course.store.describe()
    beside = Path(spec.file).parent
    files = [*(stream.load.file for stream in spec.streams if stream.load), report.duckdb, report.sql_file]
    own = () if is_remote(lake) or not lake.startswith("/") else (Path(lake),)
    return (Path(spec.file), *own, *(beside / name for name in files if name))


def _content(report: Report, key: str, table: Table, part: Part) -> bytes:
    title = f"{report.name} {part.key}".rstrip()
    if key == "csv":
        return csv_of(table)
    if key == "html":
        return html_of(table, title)
    assert report.chart  # noqa: S101 - asked for only where there is one
    chart = report.chart
    form: Any = chart.file.text.rpartition(".")[2]
    return chart_of(table, Drawing(title, form, chart.kind, chart.x or "", chart.y), str(chart.place))


def _published(course: Course, report: Report, told: tuple[Reported, ...]) -> tuple[Reported, ...]:
    """The same, the rows of all partitions in the worksheet; the last of them tells what became of them there."""
    sheet, good = report.google_sheet, [one for one in told if one.columns]
    if sheet is None or not good:
        return told
    last = good[-1]
    try:
        done = _publish(course, report, sheet, good)
    except Exception as error:  # noqa: BLE001 - as above
        done = replace(last, error=last.error or _failure(report.name, error, last.partition))
    return tuple(done if one is last else one for one in told)


def _publish(course: Course, report: Report, sheet: Sheet, good: Sequence[Reported]) -> Reported:
    from levada.report.sheets.account import account_in
    from levada.report.sheets.publish import publish

    _refuse_unset(course, report, ("google_sheet",))
    environment = course.edges.environment
    account = account_in(environment, sheet.credentials.names) if sheet.credentials else account_in(environment)
    target = SheetTarget(sheet.id, sheet.worksheet or report.name, sheet.mode, sheet.key)
    made = publish(_together(good, sheet.key), target, account, course.edges)
    return replace(good[-1], sheet=made.url, added=made.added, updated=made.updated, unchanged=made.unchanged)


def _together(good: Sequence[Reported], key: Sequence[str]) -> Table:
    """The rows of all partitions; of those with one key, the ones of the later partition."""
    columns = good[-1].columns
    places = [columns.index(name) for name in key if name in columns]
    rows: list[tuple[Any, ...]] = []
    for one in good:
        coming = {tuple(row[place] for place in places) for row in one.rows} if places else set()
        rows = [row for row in rows if tuple(row[place] for place in places) not in coming]
        rows += one.rows
    return Table(columns, tuple(rows))
