"""What a word that the language does not know was most likely meant to be. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

__all__ = ["Around", "key_meant", "main_key", "nearest"]

_PATH = "write the JSONPath alone, or body: and the JSONPath"
#: Words of other tools, by section: the key that is meant, or, where that is more than a word, what to write.
_OTHERS: dict[str, dict[str, str]] = {
    "the spec": {
        "name": "pipeline",
        "resources": "streams",
        "endpoints": "streams",
        "base_url": "write source: {url: ...}",
    },
    "schedule": {
        **dict.fromkeys(("interval", "minutes", "seconds", "each"), "every"),
        **dict.fromkeys(("crontab", "at", "expression"), "cron"),
        **dict.fromkeys(("timezone", "tz"), "leave it out: schedules are in UTC"),
    },
    "partition": {"type": "by", "interval": "by", "tz": "timezone"},
    "source": {"base_url": "url", "authentication": "auth", "rate_limit": "write limits: {rate: 10/s}"},
    "auth": {
        "type": 'the key is the scheme itself, as in {bearer: "${TOKEN}"}',
        "token": 'write {bearer: "${TOKEN}"}, or {header: NAME, key: "${TOKEN}"} where it is sent bare',
        "api_key": 'write {header: X-Key, key: "${KEY}"}, or query: NAME for the query',
        "username": 'write {basic: {user: "${U}", password: "${P}"}}',
    },
    "oauth2": {"url": "token_url", "scope": "scopes"},
    "retry": {**dict.fromkeys(("times", "max", "max_attempts", "retries"), "attempts"), "backoff": "wait"},
    "a stream": {
        "endpoint": "request",
        "url": "write request: {path: ...}",
        "data_selector": "records",
        "paginator": "paging",
        "schema": "contract",
        "resource": "request",
        **dict.fromkeys(("file", "glob"), "files"),
        "csv": "write format: {type: csv, delimiter: ...}; what its line of names must say is `columns`",
    },
    "request": {
        "body": "write json, form, text or graphql: each is a kind of body",
        "data": "write json, form, text or graphql: each is a kind of body",
        "url": "path",
        "endpoint": "path",
        "query": "params",
        "verb": "method",
    },
    "paging": {
        "type": "by",
        "page_param": "param",
        "offset_param": "param",
        "cursor_param": "param",
        "cursor_path": "next",
        "cursor": "next",
        "page_size": "limit",
        "per_page": "limit",
        "base_page": "start",
        "initial_page": "start",
        "total": "total_rows",
        "total_path": "total_rows",
        "maximum_page": "last",
    },
    "next": {**dict.fromkeys(("path", "json", "jsonpath"), _PATH), "param": "write param beside next"},
    "a total": dict.fromkeys(("path", "json", "jsonpath"), _PATH),
    "a response rule": {"status_code": "status", "code": "status", "then": "means", "action": "means", "body": "text"},
    "format": {"separator": "delimiter", "sep": "delimiter", "encoding": "charset", "compression": "unpack"},
    "records": {"selector": "path", "jsonpath": "path", "from": "path"},
    "for_each": {"stream": "row_of", "parent": "row_of", "limit": "first", "on_error": "failing", "include": "add"},
    "incremental": {"cursor_path": "cursor", "cursor_field": "cursor", "initial_value": "start", "lag": "lookback"},
    "contract": {"columns": "fields", "schema": "fields"},
    "a field": {
        "required": "fields are required; those that are not say nullable: true",
        "optional": "nullable",
        "null": "nullable",
        "regex": "pattern",
        "values": "enum",
        "default": "leave it out: a contract changes no value",
    },
}  # fmt: skip
#: The key that is meant by a single word where no key is required.
_MAIN = {"for_each": "row_of", "retry": "attempts", "incremental": "cursor", "stage": "parquet"}


@dataclass(frozen=True, slots=True)
class Around:
    """Where an unknown key stands: names of keys in its section, and in those below and above."""

    noun: str
    own: tuple[str, ...]
    #: Keys that the section will have.
    later: tuple[str, ...]
    #: The keys of sections below, by the key that leads there.
    below: Mapping[str, tuple[str, ...]]
    #: Noun and keys of each section above, the nearest first.
    above: tuple[tuple[str, tuple[str, ...]], ...]
    #: The key under which the section stands.
    here: str


def key_meant(name: str, around: Around) -> tuple[str, str]:
    """What to write instead of an unknown key, and the key that need not be missed, "" for none."""
    return next(_ways(name, around), (f"known here: {', '.join(around.own)}", ""))


def _ways(name: str, around: Around) -> Iterator[tuple[str, str]]:
    """What may be meant, the surest first."""
    bare = name.partition(":")[0]
    if bare != name and bare in around.own:
        yield f"write a blank after the colon: {bare}: ...", bare
    other = _OTHERS.get(around.noun, {}).get(name.lower().replace("-", "_"))
    if other:
        yield (f"did you mean {other}?", other) if other in around.own else (other, "")
    for key, names in around.below.items():
        if name in names:
            yield f"it belongs into {key}, as in {key}: {{{name}: ...}}", key
    for noun, names in around.above:
        if name in names:
            yield f"it belongs into {noun}, beside {around.here}", ""
    near = nearest(name, around.own) or nearest(name, around.later)
    if near:
        yield f"did you mean {near}?", near


def main_key(noun: str, keys: tuple[tuple[str, bool], ...]) -> str:
    """The key that a single word stands for most likely, "" for none; `keys`: names, and whether each is required."""
    return _MAIN.get(noun, next((name for name, required in keys if required), ""))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was most likely meant to be."""
    lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower().replace("-", "_"), list(lower), n=1)
    return lower[found[0]] if found else None
