"""Streams that take files of the web: streamed into the lake, asked again where they break, keys for their origin."""

import gzip
import random
from pathlib import Path

import pytest

from levada.cli.sampling import sample
from levada.edges import Edges, FixedClock
from levada.errors import ApiRefused, ContractBroken, TryLater
from levada.pipeline import load
from patience import HELD
from rawserver import CLOSE, RawServer, http
from webserver import Said, WebServer

BODY = b"id|name\n1|a\n2|b\n"
SPEC = """
pipeline: films
{source}
streams:
  movies:
    files: {url}
    {form}
    raw: "raw/{{date}}/{{file}}"
"""
FORM = 'format: {type: csv, delimiter: "|", columns: [id, name]}'


def pipeline(folder: Path, url: str, source: str = "", environment: dict[str, str] | None = None, form: str = FORM):
    spec = folder / "films.yaml"
    spec.write_text(SPEC.format(url=url, source=source, form=form))
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


def noise(rows: int) -> bytes:
    """Rows that gzip cannot make small."""
    rng = random.Random(8)
    return b"".join(b"%d|%d\n" % (rng.getrandbits(60), rng.getrandbits(60)) for _ in range(rows))


def test_another_header_of_a_packed_file_stops_it_at_its_beginning(tmp_path):
    body = gzip.compress(b"id|year\n" + noise(100_000))
    more = 'format: {type: csv, delimiter: "|", columns: [id, name], unpack: gzip}'
    sent = []

    def answer(_):
        yield http(200, Content_Length=str(len(body)))
        for at in range(0, len(body), 65536):
            sent.append(len(body[at : at + 65536]))
            yield body[at : at + 65536]
            if sum(sent) > 4 * 65536:
                yield HELD  # it ends when the client goes

    told = pytest.raises(ContractBroken, match="`name` is missing; `year` is too many")
    with RawServer(answer) as server, told:
        pipeline(tmp_path, f"{server.url}/m.csv", form=more).run(date="2022-08-09")
    assert len(body) > 10 * 65536
    assert len(server.seen) == 1


def test_a_file_that_is_not_packed_is_told_at_its_beginning(tmp_path):
    more = 'format: {type: csv, delimiter: "|", unpack: gzip}'
    told = pytest.raises(ContractBroken, match="The body is not packed with gzip")
    with RawServer(lambda _: [http(200, noise(5000), Content_Length="9000000"), HELD]) as server, told:
        pipeline(tmp_path, f"{server.url}/m.csv", form=more).run(date="2022-08-09")


@pytest.mark.parametrize("rows", [1, 20_000])
def test_the_header_is_read_in_the_charset_that_the_content_type_tells(tmp_path, rows):
    body = ("id|título\n" + "1|café\n" * rows).encode("latin-1")
    more = 'format: {type: csv, delimiter: "|", columns: [id, título]}'
    more += """
    contract: {fields: {id: string, título: {type: string, equals: café}}}
    stage: {jsonl: "stg/{date}.jsonl"}"""
    with WebServer(lambda _: Said(body, headers=(("Content-Type", "text/csv; charset=iso-8859-1"),))) as server:
        (run,) = pipeline(tmp_path, f"{server.url}/m.csv", form=more).run(date="2022-08-09")
        looked = pipeline(tmp_path, f"{server.url}/m.csv", form=more)
        seen = sample(looked, looked.spec.streams[0], "2022-08-09", 1)
    assert (run.outcome, run.counts.kept) == ("done", rows)
    assert landed(tmp_path) == body
    assert bytes(seen.records[0][0]) == '{"id":"1","título":"café"}'.encode()


LARGE = b"id|name\n" + b"".join(b"%d|name %d\n" % (number, number) for number in range(400_000))
DATED = {"Date": "Tue, 09 Aug 2022 06:10:00 GMT", "Last-Modified": "Tue, 09 Aug 2022 06:00:00 GMT"}
TAGGED = {"ETag": '"abc"', "Accept-Ranges": "bytes"}


class Breaking:
    """A web server that gives parts, and breaks its first answers off after so many bytes."""

    def __init__(self, headers: dict[str, str], breaks: list[int], body: bytes = LARGE) -> None:
        self.headers, self.breaks, self.body = headers, breaks, body
        self.sent: list[int] = []
        self.asked: list[tuple[str | None, str | None]] = []

    def answer(self, seen):
        span = seen.headers.get("range")
        self.asked.append((span, seen.headers.get("if-range")))
        first = int(span.removeprefix("bytes=").removesuffix("-")) if span else 0
        rest = self.body[first:]
        told = {**self.headers, "Content-Length": str(len(rest))}
        if span:
            told["Content-Range"] = f"bytes {first}-{len(self.body) - 1}/{len(self.body)}"
        number = len(self.sent)
        part = rest[: self.breaks[number]] if number < len(self.breaks) else rest
        self.sent.append(len(part))
        return [http(206 if span else 200, part, **told), CLOSE]


@pytest.mark.parametrize(
    ("headers", "valid"),
    [(TAGGED, '"abc"'), ({**DATED, "Accept-Ranges": "bytes"}, DATED["Last-Modified"])],
)
def test_what_breaks_off_goes_on_where_it_was(tmp_path, headers, valid):
    breaking = Breaking(headers, [2_000_000, 2_500_000])
    with RawServer(breaking.answer) as server:
        (run,) = pipeline(tmp_path, f"{server.url}/m.csv").run(date="2022-08-09")
    assert landed(tmp_path) == LARGE
    assert (run.counts.read, run.requests) == (400_000, 3)
    assert breaking.asked[0] == (None, None)
    starts = [int(span.removeprefix("bytes=").removesuffix("-")) for span, _ in breaking.asked[1:]]
    assert 0 < starts[0] <= 2_000_000 < starts[1]
    assert {condition for _, condition in breaking.asked[1:]} == {valid}
    # What was on its way when the connection broke comes twice.
    assert len(LARGE) <= sum(breaking.sent) < len(LARGE) + 2_000_000


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept-Ranges": "bytes"},
        {"ETag": '"abc"'},
        {"ETag": 'W/"abc"', "Accept-Ranges": "bytes", **DATED},
        {**DATED, "Date": "Tue, 09 Aug 2022 06:00:30 GMT", "Accept-Ranges": "bytes"},
        {**DATED, "Date": "yesterday", "Accept-Ranges": "bytes"},
        {**TAGGED, "Accept-Ranges": "none"},
    ],
)
def test_nothing_is_continued_that_may_be_another_file(tmp_path, headers):
    breaking = Breaking(headers, [2_000_000])
    with RawServer(breaking.answer) as server:
        pipeline(tmp_path, f"{server.url}/m.csv").run(date="2022-08-09")
    assert landed(tmp_path) == LARGE
    assert breaking.asked == [(None, None)] * 2


@pytest.mark.parametrize("change", ["a new file", "another part", "no such part", "another tag"])
def test_a_file_that_was_replaced_meanwhile_is_taken_from_its_beginning(tmp_path, change):
    new = LARGE.replace(b"name", b"NAME").replace(b"id|NAME", b"id|name")
    breaking = Breaking(TAGGED, [2_000_000])

    def answer(seen):
        if seen.times == 1:
            return breaking.answer(seen)
        if not seen.headers.get("range") or change == "a new file":
            return [http(200, new, ETag='"new"', Accept_Ranges="bytes"), CLOSE]
        if change == "no such part":
            return [http(416, b"", Content_Range=f"bytes */{len(new)}"), CLOSE]
        first = 0 if change == "another part" else int(seen.headers["range"][6:-1])
        span = f"bytes {first}-{len(new) - 1}/{len(new)}"
        return [http(206, new[first:], Content_Range=span, ETag='"new"' if first else '"abc"'), CLOSE]

    with RawServer(answer) as server:
        (run,) = pipeline(tmp_path, f"{server.url}/m.csv").run(date="2022-08-09")
    assert landed(tmp_path) == new
    assert run.requests == 3


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        (TAGGED, {"Accept-Ranges": "bytes"}),
        (
            {**DATED, "Accept-Ranges": "bytes"},
            {**DATED, "Accept-Ranges": "bytes", "Last-Modified": "Tue, 09 Aug 2022 06:05:00 GMT"},
        ),
        ({**DATED, "Accept-Ranges": "bytes"}, {"Accept-Ranges": "bytes"}),
    ],
)
def test_a_part_that_does_not_say_whose_it_is_is_not_taken(tmp_path, first, rest):
    """From servers that do not look at If-Range: the other content is as long as the one that broke off."""
    new = LARGE.replace(b"name", b"NAME").replace(b"id|NAME", b"id|name")
    old, later = Breaking(first, [2_000_000]), Breaking(rest, [], new)
    with RawServer(lambda seen: (old if seen.times == 1 else later).answer(seen)) as server:
        (run,) = pipeline(tmp_path, f"{server.url}/m.csv").run(date="2022-08-09")
    assert landed(tmp_path) == new
    assert run.requests == 3
    assert [bool(span) for span, _ in later.asked] == [True, False]


@pytest.mark.parametrize("body", [BODY, b""])
def test_a_part_that_nobody_asked_for_is_told(tmp_path, body):
    def answer(_):
        return [http(206, body, Content_Range=f"bytes 0-{len(body) - 1}/1000"), CLOSE]

    with RawServer(answer) as server, pytest.raises(ApiRefused) as caught:
        pipeline(tmp_path, f"{server.url}/m.csv").run(date="2022-08-09")
    assert f"answers 206 for {server.url}/m.csv: a part of the file" in caught.value.what
    assert "check the URL in `files`" in caught.value.todo
    assert len(server.seen) == 1


def test_tries_that_bring_much_of_the_file_are_not_counted(tmp_path):
    breaking = Breaking(TAGGED, [1_200_000] * 5, LARGE)
    with RawServer(breaking.answer) as server:
        (run,) = pipeline(tmp_path, f"{server.url}/m.csv", "source: {url: https://api.test, retry: {attempts: 2}}").run(
            date="2022-08-09"
        )
    assert landed(tmp_path) == LARGE
    assert run.requests == 6


def test_the_key_goes_to_files_of_the_source_and_to_no_others(tmp_path):
    with WebServer(lambda _: Said(BODY)) as own, WebServer(lambda _: Said(BODY)) as other:
        source = f'source: {{url: {own.url}/v1, auth: {{bearer: "${{TOKEN}}"}}}}'
        secret = {"TOKEN": "sesame-open"}
        pipeline(tmp_path, f"{own.url}/m.csv", source, secret).run(date="2022-08-09")
        pipeline(tmp_path, f"{other.url}/m.csv", source, {}).run(date="2022-08-09")
    assert own.seen[0].headers["authorization"] == "Bearer sesame-open"
    assert "authorization" not in other.seen[0].headers
