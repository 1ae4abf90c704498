"""The plan of a spec in words, for `levada check`: what is asked, landed, checked and staged. Shows no secret. Pure."""

from collections.abc import Iterator

from levada.nouns import Records
from levada.spec.model import Missing, Output, Source, Spec, Stage, Stream
from levada.spec.template import variables
from levada.spec.words_asking import answers, asked, paged, sliced
from levada.spec.words_auth import credential
from levada.spec.words_contract import checks
from levada.spec.words_history import remembered
from levada.spec.words_logs import logged
from levada.spec.words_notify import notices
from levada.spec.words_report import reports
from levada.spec.words_schedule import when
from levada.spec.words_units import listed, size, span

__all__ = ["words"]

_FORMATS = {"avro": "Avro", "parquet": "Parquet", "jsonl": "JSON lines", "csv": "CSV"}


def words(spec: Spec) -> list[str]:
    """The plan, a line each; streams follow one another, details are indented.

    Variables that are not set come last, as warnings.
    """
    lines = [
        f"Pipeline {spec.pipeline}: one run is {_unit(spec)}.",
        *_default(spec),
        *([f"  Schedule: {when(spec.schedule)}, while the scheduler works."] if spec.schedule else []),
        f"  Lake: {_lake(spec)}",
        f"  An interrupted run is continued within {span(spec.resume_within)}.",
        f"  Replaced files stay readable for {span(spec.keep_replaced)}.",
        *([f"  Log files: {logged(spec.logs)}."] if spec.logs else []),
        *([f"  History of rounds: {remembered(spec.history)}."] if spec.history else []),
        *(_source(spec.source) if spec.source.url else ()),
    ]
    for stream in spec.streams:
        lines += ["", f"Stream {stream.name}", *(f"  {line}" for line in _stream(spec, stream))]
    lines += ["", *reports(spec.reports, spec.streams)] if spec.reports else []
    lines += ["", *notices(spec.notify)] if spec.notify else []
    if spec.missing:
        lines += ["", *(_warning(gap) for gap in spec.missing)]
    return lines


def _unit(spec: Spec) -> str:
    partition = spec.partition
    if all(stream.incremental for stream in spec.streams):
        return "what came since the last one"
    if partition.by == "list":
        return f"one of {', '.join(partition.names)}"
    every = f", every {span(partition.every)}" if partition.every else ""
    zone = f" of {partition.timezone}" if partition.timezone != "UTC" else ""
    return f"one {partition.by}{every}{zone}"


def _lake(spec: Spec) -> str:
    return "not known yet" if any(gap.used_in == "lake" for gap in spec.missing) else spec.lake


def _default(spec: Spec) -> Iterator[str]:
    default, by = spec.partition.default, spec.partition.by
    if default:
        yield f"  Without a date: {default if default in ('today', 'yesterday') else f'{default} {by}'}."


def _source(source: Source) -> Iterator[str]:
    retry, limits = source.retry, source.limits
    yield f"  API: {source.url}"
    if source.auth:
        yield f"  Credential: {credential(source.auth)}; sent to this API's own origin only."
    if source.headers:
        yield f"  Headers of every request: {', '.join(name for name, _ in source.headers)}"
    yield f"  A request may take {span(source.timeout)}. After 429, 5xx or a broken answer it is sent again,"
    apart = "at most" if retry.jitter == "full" else "at most, without chance"
    yield f"  {retry.attempts} times in all, {span(retry.cap)} apart {apart}."
    yield f"  A Retry-After above {span(retry.max_wait)} ends the run."
    yield f"  At most {limits.concurrency} requests at once; a page over {size(limits.page_size)} is refused."
    if limits.rate:
        yield f"  At most {listed(f'{rate.requests} requests in {span(rate.seconds)}' for rate in limits.rate)}."
    if limits.budget:
        yield f"  What is left is told by {limits.budget.remaining}, until when by {limits.budget.reset}."


def _stream(spec: Spec, stream: Stream) -> Iterator[str]:
    yield from _titled("Asks  ", asked(spec.source, stream))
    yield from _titled("Each  ", sliced(spec.source, stream))
    if stream.request:
        yield from _titled("Pages ", paged(stream.paging, spec.source.limits.concurrency))
        yield from (f"       {answers(rule)}" for rule in stream.responses)
        yield "       Any other error status fails the run, after the retries where they make sense."
    yield from _titled("Reads ", _records(stream.records))
    yield from _landing(stream)
    yield from checks(stream.contract)
    yield from _staging(stream.stage)
    yield from _loading(stream)


def _titled(title: str, lines: Iterator[str]) -> Iterator[str]:
    """The title before the first line, the others below it."""
    for number, line in enumerate(lines):
        yield f"{' ' * len(title) if number else title} {line}"


def _records(records: Records) -> Iterator[str]:
    form = records.format
    packed = f", unpacked from {form.unpack}" if form.unpack else ""
    written = "" if form.kind == "json" and not form.charset else f" ({form.kind}{_charset(form.charset)})"
    optional = ", if there are any" if records.optional else ""
    where = {None: "the body as a list of records", "$": "the body as one record"}.get(
        records.path, f"each {records.path}{optional}"
    )
    yield f"{where}{written}{packed}"
    if records.key_as:
        yield f"its key goes into {records.key_as}"
    if records.explode:
        kept = f", each with {listed(name for name, _ in records.keep)} of its record" if records.keep else ""
        yield f"then each item of its {records.explode}{kept}"


def _charset(charset: str | None) -> str:
    return f", {charset}" if charset else ""


def _landing(stream: Stream) -> Iterator[str]:
    yield f"Lands  {stream.raw.text if stream.raw else 'pages under _levada/ only'}"
    if stream.raw_joined:
        yield f"       {stream.raw_joined.text} (all pages as one list)"
    if split := stream.raw_split:
        limits = [f"{split.records} records"] if split.records else []
        limits += [size(split.size)] if split.size else []
        yield f"       {split.name.text} (all pages as lists of at most {' and '.join(limits)})"


def _staging(stage: Stage | None) -> Iterator[str]:
    if stage is None:
        yield "Stages nothing"
        return
    for number, output in enumerate(stage.outputs):
        yield f"{'       ' if number else 'Stages '}{output.name.text} ({_output(output)})"


_MODES = {
    "replace_partition": "the rows of a partition are replaced",
    "append": "the rows of a partition are added once",
    "merge": "by key",
    "replace": "all rows are replaced",
}


def _loading(stream: Stream) -> Iterator[str]:
    load = stream.load
    if load is None:
        return
    where = (
        f"PostgreSQL at {' or '.join(load.url.names)}" if load.url else f"DuckDB, {load.file or 'a file in the lake'}"
    )
    table = f"{load.schema}.{load.table}" if load.schema else load.table or stream.name
    yield f"Loads  into table {table} of {where}: {_MODES[load.mode]}"
    if load.mode == "merge":
        key = load.key or (stream.contract.key if stream.contract else ())
        newest = f"; the one with the highest {load.newest_by} stands" if load.newest_by else ""
        yield f"       rows are told apart by {listed(key)}{newest}"
    if load.rows_by:
        yield f"       the rows of a partition are found by {load.rows_by}; others go to quarantine"


def _output(output: Output) -> str:
    if output.format == "delta":
        return f"Delta table, codec {output.codec}, partitions told by {output.column}"
    each = "one file a page" if "page" in variables(output.name) else "one file a partition"
    return f"{_FORMATS[output.format]}, codec {output.codec}, {each}"


#: What a variable that is not set keeps from its work, where that is no command.
_UNSET = {"notify": "notices wait until it is", "reports": "the report fails, and the data is none the worse"}


def _warning(gap: Missing) -> str:
    what = "The secret" if gap.secret else "The variable"
    then = _UNSET.get(gap.used_in.partition(".")[0], "commands that use it fail")
    return f"Warning: {what} {' or '.join(gap.names)} is not set ({gap.used_in}, {gap.place}); {then}."
