"""`levada preview`: the first rows of a stream, the requests made for them, and what paging saw. Writes nothing."""

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from levada.cli.asking import opened
from levada.cli.door import facts, say, tell
from levada.cli.progress import counted

if TYPE_CHECKING:
    from levada.cli.sampling import Sample
    from levada.errors import LevadaError

__all__ = ["preview", "requests_of", "saw_of"]

#: Characters of a cell on a terminal.
_CELL = 40


@click.command(short_help="The first rows, the requests made, and what paging saw.")
@click.argument("spec", type=click.Path())
@click.option("--stream", "streams", metavar="NAME", multiple=True, help="Only this stream; can be repeated.")
@click.option(
    "--date", metavar="PARTITION", help="The partition to ask for; else the spec's default, or the last that is over."
)
@click.option(
    "--pages", type=click.IntRange(min=1), metavar="N", default=2, show_default=True, help="Pages to ask for at most."
)
@click.option(
    "--rows", type=click.IntRange(min=0), metavar="N", default=10, show_default=True, help="Rows to show at most."
)
@click.option("--json", "as_json", is_flag=True, help="Tell the result as one JSON object on stdout.")
def preview(spec: str, streams: tuple[str, ...], date: str | None, **how: Any) -> None:
    """Ask for the first pages of SPEC's streams and show what came; nothing is written.

    \b
      levada preview sales.yaml --date 2022-08-09
      levada preview sales.yaml --stream sales --pages 5 --rows 3

    Shows the first rows as a table, every request with its status, size and time, and what each rule of `paging` saw
    on each page: the way to the next page, totals, flags, rows. Pages are asked for one after the other. The rows
    that a `for_each` stream needs are those that the lake holds of its parent; where it holds none, the parent's first
    page is asked for, too. Of a stream with `pages_of`, the pages are asked for.
    """
    from levada.cli.sampling import sample, streams_of

    pipeline = opened(spec, None, asking=True)
    errors, told = list["LevadaError"](), list[dict[str, Any]]()
    for stream in streams_of(pipeline, streams):
        taken = sample(pipeline, stream, date, how["pages"])
        if told and not how["as_json"]:
            say("")
        told.append(_plain(taken, how["rows"]))
        errors += [taken.error] if taken.error else []
        if not how["as_json"]:
            _show(taken, how["rows"])
    if how["as_json"]:
        say(json.dumps({"previews": told, "errors": [facts(error) for error in errors]}, indent=2))
    if errors:
        sys.exit(errors[0].exit_code)


def _plain(taken: "Sample", rows: int) -> dict[str, Any]:
    """A preview for --json."""
    from levada.cli.sampling import left

    return {
        "stream": taken.stream.name,
        "partition": taken.partition,
        "rows": [_value(bytes(record)) for record in taken.all_records[:rows]],
        "requests": requests_of(taken),
        "paging": saw_of(taken),
        "more": left(taken),
    }


def requests_of(taken: "Sample") -> list[dict[str, Any]]:
    """The requests, as --json tells them."""
    from levada.nouns import plain

    return [plain(exchange) for exchange in taken.exchanges]


def saw_of(taken: "Sample") -> list[dict[str, Any]]:
    """What paging saw on each page, as --json tells it."""
    return [
        {"page": page.facts.number, "means": page.facts.means, "rows": page.facts.rows}
        | {"saw": dict(taken.saw.get(page.facts.number, ()))}
        for page in taken.pages
    ]


def _value(raw: bytes) -> Any:
    return json.loads(raw.decode("utf-8", "replace"))


def _show(taken: "Sample", rows: int) -> None:
    from levada.cli.sampling import left

    pages = counted(len(taken.pages), "answer")
    say(f"Stream {taken.stream.name}, {taken.partition}: {counted(len(taken.all_records), 'row')} in {pages}")
    records = taken.all_records
    if records and rows:
        say("")
        _show_rows([_value(bytes(record)) for record in records[:rows]])
        if len(records) > rows:
            say(f"({rows} of {counted(len(records), 'row')}; --rows {len(records)} shows all)")
    _show_requests(taken)
    _show_paging(taken)
    if more := left(taken):
        say(f"More?  {more}")
    if taken.error:
        tell(taken.error)


def _show_rows(records: Sequence[Any]) -> None:
    from levada.cli.table import show

    rows = [record if isinstance(record, dict) else {"(no object)": record} for record in records]
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_cell(row, name) for name in names] for row in rows]
    shown = _fitting(names, cells) if sys.stdout.isatty() else len(names)
    show([_title(name) for name in names[:shown]], [row[:shown] for row in cells])
    if shown < len(names):
        say(f"{counted(len(names) - shown, 'more field')}: {', '.join(names[shown:])}")


def _title(name: str) -> str:
    """A column's title; one that ends like a mark of the table keeps its sign by a blank behind it."""
    return f"{name} " if name.endswith(("#", "~")) else name


def _cell(row: dict[str, Any], name: str) -> str:
    if name not in row:
        return ""
    value = row[name]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{text[: _CELL - 1]}…" if len(text) > _CELL and sys.stdout.isatty() else text


def _fitting(names: Sequence[str], cells: Sequence[Sequence[str]]) -> int:
    """How many columns the terminal has room for, one at least."""
    left = shutil.get_terminal_size().columns
    for number, column in enumerate(zip(names, *cells, strict=True)):
        left -= max(map(len, column)) + 2
        if left < 0:
            return max(1, number)
    return len(names)


def _show_requests(taken: "Sample") -> None:
    from levada.cli.table import show

    if not taken.exchanges:
        return
    say("")
    show(
        ("request~", "status", "bytes#", "seconds#"),
        [
            (f"{one.method} {one.url}", one.status or one.fault, one.size, f"{one.seconds:.2f}")
            for one in taken.exchanges
        ],
    )


def _show_paging(taken: "Sample") -> None:
    from levada.cli.table import show

    rows = [
        (page.facts.number, page.facts.means, page.facts.rows, _said(taken.saw.get(page.facts.number, ()), page.facts))
        for page in taken.pages
    ]
    if rows:
        say("")
        show(("page#", "means", "rows#", "paging saw~"), rows)


def _said(saw: Iterable[tuple[str, str]], facts: Any) -> str:
    """What the rules saw, in a line; of an answer without records what it said."""
    told = "; ".join(f"{rule}: {text}" for rule, text in saw)
    return told or " ".join((facts.text or "-").split())[:200]
