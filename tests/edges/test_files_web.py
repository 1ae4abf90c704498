"""Streams that take files of the web: streamed into the lake, asked again where they break, keys for their origin."""

import gzip
from pathlib import Path

import pytest

from levada.edges import Edges, FixedClock
from levada.errors import ApiRefused, ContractBroken, TryLater
from levada.pipeline import load
from rawserver import CLOSE, RawServer, http
from webserver import Said, WebServer

BODY = b"id|name\n1|a\n2|b\n"
SPEC = """
pipeline: films
{source}
streams:
  movies:
    files: {url}
    format: {{type: csv, delimiter: "|", columns: [id, name]}}
    raw: "raw/{{date}}/{{file}}"
"""


def pipeline(folder: Path, url: str, source: str = "", environment: dict[str, str] | None = None):
    spec = folder / "films.yaml"
    spec.write_text(SPEC.format(url=url, source=source))
    return load(spec, edges=Edges(clock=FixedClock(), environment=environment or {}))


def landed(folder: Path, name: str = "m.csv") -> bytes:
    return (folder / "lake" / "raw" / "2022-08-09" / name).read_bytes()


def test_a_file_of_the_web_lands_as_it_is(tmp_path):
    with WebServer(lambda _: Said(BODY)) as server:
        (run,) = pipeline(tmp_path, f"{server.url}/in/m.csv?v=2").run(date="2022-08-09")
    assert (run.counts.read, run.pages, run.requests) == (2, 1, 1)
    assert landed(tmp_path) == BODY
    assert server.targets == ["/in/m.csv?v=2"]
    assert server.seen[0].headers["accept-encoding"] == "identity"


def test_a_body_that_comes_coded_all_the_same_is_decoded(tmp_path):
    with WebServer(lambda _: Said(gzip.compress(BODY), headers=(("Content-Encoding", "gzip"),))) as server:
        pipeline(tmp_path, f"{server.url}/m.csv").run(date="2022-08-09")
    assert landed(tmp_path) == BODY


def test_what_breaks_off_is_asked_for_again_from_its_beginning(tmp_path):
    def answer(seen):
        if seen.times == 1:
            return [http(200, BODY[:10], Content_Length=str(len(BODY))), CLOSE]
        return [http(503, b"later", Retry_After="7"), CLOSE] if seen.times == 2 else [http(200, BODY), CLOSE]

    with RawServer(answer) as server:
        waiting = pipeline(tmp_path, f"{server.url}/m.csv")
        (run,) = waiting.run(date="2022-08-09")
    assert landed(tmp_path) == BODY
    assert run.requests == 3
    assert max(waiting.edges.clock.slept) >= 7


def test_a_server_that_stays_away_is_for_later(tmp_path):
    with WebServer(lambda _: Said("busy", 503)) as server, pytest.raises(TryLater) as caught:
        pipeline(tmp_path, f"{server.url}/m.csv").run(date="2022-08-09")
    assert "answers 503" in caught.value.what
    assert "asked 5 times" in caught.value.what
    assert not list((tmp_path / "lake").rglob("*.body"))


@pytest.mark.parametrize(("status", "todo"), [(404, "check the URL in `files`"), (403, "check the key")])
def test_a_file_that_is_not_given_is_told(tmp_path, status, todo):
    with WebServer(lambda _: Said("no", status)) as server, pytest.raises(ApiRefused) as caught:
        pipeline(tmp_path, f"{server.url}/m.csv").run(date="2022-08-09")
    assert f"answers {status} for {server.url}/m.csv" in caught.value.what
    assert todo in caught.value.todo
    assert len(server.seen) == 1


def test_another_header_stops_the_file_at_its_beginning(tmp_path):
    told = pytest.raises(ContractBroken, match="`name` is missing; `year` is too many")
    with WebServer(lambda _: Said(b"id|year\n" + b"1|2\n" * 500_000)) as server, told:
        pipeline(tmp_path, f"{server.url}/m.csv").run(date="2022-08-09")
    assert len(server.seen) == 1


def test_the_key_goes_to_files_of_the_source_and_to_no_others(tmp_path):
    with WebServer(lambda _: Said(BODY)) as own, WebServer(lambda _: Said(BODY)) as other:
        source = f'source: {{url: {own.url}/v1, auth: {{bearer: "${{TOKEN}}"}}}}'
        secret = {"TOKEN": "sesame-open"}
        pipeline(tmp_path, f"{own.url}/m.csv", source, secret).run(date="2022-08-09")
        pipeline(tmp_path, f"{other.url}/m.csv", source, {}).run(date="2022-08-09")
    assert own.seen[0].headers["authorization"] == "Bearer sesame-open"
    assert "authorization" not in other.seen[0].headers
