"""The plan of a spec in words, for `levada check`: what is asked, landed, checked and staged. Shows no secret. Pure."""

from collections.abc import Iterator

from levada.contract.model import Contract, Field, MaxBad
from levada.spec.model import Missing, Paging, Request, ResponseRule, Source, Spec, Stage, Stream
from levada.spec.template import Template, variables

__all__ = ["words"]

_MEANINGS = {
    "end": "that is the end of the pages",
    "no_data": "there is no data for the partition",
    "empty": "that is a page without records",
    "retry": "the page is asked for again",
    "fail": "the run fails at once",
}
_ON_BAD = {
    "quarantine": "Records that break a rule go to quarantine, with reason and raw text.",
    "nullify": "Values that break a rule become null, and are counted.",
    "fail": "A record that breaks a rule fails the run; nothing is published.",
}
_UNKNOWN = {
    "drop": "Keys that the contract does not name are left out.",
    "keep": "Keys that the contract does not name are kept as JSON text in `_unknown`.",
    "refuse": "A record with keys that the contract does not name is bad.",
}
_UNITS = (("d", 86400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0))


def words(spec: Spec) -> list[str]:
    """The plan, a line each; streams follow one another, details are indented.

    Variables that are not set come last, as warnings.
    """
    lines = [
        f"Pipeline {spec.pipeline}: one run is one {spec.partition.by}.",
        f"  Lake: {spec.lake}",
        f"  An interrupted run is continued within {_time(spec.resume_within)}.",
        f"  Replaced files stay readable for {_time(spec.keep_replaced)}.",
        *_source(spec.source),
    ]
    for stream in spec.streams:
        lines += ["", f"Stream {stream.name}", *(f"  {line}" for line in _stream(spec, stream))]
    if spec.missing:
        lines += ["", *(_warning(gap) for gap in spec.missing)]
    return lines


def _source(source: Source) -> Iterator[str]:
    retry, limits = source.retry, source.limits
    yield f"  API: {source.url}"
    if source.auth:
        names = " or ".join(source.auth.key.names)
        yield f"  Credential: the header {source.auth.name}, from {names}; sent to this API's own origin only."
    if source.headers:
        yield f"  Headers of every request: {', '.join(name for name, _ in source.headers)}"
    yield f"  A request may take {_time(source.timeout)}. After 429, 5xx or a broken answer it is sent again,"
    yield f"  {retry.attempts} times in all, {_time(retry.cap)} apart at most."
    yield f"  A Retry-After above {_time(retry.max_wait)} ends the run."
    yield f"  At most {limits.concurrency} requests at once; a page over {_bytes(limits.page_size)} is refused."


def _stream(spec: Spec, stream: Stream) -> Iterator[str]:
    yield f"Asks   GET {_url(spec.source, stream)}"
    if stream.request.headers:
        yield f"       with headers {', '.join(name for name, _ in stream.request.headers)}"
    if _is_snapshot(spec.source, stream.request):
        yield "       A snapshot: the request does not mention its partition, so earlier dates cannot be fetched."
    yield f"Pages  {_paging(stream.paging, spec.source)}"
    yield from (f"       {_response(rule)}" for rule in stream.responses)
    yield "       Any other error status fails the run, after the retries where they make sense."
    yield f"Reads  {'the body as one record' if stream.records.path else 'the body as a list of records'}"
    yield from _landing(stream)
    yield from _checks(stream.contract)
    yield from _staging(stream.stage)


def _url(source: Source, stream: Stream) -> str:
    pairs = [f"{name}={template.text}" for name, template in (*source.params, *stream.request.params)]
    if stream.paging.by == "page":
        pairs.append(f"{stream.paging.param}=N")
    return f"{source.url}{stream.request.path.text}" + (f"?{'&'.join(pairs)}" if pairs else "")


def _is_snapshot(source: Source, request: Request) -> bool:
    asked: list[Template] = [
        template for _, template in (*source.params, *source.headers, *request.params, *request.headers)
    ]
    return not any(variables(template) for template in (request.path, *asked))


def _paging(paging: Paging, source: Source) -> str:
    if paging.by == "none":
        return "one page"
    end = f" or after {paging.max_pages} pages" if paging.max_pages else ""
    ahead = f"up to {source.limits.concurrency} asked for ahead" if paging.ahead else "one after the other"
    return f"N = {paging.start}, {paging.start + 1}, ... until an empty page or a rule below ends them{end}; {ahead}"


def _response(rule: ResponseRule) -> str:
    status = f"status {rule.statuses[0][0]}" if rule.statuses else "any status"
    text = f' with "{" ".join(rule.text.split())}" in the body' if rule.text else ""
    return f"{status}{text}: {_MEANINGS[rule.means]}"


def _landing(stream: Stream) -> Iterator[str]:
    yield f"Lands  {stream.raw.text if stream.raw else 'pages under _levada/ only'}"
    if stream.raw_joined:
        yield f"       {stream.raw_joined.text} (all pages as one list)"


def _checks(contract: Contract | None) -> Iterator[str]:
    if contract is None:
        yield "Checks nothing: there is no contract"
        return
    lines = [_field(field) for field in contract.fields]
    lines += [_ON_BAD[contract.on_bad], _UNKNOWN[contract.unknown], _limit(contract.max_bad)]
    yield f"Checks {lines[0]}"
    yield from (f"       {line}" for line in lines[1:])


def _field(field: Field) -> str:
    rules = [
        "may be null or missing" if field.nullable else "",
        f"one of {', '.join(map(str, field.enum))}" if field.enum else "",
        f"at least {field.min}" if field.min is not None else "",
        f"at most {field.max}" if field.max is not None else "",
        f"matches {field.pattern}" if field.pattern else "",
        f"equals {field.equals}" if field.equals is not None else "",
    ]
    return ", ".join([f"{field.name}: {field.type}", *(rule for rule in rules if rule)])


def _limit(limit: MaxBad | None) -> str:
    if limit is None:
        return "A partition fails only when every one of its records is bad."
    if limit.share is not None:
        return f"A partition with more than {limit.share * 100:g} % bad records fails."
    return f"A partition with more than {limit.count} bad records fails."


def _staging(stage: Stage | None) -> Iterator[str]:
    if stage is None:
        yield "Stages nothing"
        return
    each = "one file a page" if "page" in variables(stage.avro) else "one file a partition"
    yield f"Stages {stage.avro.text} (Avro, codec {stage.codec}, {each})"


def _warning(gap: Missing) -> str:
    what = "The secret" if gap.secret else "The variable"
    return (
        f"Warning: {what} {' or '.join(gap.names)} is not set ({gap.used_in}, {gap.place}); commands that use it fail."
    )


def _time(seconds: float) -> str:
    """`90` as 90s, `3600` as 1h: the largest unit that gives a whole number."""
    for unit, size in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"


def _bytes(size: int) -> str:
    for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size}B"
