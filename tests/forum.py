"""A scripted API of posts and their comments, for pipelines in memory."""

import json
from collections import Counter
from urllib.parse import parse_qs, unquote, urlsplit

from levada.edges import Edges, FixedClock
from levada.nouns import Run
from levada.pipeline import Options, Pipeline
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.read import read_text

__all__ = ["DATE", "Forum", "pipeline", "run"]

DATE = "2022-08-09"


class Forum:
    """Answers by path: a list is paged by `?page=`, `size` records a page; anything else is the body.

    `wrong` says what a path answers instead: an Answer, a WireFault, or None for nothing, ever. A key may name a page,
    as in `/posts/3/comments?page=2`.
    """

    def __init__(self, things, size=5):
        self.things = things
        self.size = size
        self.wrong = {}
        self.asked = []
        self.bodies = []

    def wire(self):
        return ScriptedWire(self._reply)

    @property
    def paths(self):
        """Path and query of each request, in order, escapes undone in neither."""
        return [url.removeprefix("http://api.test") for url in self.asked]

    def count(self):
        """Requests by path, the query left out."""
        return Counter(path.partition("?")[0] for path in self.paths)

    def forget(self):
        self.asked.clear()
        self.bodies.clear()

    def _reply(self, call, _attempt):
        self.asked.append(call.url)
        self.bodies.append(call.body)
        parts = urlsplit(call.url)
        page = int(parse_qs(parts.query).get("page", ["1"])[0])
        for key in (f"{parts.path}?page={page}", parts.path):
            if key in self.wrong:
                return Reply(self.wrong[key])
        thing = self.things.get(unquote(parts.path))
        if thing is None:
            return Reply(answer(404, b'{"message": "no such thing"}'))
        if isinstance(thing, list):
            thing = thing[(page - 1) * self.size : page * self.size]
        return Reply(answer(200, json.dumps(thing).encode(), {"Content-Type": "application/json"}))


def pipeline(spec, store, api, environment=None, lake="lake", **options):
    known = environment or {}
    edges = Edges(clock=FixedClock(), environment=known, network=api.wire)
    return Pipeline(read_text(spec, "forum.yaml", known, lake=lake), store, edges, Options(**options))


def run(spec, store, api, *streams, verb="run", **options) -> dict[str, Run]:
    """Each stream's run, by name, in the order in which they were worked on."""
    chosen = pipeline(spec, store, api, streams=streams, **options)
    return {stream.name: chosen.work(verb, stream, DATE) for stream in chosen.streams()}
