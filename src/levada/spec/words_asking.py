"""What one stream asks for, in words: request, slices, paging, answers with a meaning. Pure."""

from collections.abc import Iterator

from levada.secret import shown_url
from levada.spec.model import ForEach, Incremental, Paging, Ref, Request, ResponseRule, Source, Stream
from levada.spec.template import Template, variables
from levada.spec.words_units import listed, share, span

__all__ = ["answers", "asked", "paged", "sliced"]

_MEANINGS = {
    "end": "that is the end of the pages",
    "no_data": "there is no data for the partition",
    "empty": "that is a page without records",
    "retry": "the page is asked for again",
    "wait": "the page is asked for again, when the API says so",
    "skip": "the page is left out: a counted gap, and a partial run",
    "refresh_auth": "the credential is fetched anew, once",
    "fail": "the run fails at once",
}
_COUNTED = ("page", "offset")


def asked(source: Source, stream: Stream) -> Iterator[str]:
    """The request, and whether it mentions the partition."""
    request = stream.request
    if stream.files:
        yield f"no API: it takes {listed(shown_url(name.text) for name in stream.files.names)}"
        if not {name for each in stream.files.names for name in variables(each)} - {"pipeline", "stream"}:
            yield "A snapshot: the files' names do not mention the partition, so earlier dates cannot be taken."
        return
    if request is None:
        yield f"the pages of {stream.pages_of} again; no requests"
        return
    yield f"{request.method} {_url(source, request, stream.paging)}"
    if request.headers:
        yield f"with headers {', '.join(name for name, _ in request.headers)}"
    if request.body:
        again = "" if request.repeatable or request.body.kind == "graphql" else "; not asked again when it breaks"
        yield f"with a body of {_body(request)}{again}"
    if request.path.text.lower().startswith(("http:", "https:")):
        yield "This is another address than the source's: credentials go there only if its origin is the same."
    if not _said(source, stream) - {"row"} and not stream.incremental:
        yield "A snapshot: the request does not mention its partition, so earlier dates cannot be fetched."


def _body(request: Request) -> str:
    kind = request.body.kind if request.body else ""
    return {"json": "JSON", "form": "a form", "text": "text", "graphql": "GraphQL"}[kind]


def _url(source: Source, request: Request, paging: Paging) -> str:
    own = {name for name, _ in request.params}
    shared = [(name, template) for name, template in source.params if name not in own]
    pairs = [f"{name}={template.text}" for name, template in (*shared, *request.params)]
    if paging.by in (*_COUNTED, "cursor") and paging.carrier == "query":
        pairs.append(f"{paging.param}={'CURSOR' if paging.by == 'cursor' else 'N'}")
        pairs += [f"{paging.limit_param}={paging.limit}"] if paging.limit_param and paging.limit else []
    path = request.path.text
    base = path if path.lower().startswith(("http:", "https:")) else f"{source.url}{path}"
    return base + (f"?{'&'.join(pairs)}" if pairs else "")


def _said(source: Source, stream: Stream) -> set[str]:
    """The variables that the requests of a stream mention, of rows their first word alone."""
    request = stream.request
    if request is None:
        return set()
    pairs = (*source.params, *source.headers, *request.params, *request.headers)
    content = request.body.content if request.body else None
    templates = [request.path, *(template for _, template in pairs), *_templates(content)]
    return {name.partition(".")[0] for template in templates for name in variables(template)}


def _templates(tree: object) -> Iterator[Template]:
    if isinstance(tree, Template):
        yield tree
    elif isinstance(tree, dict):
        for below in tree.values():
            yield from _templates(below)
    elif isinstance(tree, tuple):
        for below in tree:
            yield from _templates(below)


def sliced(source: Source, stream: Stream) -> Iterator[str]:
    """The parts that a partition is asked for in."""
    if stream.for_each:
        yield from _rows(stream.for_each)
    if stream.window:
        yield f"once for each {span(stream.window)} of the partition"
    if stream.incremental:
        yield from _interval(stream.incremental, told="start" in _said(source, stream))


def _rows(each: ForEach) -> Iterator[str]:
    of = f"of {listed(each.row_of)}" if each.row_of else f"of the {len(each.rows)} that the spec names"
    first = f"of the first {each.first} " if each.first else ""
    other = "different " if each.distinct else ""
    many = f", {each.batch} rows a request" if each.batch else ""
    yield f"once for each {first}{other}row{'s' if first else ''} {of}{many}"
    if each.add:
        yield f"each record takes {listed(f'{name} ({field} of the row)' for name, field in each.add)}"
    stops = "stops the run" if each.failing == "stop" else "is left out: a counted gap, and a partial run"
    yield f"a row that fails for good {stops}"


def _interval(found: Incremental, *, told: bool) -> Iterator[str]:
    start = f"from {found.start}" if found.start != "" else "from the beginning"
    yield f"goes on from the highest {found.cursor} of its last commit; the first run {start}"
    back = span(found.lookback) if found.type == "timestamp" else f"{found.lookback:g}"
    if found.lookback:
        yield f"reaches back {back} before it"
    if found.end is not None:
        yield f"never reads up to later than {found.end}"
    if not told:
        yield "The request does not mention {start}: all is read, and what was taken before is left out."


def paged(paging: Paging, concurrency: int) -> Iterator[str]:
    """How pages follow one another, and what ends them."""
    if paging.by == "none":
        yield "one page"
        return
    numbered = paging.by in _COUNTED
    ahead = f"up to {concurrency} asked for ahead" if paging.ahead and numbered else "one after the other"
    last = f" or after {paging.max_pages} pages" if paging.max_pages else ""
    ends = [*_ends(paging), "a rule below ends them"]
    yield f"{_way(paging)} until {' or '.join(ends)}{last}; {ahead}"
    if paging.carrier != "query":
        yield f"{paging.param} goes into the {paging.carrier}"
    if paging.total_rows or paging.total_pages:
        off = f" within {share(paging.tolerance)}" if paging.tolerance else ""
        yield f"what was read must be the total that the API tells{off}"
    if paging.keep_origin:
        yield "next pages are asked for at the source's own origin, whatever host they name"


def _way(paging: Paging) -> str:
    if paging.by in _COUNTED:
        step = 1 if paging.by == "page" else paging.limit or 1
        return f"N = {paging.start}, {paging.start + step}, ..."
    at = _place(paging.next) if paging.next else ""
    return {
        "cursor": f"the cursor {at}, sent as {paging.param},",
        "next_url": f"the next URL {at},",
        "link": f"the Link header's {paging.rel},",
    }.get(paging.by, f"as {paging.name} says,")


def _place(ref: Ref) -> str:
    if ref.header:
        return f"in the header {ref.header}"
    return f"at {ref.last} of the last record" if ref.last else f"at {ref.body}"


def _ends(paging: Paging) -> Iterator[str]:
    if paging.by not in _COUNTED:
        yield "there is none"
    if paging.stop_when_empty:
        yield "an empty page"
    if paging.stop_when_short:
        yield f"a page of fewer than {paging.limit} records"
    for ref, what in ((paging.total_rows, "rows"), (paging.total_pages, "pages")):
        if ref:
            yield f"the total of {what} {_place(ref)}"
    if paging.has_more:
        yield f"the value {_place(paging.has_more)} says no"
    if paging.last is not None:
        yield f"N is {paging.last}"


def answers(rule: ResponseRule) -> str:
    """One line of `responses`."""
    status = f"status {listed((_status(*one) for one in rule.statuses), 'or')}" if rule.statuses else "any status"
    text = f' with "{" ".join(rule.text.split())}" in the body' if rule.text else ""
    value = f" with something at {rule.json}" if rule.json else ""
    header = ""
    if rule.header:
        name, wanted = rule.header
        header = f" with the header {name}" + (f": {wanted}" if wanted is not None else "")
    return f"{status}{text}{value}{header}: {_MEANINGS[rule.means]}"


def _status(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"
