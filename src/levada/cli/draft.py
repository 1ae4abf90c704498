"""The text of a first spec: what a person said, and what one answer suggests, each guess told as one. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

from levada.contract.infer import word
from levada.errors import FixThis
from levada.secret import shown_url
from levada.source.detect import Suggestion, Suggestions
from levada.spec.template import escape

__all__ = ["AuthKind", "Wish", "draft", "sample_spec", "wish"]

AuthKind = Literal["none", "bearer", "header", "query", "cookie", "basic"]
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_VARIABLE = re.compile(r"(\$\{[A-Za-z_][A-Za-z0-9_]*\})")
#: JSONPaths and headers that need no quotes in a mapping with braces.
_BARE = re.compile(r"\$[A-Za-z0-9_.]*|\{header: [A-Za-z0-9-]+\}")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants a spec for."""

    pipeline: str
    stream: str
    #: Without the last segment of the path, which is `path`; without the query, which is `params`.
    url: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    auth: AuthKind = "none"
    #: Of the header, parameter or cookie that carries the key.
    auth_name: str = ""
    #: One variable; user and password for basic.
    variables: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        """The URL that the sample is asked from, for people."""
        query = "&".join(f"{name}={value}" for name, value in self.params)
        return shown_url(f"{self.url}{self.path}{'?' if query else ''}{query}")


def wish(url: str, params: tuple[tuple[str, str], ...] = ()) -> Wish:
    """What is wished for by a URL; names are taken from its last segment.

    Raises:
        FixThis: it is no http URL, holds a placeholder, or a secret, which has no place in a spec.
    """
    parts = _parts(url)
    head, _, last = parts.path.rstrip("/").rpartition("/")
    slash = "/" if parts.path.endswith("/") and last else ""
    asked = (*parse_qsl(parts.query, keep_blank_values=True), *params)
    _refuse_secrets(asked)
    name = next(filter(None, map(_name, reversed(parts.path.split("/")))), "records")
    return Wish(name, name, f"{parts.scheme}://{parts.netloc}{head}", f"/{last}{slash}", asked)


def _name(segment: str) -> str:
    """A segment of a path as the name of a stream; "" where it has no letter, like a number."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", segment.partition(".")[0].lower()).strip("-_")
    return plain if re.search(r"[a-z]", plain) else ""


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host:
        todo = "write one such as https://api.example.com/v1/posts"
        raise FixThis(f"{shown_url(url)[:200]} is no http or https URL.", where="URL", todo=todo)
    if "@" in parts.netloc:
        todo = "leave them out, and say --auth basic: user and password come from variables"
        raise FixThis("The URL holds a user or a password, and no spec may.", where="URL", todo=todo)
    if re.search(r"[{}]", parts.path):
        todo = "put a value that exists in its place; the spec can say {row.id} or {date} afterwards"
        raise FixThis("The path holds braces, and one answer has to be asked for.", where="URL", todo=todo)
    return parts


def _refuse_secrets(params: tuple[tuple[str, str], ...]) -> None:
    for name, value in params:
        if value and shown_url(f"http://h/?{name}=x").endswith("=[secret]"):
            raise FixThis(
                f"The parameter {name} looks like a secret, and no spec may hold one.",
                where="URL, --param",
                todo=f"leave it out, and say --auth query --auth-name {name} --variable API_KEY: the key comes from "
                "that variable",
            )


def sample_spec(wanted: Wish) -> str:
    """A spec that asks for one page once."""
    return "\n".join([*_source(wanted), "  retry: {attempts: 1}", "", *_request(wanted), ""])


def draft(wanted: Wish, seen: Suggestions, file: str) -> str:
    """The spec that a person goes on with. What is not certain is a comment."""
    paging = seen.paging if seen.paging and seen.paging.certainty == "certain" else None
    taken = {value for key, value in paging.said if key in {"param", "limit_param"}} if paging else set()
    own = replace(wanted, params=tuple(pair for pair in wanted.params if pair[0] not in taken))
    rows = f"{seen.rows} record{'' if seen.rows == 1 else 's'}"
    return "\n".join(
        [
            f"# Drafted by `levada init` from one answer of {wanted.asked} ({rows}).",
            "# What one answer cannot show for sure stands as a comment. Look at each CHECK, then:",
            f"#   levada preview {file}: the first rows, and what paging sees",
            f"#   levada infer {file} --stream {wanted.stream} --write: a contract",
            *_source(own, noted=True),
            "",
            *_request(own, noted=True),
            *(f"    {line}" for line in (*_format(seen), *_records(seen), *_paging(seen))),
            *(f"    # CHECK: {hint}" for hint in seen.hints),
            "",
        ]
    )


def _source(wanted: Wish, *, noted: bool = False) -> Iterator[str]:
    yield f"pipeline: {wanted.pipeline}"
    if noted:
        yield "# CHECK: one run is one day, and `{date}` in the request asks for it; else it is a snapshot."
        yield "partition: {by: day}"
    yield ""
    yield "source:"
    yield f"  url: {_plain(wanted.url)}"
    if wanted.auth != "none":
        yield f"  auth: {_auth(wanted)}"


def _auth(wanted: Wish) -> str:
    names = [f'"${{{name}}}"' for name in wanted.variables]
    if wanted.auth == "basic":
        return f"{{basic: {{user: {names[0]}, password: {names[1]}}}}}"
    if wanted.auth == "bearer":
        return f"{{bearer: {names[0]}}}"
    return f"{{{wanted.auth}: {word(wanted.auth_name)}, key: {names[0]}}}"


def _request(wanted: Wish, *, noted: bool = False) -> Iterator[str]:
    yield "streams:"
    yield f"  {wanted.stream}:"
    yield "    request:"
    yield f"      path: {_plain(escape(wanted.path))}"
    if wanted.params:
        yield "      params:"
    for name in dict.fromkeys(name for name, _ in wanted.params):
        values = [value for other, value in wanted.params if other == name]
        texts = [_text(value) for value in values]
        dated = noted and any(_DAY.fullmatch(value) for value in values)
        note = ' # CHECK: "{date}" asks for the day of the run' if dated else ""
        listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        yield f"        {word(name)}: {listed}{note}"


def _plain(text: str) -> str:
    """A URL or path, quoted where YAML would see more in it."""
    bare = re.fullmatch(r"[A-Za-z0-9/][A-Za-z0-9/._~:%@!$+=-]*", text) and "${" not in text
    return text if bare else _text(text, template=False)


def _text(value: str, *, template: bool = True) -> str:
    """A text as a spec says just that: no template, no variable."""
    parts = _VARIABLE.split(value)
    # Every other part looks like a variable: `$${A}` is the text `${A}`, braces and all.
    said = (f"${part}" if number % 2 else escape(part) if template else part for number, part in enumerate(parts))
    return word("".join(said))


# -- what was suggested


def _format(seen: Suggestions) -> Iterator[str]:
    if seen.format:
        yield f"# {seen.format.why}"
        yield f"format: {seen.format.said[0][1]}"


def _records(seen: Suggestions) -> Iterator[str]:
    """Where the records are: said unless it is a mere guess, since without it a run fails at once."""
    if not seen.records:
        return
    sure = seen.records.certainty
    yield f"# {sure if sure == 'certain' else f'CHECK, {sure}'}: {seen.records.why}"
    yield f"{'# ' if sure == 'guess' else ''}records: {_path(str(seen.records.said[0][1]))}"


def _paging(seen: Suggestions) -> Iterator[str]:
    if not seen.paging:
        yield "# CHECK: no way to a next page was recognised, so without `paging` one page is all that is read."
        return
    sure = seen.paging.certainty
    if sure == "certain":
        yield f"# certain: {seen.paging.why}"
        yield f"paging: {_mapping(seen.paging)}"
        return
    yield f"# CHECK, {sure}: {seen.paging.why}."
    yield "# Without `paging` one page is all that is read. Once you are sure, take the # away:"
    yield f"# paging: {_mapping(seen.paging)}"


def _mapping(suggestion: Suggestion) -> str:
    defaults = {("param", "page"), ("start", 1)} if ("by", "page") in suggestion.said else set()
    told = [f"{key}: {_value(value)}" for key, value in suggestion.said if (key, value) not in defaults]
    return f"{{{', '.join(told)}}}"


def _value(value: str | int) -> str:
    return str(value) if isinstance(value, int) or _BARE.fullmatch(value) else word(value)


def _path(path: str) -> str:
    return path if re.fullmatch(r"\$[A-Za-z0-9_.]*(\[\*\])?", path) else word(path)
