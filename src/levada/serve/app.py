"""The Flask app of a job server: POST / is a job, GET / tells what the server does and did.

bytes ──► asked.parameters ──► work ──► replies ──► JSON; one line in the log for each request
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from levada.errors import FixThis
from levada.nouns import Run
from levada.secret import redact
from levada.serve.access import LOGGER, bug, line
from levada.serve.asked import parameters
from levada.serve.history import History
from levada.serve.jobs import About, JobKind, Told
from levada.serve.openapi import document
from levada.serve.page import headers, html
from levada.serve.replies import Reply, failed, succeeded

__all__ = ["make_app"]

#: Bytes of a body; a job needs some hundred.
LARGEST = 64 * 1024
#: What `Host` may say: a page of a site whose name was pointed at this machine says its own, and is refused.
_LOCAL = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?", re.IGNORECASE)
Work = Callable[..., Run | None]


def make_app(kind: JobKind, work: Work, about: About | None = None, history: History | None = None) -> Flask:
    """The app of one kind of job.

    Args:
        kind: `LAND` or `STAGE`.
        work: Does a job, called with its parameters by name; what it raises becomes the answer.
        about: What the server says of itself.
        history: The last jobs; several apps may share one.
    """
    app = Flask("levada.serve", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # it would send whoever asks for `//` elsewhere, with 308
    jobs = _Jobs(kind, work, history or History())
    app.add_url_rule("/", "job", jobs.answer, methods=["POST"])
    app.add_url_rule("/", "page", lambda: _page(kind, about, jobs.history), methods=["GET"])
    app.add_url_rule("/openapi.json", "openapi", lambda: document(kind, about), methods=["GET"])
    app.register_error_handler(HTTPException, _unfit)
    app.register_error_handler(Exception, _broken)
    app.before_request(_started)
    app.after_request(_logged)
    return app


class _Jobs:
    """Jobs of one kind, done as they come, each on the thread of its request."""

    def __init__(self, kind: JobKind, work: Work, history: History) -> None:
        self.history = history
        self._kind, self._work = kind, work

    def answer(self) -> Response:
        """Read the request, do the job, tell how it ended."""
        body = request.get_data(cache=False)  # raises RequestEntityTooLarge
        try:
            given, ignored = parameters(self._kind, request.mimetype, body)
        except FixThis as error:
            return _as_json(failed(error, _now()))
        began = Told(self._kind.name, _now(), given, None, "at work")
        self.history.began(began)
        g.parameters = given
        reply, run = self._done(given, ignored)
        seconds = time.monotonic() - g.started
        self.history.ended(began, replace(began, status=reply.status, message=reply.message, seconds=seconds, run=run))
        g.run = run
        return _as_json(reply)

    def _done(self, given: dict[str, str], ignored: tuple[str, ...]) -> tuple[Reply, Run | None]:
        try:
            done = self._work(**given)
        except Exception as error:  # noqa: BLE001 - a bug, too, is answered, and told in the log
            reply = failed(error, _now())
            if reply.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                g.bug = bug(error)
            return reply, None
        run = done if isinstance(done, Run) else None
        return succeeded(self._kind, run, ignored), run


def _page(kind: JobKind, about: About | None, history: History) -> Response:
    # Where readers reached this server, behind a forwarded port, too.
    url = f"http://{request.headers['Host']}/"
    return Response(html(kind, about, history.latest(), url), headers=headers())


def _now() -> datetime:
    return datetime.now(UTC)


def _started() -> Response | None:
    g.started = time.monotonic()
    host = request.headers.get("Host")
    if host is None:
        what = "the request does not say which host it is for"
        return _as_json(Reply(HTTPStatus.BAD_REQUEST, {"message": what, "todo": "add the header Host: localhost"}))
    if _LOCAL.fullmatch(host):
        return None
    what = "this server takes requests to localhost only, and this one names another host"
    return _as_json(Reply(HTTPStatus.FORBIDDEN, {"message": what, "todo": "call it as http://localhost"}))


def _unfit(error: HTTPException) -> Response:
    """A request that is no job: wrong path, wrong method, too large."""
    status = error.code or HTTPStatus.BAD_REQUEST
    what = {
        HTTPStatus.NOT_FOUND: f"there is nothing at {request.path[:200]}",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not for {request.path[:200]}",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"the body is larger than {LARGEST} bytes; a job needs some hundred",
    }.get(HTTPStatus(status), error.description or error.name)
    reply = Reply(status, {"message": redact(what), "todo": "POST / with a JSON object is a job, GET / tells of it"})
    allowed = [(name, value) for name, value in error.get_headers() if name == "Allow"]
    return _as_json(replace(reply, headers=tuple(allowed)))


def _broken(error: Exception) -> Response:
    """A bug outside the work of a job: told like one within it; Flask would log it on many lines, with all secrets."""
    g.bug = bug(error)
    return _as_json(failed(error, _now()))


def _logged(response: Response) -> Response:
    run: Run | None = g.get("run")
    facts: dict[str, Any] = {
        "at": _now().isoformat(timespec="milliseconds"),
        "remote": request.remote_addr,
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
        "seconds": round(time.monotonic() - g.get("started", time.monotonic()), 3),
        **g.get("parameters", {}),
        "run": run.run if run else None,
        "rows": run.counts.read if run else None,
        "quarantined": run.counts.quarantined if run else None,
        "message": g.get("message"),
        "bug": g.get("bug"),
    }
    LOGGER.info("%s", line(facts))
    return response


def _as_json(reply: Reply) -> Response:
    g.message = reply.message
    response = Response(json.dumps(reply.body) + "\n", status=reply.status, mimetype="application/json")
    response.headers.extend(reply.headers)
    return response
