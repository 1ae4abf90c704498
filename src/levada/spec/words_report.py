"""Reports in words: what they ask, of what, and where the rows go. Pure."""

from collections.abc import Iterator, Sequence

from levada.spec.model import Load, Stream
from levada.spec.parameters import OF_PARTITION, named
from levada.spec.telling import Report, Sheet
from levada.spec.template import variables
from levada.spec.words_units import listed

__all__ = ["reports"]


def reports(found: Sequence[Report], streams: Sequence[Stream]) -> Iterator[str]:
    """A title, and some lines for each report."""
    loads = [stream.load for stream in streams if stream.load]
    for report in found:
        yield f"Report {report.name}, asked {_of(report)}"
        question = f"by {report.sql_file}" if report.sql_file else _asking(report)
        yield f"  Asks   {_database(report, loads)} {question}"
        files = [one for one in (report.csv, report.html, report.chart.file if report.chart else None) if one]
        if files:
            yield f"  Writes {listed(name.text for name in files)}"
        if report.google_sheet:
            yield f"  Tells  {_sheet(report.google_sheet, report.name)}"
    yield "  Reports are asked after each run, and only read; `levada report` shows them."


def _of(report: Report) -> str:
    files = [report.csv, report.html, report.chart.file if report.chart else None]
    said = {*named(report.sql), *(name for one in files if one for name in variables(one))}
    if OF_PARTITION.isdisjoint(said):
        return "once for each partition if its SQL names one, else once" if report.sql_file else "once, of all rows"
    return "of each partition that was worked on"


def _asking(report: Report) -> str:
    names = named(report.sql)
    return f"with {listed(f'${name}' for name in names)}" if names else "without parameters"


def _database(report: Report, loads: Sequence[Load]) -> str:
    own = report.postgres or report.duckdb or report.lake
    url = report.postgres or (loads[0].url if loads and not own else None)
    if url:
        return f"PostgreSQL at {' or '.join(url.names)}"
    if report.duckdb:
        return f"DuckDB, {report.duckdb},"
    if report.lake or not loads:
        return "the lake's Parquet"
    return f"DuckDB, {loads[0].file or 'a file in the lake'},"


def _sheet(sheet: Sheet, name: str) -> str:
    how = {"append": "rows are added once by", "upsert": "rows are put in their place by"}.get(sheet.mode)
    key = f"{how} {listed(sheet.key)}" if how else "its rows are replaced"
    return f"worksheet {sheet.worksheet or name} of Google Sheets: {key}"
