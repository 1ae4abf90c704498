"""The OpenAPI document of a job server: GET /openapi.json."""

from http import HTTPStatus
from typing import Any

from levada.serve.answers import MEANINGS, PROMISE, example
from levada.serve.jobs import About, JobKind
from levada.version import __version__

__all__ = ["document"]

_JSON = "application/json"
_PARAMETERS: dict[str, dict[str, Any]] = {
    "date": {
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        "description": "The date to fetch, as YYYY-MM-DD.",
    },
    "raw_dir": {
        "type": "string",
        "minLength": 1,
        "description": "Absolute path of the folder of the raw files, below the root; as it is, nothing is added.",
    },
    "stg_dir": {
        "type": "string",
        "minLength": 1,
        "description": "Absolute path of the folder of the staged files, below the root; as it is, nothing is added.",
    },
}
#: Which body comes with which status; every other one is a Failure.
_BODIES = {HTTPStatus.CREATED: "Done", HTTPStatus.NOT_FOUND: "Done"}
#: Which status comes with Retry-After.
_LATER = (HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)


def document(kind: JobKind, about: About | None = None) -> dict[str, Any]:
    """OpenAPI 3.1 for one kind of job."""
    of = f" of {about.pipeline}" if about else ""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Levada: {kind.name} jobs{of}",
            "version": __version__,
            "description": f"{kind.does} {PROMISE}",
        },
        "paths": {
            "/": {"post": _job(kind, about), "get": _look("page", "What the server does, and its last jobs.")},
            "/openapi.json": {"get": _look("document", "This document.", _JSON)},
        },
        "components": {"schemas": {**_SCHEMAS, "Job": _request(kind)}, "headers": {"RetryAfter": _RETRY_AFTER}},
    }


def _job(kind: JobKind, about: About | None) -> dict[str, Any]:
    return {
        "operationId": kind.name,
        "summary": kind.does,
        "description": PROMISE,
        "requestBody": {
            "required": True,
            "content": {_JSON: {"schema": _schema("Job"), "example": example(kind, about)}},
        },
        "responses": {str(int(status)): _response(status) for status in sorted(MEANINGS)},
    }


def _request(kind: JobKind) -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Each member comes once; others are ignored, and named in the answer.",
        "required": list(kind.parameters),
        "properties": {name: _PARAMETERS[name] for name in kind.parameters},
    }


def _response(status: HTTPStatus) -> dict[str, Any]:
    body = _BODIES.get(status, "Failure")
    headers = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}} if status in _LATER else {}
    return {
        "description": MEANINGS[status],
        "content": {_JSON: {"schema": _schema(body)}},
        **({"headers": headers} if headers else {}),
    }


def _look(name: str, what: str, media: str = "text/html") -> dict[str, Any]:
    schema = {"type": "object"} if media == _JSON else {"type": "string"}
    return {
        "operationId": name,
        "summary": what,
        "responses": {
            "200": {"description": what, "content": {media: {"schema": schema}}},
            "403": _response(HTTPStatus.FORBIDDEN),
        },
    }


def _schema(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


def _count(description: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 0, "description": description}


def _texts(description: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "description": description}


_RETRY_AFTER = {"description": "Seconds after which to ask again.", "schema": {"type": "integer", "minimum": 1}}
_MESSAGE = _text("What happened, for people.")
_COUNTS = {
    "read": _count("Records that the pages held: kept + quarantined + dropped."),
    "kept": _count("Records that went on."),
    "quarantined": _count("Records that broke the contract and were set aside with the reasons."),
    "dropped": _count("Records that broke the contract where it says to drop them."),
    "nullified": _count("Values, not records, that were set to null."),
}
_GAP = {
    "where": _text("The part that is missing, such as page 3, or row 7 (id=12)."),
    "why": _text("What the API said."),
    "url": _text("What was asked."),
    "status": {"type": ["integer", "null"], "description": "Status of the answer, if there was one."},
}
_GAPS = {"type": "array", "items": _schema("Gap"), "description": "What was left out by rule: the run is partial."}
_RECEIPT = {
    "to": _text("The kind of database.", enum=["postgres", "duckdb"]),
    "table": _text("The table, its schema before it."),
    "database": _text("Its URL without user and password, or its file."),
    "mode": _text("What became of rows that were there.", enum=["replace_partition", "append", "merge", "replace"]),
    "rows": _count("Rows of the commit."),
    "inserted": _count("Rows that were inserted."),
    "updated": _count("Rows that changed what was there."),
    "unchanged": _count("Rows that were there as they are, or newer."),
    "removed": _count("Rows that went."),
    "left_behind": _count("Rows that an earlier commit brought and this one lacks."),
    "before": {"type": "boolean", "description": "True where the table had them already."},
}
_LOADS = {"type": "array", "items": _schema("Receipt"), "description": "What tables took; jobs load none."}
_RUN = {
    "pipeline": _text("Name of the pipeline."),
    "stream": _text("Name of the stream."),
    "partition": _text("The date of the data."),
    "run": _text("Name of the run; names sort by time."),
    "outcome": _text("How it ended.", enum=["done", "done with quarantine", "no data", "partial", "failed"]),
    "level": {
        "type": ["string", "null"],
        "enum": ["landed", "staged", None],
        "description": "What the folder holds after the run: raw files, staged files, or nothing that a job made.",
    },
    "counts": _schema("Counts"),
    "pages": _count("Pages of the API."),
    "requests": _count("Requests to the API, those beyond the end of the data included."),
    "resumed": _count("Pages taken over from an interrupted run."),
    "files": _texts("The files that stand after the run, relative to the root, sorted."),
    "changed": {"type": "boolean", "description": "False where the same content was there already."},
    "seconds": {"type": "number", "minimum": 0, "description": "How long it took."},
    "notes": _texts("What a person should know."),
    "gaps": _GAPS,
    "left_out": _count("Rows of other streams that lack a field, so that nothing was asked for by them."),
    "returned": _count("Rows that were in quarantine before and are not any more; 0 for jobs, which begin anew."),
    "loads": _LOADS,
}
_SCHEMAS: dict[str, Any] = {
    "Done": {
        "type": "object",
        "required": ["message"],
        "properties": {
            "message": _MESSAGE,
            "run": _schema("Run"),
            "gaps": _GAPS,
            "ignored": _texts("Members of the request that the job has no use for."),
        },
    },
    "Failure": {
        "type": "object",
        "required": ["message"],
        "properties": {
            "message": _MESSAGE,
            "where": _text("The place: a member of the request, a folder, a file, a line of the spec."),
            "todo": _text("What to do next."),
            "kind": _text(
                "By what happens next: FixThis (a person must change something), ApiRefused, ContractBroken, "
                "TryLater, TimedOut, LeaseHeld (another job holds the folder) or Bug."
            ),
        },
    },
    "Run": {"type": "object", "required": list(_RUN), "properties": _RUN},
    "Counts": {"type": "object", "required": list(_COUNTS), "properties": _COUNTS},
    "Gap": {"type": "object", "required": list(_GAP), "properties": _GAP},
    "Receipt": {"type": "object", "required": list(_RECEIPT), "properties": _RECEIPT},
}
