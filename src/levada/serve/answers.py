"""What a caller is told beforehand: an example of a request, and what each status of an answer means. Pure."""

from collections.abc import Mapping
from http import HTTPStatus

from levada.secret import redact
from levada.serve.jobs import About, JobKind

__all__ = ["DATE", "MEANINGS", "PROMISE", "example"]

#: A date that the sales API has data for.
DATE = "2022-08-09"
#: What callers may rely on.
PROMISE = (
    "A job replaces all that its folder holds, in one step, once the new files are complete; "
    "a job that fails before that step leaves the folder as it was."
)
#: By the status of an answer to a job; replies.py and app.py give these and no others.
MEANINGS: Mapping[HTTPStatus, str] = {
    HTTPStatus.CREATED: "Done: the folder holds the new files, and nothing else. With `gaps`: some parts are missing.",
    HTTPStatus.BAD_REQUEST: "The request, the folder or the spec needs a person to change something.",
    HTTPStatus.FORBIDDEN: "The request names another host than this machine.",
    HTTPStatus.NOT_FOUND: "The API has no data for the date; the folder is as it was.",
    HTTPStatus.CONFLICT: "Another job is still at work on the folder, after a wait: ask again when it has ended.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large for a job.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A bug of Levada; the report is in the log of the server.",
    HTTPStatus.BAD_GATEWAY: "The API refused, or its records are not what the spec says.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Nothing is wrong here: try again, after the seconds in Retry-After.",
    HTTPStatus.GATEWAY_TIMEOUT: "The API did not answer in time: try again, after the seconds in Retry-After.",
}


def example(kind: JobKind, about: About | None) -> dict[str, str]:
    """The parameters of a job that this server would take; without `about`, of some server."""
    root = redact(about.root).rstrip("/") if about else "/path/to"
    name = about.pipeline if about else "sales"
    known = {
        "date": DATE,
        "raw_dir": f"{root}/raw/{name}/{DATE}",
        "stg_dir": f"{root}/stg/{name}/{DATE}",
    }
    return {parameter: known[parameter] for parameter in kind.parameters}
