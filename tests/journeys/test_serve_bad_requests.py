"""Requests that are no good jobs: each gets a 4xx that says why, and leaves all as it is, also beside the root."""

import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from patience import PATIENCE
from serving import DAY, Answer, Server, outside_control, serving, tree

JSON = {"Content-Type": "application/json"}
GOOD = b'{"date": "2022-08-09", "raw_dir": "/x"}'
RAW, STG = f"raw/sales/{DAY}", f"stg/sales/{DAY}"
#: 404 as the API says it, which a careless tool saved as a page; a list as Python writes it; a page that was cut.
NO_PAGES = {
    "saved_error": '{"message": "You requested page that doesn\'t exist: page=5"}',
    "single_quotes": "[{'client': 'A', 'purchase_date': '2022-08-09', 'product': 'P', 'price': 1}]",
    "cut": '[{"client": "A", "purchase_date": "2022-0',
}


@dataclass
class World:
    """A server with a lake in which two good jobs were done, and a folder beside the lake that is not its own."""

    server: Server
    root: Path
    outside: Path

    def seen(self) -> tuple[dict, dict]:
        """All there is, control files included."""
        return tree(self.root), tree(self.outside)

    def filled(self, value: object) -> object:
        """`value` with the real paths in its texts."""
        if isinstance(value, dict):
            return {name: self.filled(item) for name, item in value.items()}
        if isinstance(value, str):
            return value.replace("ROOT", str(self.root)).replace("OUTSIDE", str(self.outside))
        return value


@pytest.fixture(scope="module")
def world(_sales_api, tmp_path_factory) -> Iterator[World]:
    _sales_api.forget()
    base = tmp_path_factory.mktemp("bad")
    root, outside = base / "lake", base / "outside"
    _furnish(root, outside)
    with serving(_sales_api.environment, root) as server:
        assert (server.land().status, server.stage().status) == (201, 201)
        yield World(server, root, outside)
        # After all of that: still at work, and every line of its log is JSON without the token.
        assert (server.land().status, server.stage().status) == (201, 201)
        assert server.log()
        assert _sales_api.environment["AUTH_TOKEN"] not in server.err.read_text()
        assert "bug" not in {name for line in server.log() for name in line}


def _furnish(root: Path, outside: Path) -> None:
    for folder in ("holds/deeper", "nodate", *(f"{name}/{DAY}" for name in NO_PAGES)):
        (root / folder).mkdir(parents=True)
    (outside / "sub").mkdir(parents=True)
    for path in (outside / "keep.json", outside / "sub/keep.json", root / "file", root / "holds/deeper/keep.json"):
        path.write_text("[]")
    (root / "nodate/sales_1.json").write_text("[]")
    for name, text in NO_PAGES.items():
        (root / name / DAY / "sales_1.json").write_text(text)
    (root / "pipe").mkdir()
    os.mkfifo(root / "pipe" / "sales_1.json")
    for link, aim in {"link": outside, "loop": root / "loop", "within": root / "raw", "dangling": root / "no"}.items():
        (root / link).symlink_to(aim)
    (outside / "back").symlink_to(root)


def land(raw_dir: str = f"ROOT/{RAW}", date: object = DAY) -> dict:
    return {"date": date, "raw_dir": raw_dir}


def stage(stg_dir: str = f"ROOT/{STG}", raw_dir: str = f"ROOT/{RAW}") -> dict:
    return {"raw_dir": raw_dir, "stg_dir": stg_dir}


#: Folders that no job may fill, with a part of why.
FOLDERS = {
    "outside": ("OUTSIDE/x", "does not lie below the root"),
    "the one outside": ("OUTSIDE", "does not lie below the root"),
    "back by a link from outside": (f"OUTSIDE/back/{RAW}", "does not lie below the root"),
    "a name that begins as the root's": ("ROOTX/raw", "does not lie below the root"),
    "the file system": ("/", "does not lie below the root"),
    "two slashes": ("//etc/levada", "does not lie below the root"),
    "a folder of the system": ("/proc/self/cwd", "does not lie below the root"),
    "the root": ("ROOT", "is the root itself"),
    "the root with a slash": ("ROOT/", "is the root itself"),
    "the root with a dot": ("ROOT/.", "is the root itself"),
    "up and out": ("ROOT/../outside", "steps up with `..`"),
    "up from within": ("ROOT/raw/../../outside", "steps up with `..`"),
    "up and down again": ("ROOT/raw/../raw/x", "steps up with `..`"),
    "relative": (RAW, "is no absolute path"),
    "relative with a dot": ("./raw", "is no absolute path"),
    "home": ("~/raw", "is no absolute path"),
    "a drive": ("C:\\raw", "is no absolute path"),
    "a URL": ("file://ROOT/raw", "is no absolute path"),
    "a space": (" ", "is no absolute path"),
    "NUL": ("ROOT/raw\x00/x", "holds a control character"),
    "a line feed": ("ROOT/raw\n", "holds a control character"),
    "an escape": ("ROOT/\x1b[2J", "holds a control character"),
    "half a character": ("ROOT/\ud800", "no Unicode text"),
    "a link": ("ROOT/link", "link"),
    "through a link": ("ROOT/link/x", "link"),
    "through a link to what is there": ("ROOT/link/sub", "link"),
    "through a link within": ("ROOT/within/x", "link"),
    "a link to itself": ("ROOT/loop", "link"),
    "through a link to itself": ("ROOT/loop/x", "link"),
    "a link to nothing": ("ROOT/dangling", "link"),
    "the control files": ("ROOT/_levada", "_levada"),
    "within the control files": ("ROOT/_levada/sales/sales", "_levada"),
    "a file": ("ROOT/file", "ROOT/file"),
    "below a file": ("ROOT/file/x", "ROOT/file"),
    "what holds a folder": ("ROOT/holds", "deeper"),
    "what holds filled folders": ("ROOT/raw/sales", DAY),
    "within a filled folder": (f"ROOT/{RAW}/x", "which a job has filled"),
    "too long a name": (f"ROOT/{'x' * 300}", "long"),
    "too long a path": (f"ROOT{'/x' * 5000}", "long"),
}
LANDS = {name: (land(raw_dir=folder), why) for name, (folder, why) in FOLDERS.items()}
STAGES = {name: (stage(stg_dir=folder), why) for name, (folder, why) in FOLDERS.items()} | {
    "what holds filled folders": (stage(stg_dir="ROOT/stg/sales"), DAY),
    "within a filled folder": (stage(stg_dir=f"ROOT/{STG}/x"), "which a job has filled"),
    "raw outside": (stage(raw_dir="OUTSIDE"), "does not lie below the root"),
    "raw is the root": (stage(raw_dir="ROOT"), "is the root itself"),
    "raw steps up": (stage(raw_dir="ROOT/../outside"), "steps up with `..`"),
    "raw is relative": (stage(raw_dir=RAW), "is no absolute path"),
    "raw is a link": (stage(raw_dir="ROOT/link"), "link"),
    "raw through a link": (stage(raw_dir=f"ROOT/within/sales/{DAY}"), "link"),
    "raw is a file": (stage(raw_dir="ROOT/file"), "ROOT/file"),
    "raw is not there": (stage(raw_dir="ROOT/nothing/2022-08-09"), "no raw files in nothing/2022-08-09"),
    "raw holds folders": (stage(raw_dir="ROOT/holds"), "deeper"),
    "raw holds a pipe": (stage(raw_dir="ROOT/pipe"), "sales_1.json"),
    "stg is raw": (stage(stg_dir=f"ROOT/{RAW}"), "cannot lie one within the other"),
    "stg in raw": (stage(stg_dir=f"ROOT/{RAW}/avro"), "cannot lie one within the other"),
    "raw in stg": (stage(raw_dir=f"ROOT/{STG}/raw"), "cannot lie one within the other"),
    "stg over raw": (stage(stg_dir="ROOT/raw/sales"), "cannot lie one within the other"),
    "raw are staged files": (stage(raw_dir=f"ROOT/{STG}", stg_dir="ROOT/other"), "holds staged files"),
    "raw has no date": (stage(raw_dir="ROOT/nodate"), "which date"),
}
#: Bodies for both kinds of jobs, each without the parameters that would make it one.
BODIES = {
    "none": (b"", "the body is no JSON"),
    "null": (b"null", "must be a JSON object, not null"),
    "a list": (json.dumps([land()]).encode(), "must be a JSON object, not a list"),
    "a text": (b'"2022-08-09"', "must be a JSON object, not a text"),
    "a number": (b"20220809", "must be a JSON object, not a number"),
    "nothing in it": (b"{}", "parameter missed"),
    "no UTF-8": (b'{"date": "\xff"}', "the body is no JSON"),
    "a form": (b"date=2022-08-09&raw_dir=/x", "the body is no JSON"),
    "cut": (GOOD[:-1], "the body is no JSON"),
    "60 kB of brackets": (b"[" * 60_000, "too deep"),
    "twice the same name": (b'{"raw_dir": "/a", "raw_dir": "/b"}', "raw_dir is in the body twice"),
    "wrong types": (b'{"date": 20220809, "raw_dir": ["/x"], "stg_dir": {}}', "parameter must be a text, not a"),
}
DATES = {
    "2022-8-9": "date parameter malformed",
    "2022-02-30": "date parameter malformed",
    "../../etc": "date parameter malformed",
    "2022-08-09/../..": "date parameter malformed",
    "\x00": "date parameter malformed",
    "": "date parameter missed",
}


def unchanged(world: World, answer: Answer, before: tuple[dict, dict], status: int, why: str) -> None:
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/json"
    told = answer.json
    assert why in " ".join((told["message"], told.get("where", ""))), told
    assert world.seen() == before


@pytest.mark.parametrize(("kind", "name"), [("land", name) for name in LANDS] + [("stage", name) for name in STAGES])
def test_a_folder_that_is_none_for_a_job(world, kind, name):
    body, why = (LANDS if kind == "land" else STAGES)[name]
    before = world.seen()
    answer = world.server.post(kind, world.filled(body))
    unchanged(world, answer, before, 400, world.filled(why))
    assert answer.json["todo"]
    assert answer.json["kind"] == "FixThis"


@pytest.mark.parametrize("name", NO_PAGES)
def test_raw_files_of_other_tools_that_are_no_pages_are_told_by_name(world, name):
    """A note of the failed job stays: the request was a good one."""
    before = outside_control(world.root)
    answer = world.server.post("stage", world.filled(stage(raw_dir=f"ROOT/{name}/{DAY}", stg_dir=f"ROOT/new/{DAY}")))
    assert answer.status in (400, 502), answer
    assert f"{name}/{DAY}/sales_1.json" in " ".join(answer.json.values())
    assert outside_control(world.root) == before


@pytest.mark.parametrize("kind", ["land", "stage"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_none_of_a_job(world, kind, name):
    body, why = BODIES[name]
    before = world.seen()
    answer = world.server.post(kind, body)
    unchanged(world, answer, before, 400, why)
    assert answer.json["todo"]


@pytest.mark.parametrize("date", DATES, ids=ascii)
def test_a_date_that_is_none(world, date):
    before = world.seen()
    unchanged(world, world.server.post("land", world.filled(land(date=date))), before, 400, DATES[date])


@pytest.mark.parametrize("kind", ["land", "stage"])
@pytest.mark.parametrize(("size", "status"), [(64 * 1024, 400), (64 * 1024 + 1, 413), (10 * 1024 * 1024, 413)])
def test_a_large_body(world, kind, size, status):
    before = world.seen()
    body = json.dumps({"filler": "x" * (size - 14)}).encode()
    assert len(body) == size
    why = "parameter missed" if status == 400 else "the body is larger than 65536 bytes"
    unchanged(world, world.server.post(kind, body), before, status, why)


def test_10_mb_of_lists_are_not_even_read(world):
    before = world.seen()
    answer = world.server.post("land", b"[" * (10 * 1024 * 1024))
    unchanged(world, answer, before, 413, "the body is larger than 65536 bytes")


@pytest.mark.parametrize("kind", ["land", "stage"])
@pytest.mark.parametrize(
    "sent", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", None]
)
def test_another_content_type(world, kind, sent):
    before = world.seen()
    body = json.dumps(world.filled(land() | stage())).encode()
    answer = world.server.ask(kind, "POST", "/", body, {"Content-Type": sent} if sent else {})
    unchanged(world, answer, before, 400, "the body must be sent as application/json")


@pytest.mark.parametrize("sent", ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=x"])
def test_json_is_json_whatever_is_said_beside(world, sent):
    body = json.dumps(world.filled(land())).encode()
    assert world.server.ask("land", "POST", "/", body, {"Content-Type": sent}).status == 201


@pytest.mark.parametrize("kind", ["land", "stage"])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "BREW"])
def test_another_method(world, kind, method):
    before = world.seen()
    answer = world.server.ask(kind, method, "/", json.dumps(world.filled(land() | stage())).encode(), JSON)
    unchanged(world, answer, before, 405, f"{method} is not for /")
    assert {"GET", "HEAD", "OPTIONS", "POST"} == set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "GET"])
def test_looking_changes_nothing(world, method):
    before = world.seen()
    answer = world.server.ask("land", method, "/")
    assert answer.status == 200
    assert (answer.body == b"") == (method != "GET")
    assert "access-control-allow-origin" not in answer.headers, "a page of another site may not send JSON"
    assert world.seen() == before


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/x",
        "/land",
        "/x//",
        "/x%2f",
        "/%2F..%2f",
        "/..",
        "/../etc/passwd",
        "/%2e%2e/",
        "/.env",
        "/_levada/",
        "/a" * 500,
    ],
    ids=lambda path: path[:20],
)
def test_another_path(world, method, path):
    before = world.seen()
    answer = world.server.ask("land", method, path, GOOD, JSON)
    unchanged(world, answer, before, 404, "there is nothing at /")


@pytest.mark.parametrize("path", ["//", "/%2f", "/?date=2022-08-10", "/#x"])
def test_what_is_the_same_path(world, path):
    before = world.seen()
    unchanged(world, world.server.ask("land", "POST", path, b"{}", JSON), before, 400, "date parameter missed")


def test_the_description_takes_no_jobs(world):
    before = world.seen()
    unchanged(world, world.server.ask("land", "POST", "/openapi.json", GOOD, JSON), before, 405, "POST is not for")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:8081",
        "localhost@evil.example",
        "0.0.0.0",
        "",
        "[::2]",
    ],
)
def test_a_site_whose_name_points_here_gets_nothing(world, host):
    """DNS rebinding: the browser takes it for that site's own server, and sends JSON unasked."""
    before = world.seen()
    body = json.dumps(world.filled(land())).encode()
    answer = world.server.ask("land", "POST", "/", body, {**JSON, "Host": host})
    unchanged(world, answer, before, 403, "names another host")
    assert world.server.ask("land", "GET", "/", headers={"Host": host}).status == 403


def spoken(server: Server, sent: bytes, *, end: bool = False) -> bytes:
    """All that comes back for these bytes; with `end`, nothing more is sent after them."""
    with server.connected("land") as connection:
        with suppress(OSError):  # it may have heard enough
            connection.sendall(sent)
            if end:
                connection.shutdown(socket.SHUT_WR)
        return said(connection)


def said(connection: socket.socket) -> bytes:
    parts = []
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def parsed(reply: bytes) -> Answer:
    head, _, body = reply.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(first.split()[1]), headers, body)


def posted(*lines: str, version: str = "HTTP/1.1", body: bytes = GOOD) -> bytes:
    """A request that closes the connection after it, with these headers beside the usual ones."""
    head = [f"POST / {version}", "Content-Type: application/json", "Connection: close", *lines, "", ""]
    return "\r\n".join(head).encode("latin-1") + body


LENGTH = f"Content-Length: {len(GOOD)}"
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)
HOST = "Host: localhost"
WIRE = {
    "no host": (posted(LENGTH), 400, "does not say which host"),
    "no host in HTTP/1.0": (posted(LENGTH, version="HTTP/1.0"), 400, "does not say which host"),
    "two hosts": (posted(HOST, "Host: evil.example", LENGTH), 403, "names another host"),
    "HTTP/0.9": (b"POST /\r\n\r\n", 400, "does not say which host"),
    "HTTP/0.9 GET": (b"GET /\r\n\r\n", 400, "does not say which host"),
    "two lengths": (posted(HOST, LENGTH, "Content-Length: 5"), 400, "Content-Length is invalid"),
    "the same length twice": (posted(HOST, LENGTH, LENGTH), 400, "Content-Length is invalid"),
    "a negative length": (posted(HOST, "Content-Length: -1"), 400, "Content-Length is invalid"),
    "a length with a sign": (posted(HOST, "Content-Length: +40"), 400, "Content-Length is invalid"),
    "no length": (posted(HOST, body=b""), 400, "the body is no JSON"),
    "length and chunks": (posted(HOST, LENGTH, "Transfer-Encoding: chunked", body=CHUNKED), 400, "both Transfer-Enc"),
    "chunks and length": (posted(HOST, "Transfer-Encoding: chunked", LENGTH, body=CHUNKED), 400, "both Transfer-Enc"),
    "chunks in HTTP/1.0": (
        posted(HOST, "Transfer-Encoding: chunked", version="HTTP/1.0", body=CHUNKED),
        400,
        "Transfer-Encoding needs HTTP/1.1",
    ),
    "chunks of no size": (posted(HOST, "Transfer-Encoding: chunked", body=b"zz\r\n{}\r\n0\r\n\r\n"), 400, "chunk"),
    "a bad folder in chunks": (posted(HOST, "Transfer-Encoding: chunked", body=CHUNKED), 400, "below the root"),
    "a bare line feed in a header": (posted(HOST, "X: a\nY: b", LENGTH), 400, "Bare CR or LF"),
    "a header without a name": (posted(HOST, ": x", LENGTH), 400, "Invalid header"),
    "a space before the colon": (posted(HOST, "Content-Length : 5"), 400, "Invalid header"),
    "a method in small letters": (posted(HOST, LENGTH).replace(b"POST", b"post"), 400, "Malformed HTTP method"),
    "no request line": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "Start line is invalid"),
    "garbage": (b"hello\r\n\r\n", 400, "Start line is invalid"),
    "a path of 100 kB": (b"POST /" + b"a" * 100_000 + posted(HOST, LENGTH)[6:], 404, "there is nothing at /aaa"),
    # Not a byte more than waitress reads: what is left unread would reset the connection, and the answer with it.
    "headers of 256 kB": (posted(HOST, "X: " + "a" * 270_000)[: 256 * 1024], 431, "exceeds max_header"),
    "40 MB announced": (posted(HOST, "Content-Length: 41943040", body=b""), 413, "exceeds max_body"),
    "40 MB announced, and asked whether they may come": (
        posted(HOST, "Content-Length: 41943040", "Expect: 100-continue", body=b""),
        413,
        "exceeds max_body",
    ),
    "asked whether nothing may come": (posted(HOST, "Expect: 100-continue", body=b""), 400, "the body is no JSON"),
    "asked with a wrong length": (
        posted(HOST, "Content-Length: x", "Expect: 100-continue", body=b""),
        400,
        "Content-Length is invalid",
    ),
}


@pytest.mark.parametrize("name", WIRE)
def test_what_no_client_sends(world, name):
    sent, status, why = WIRE[name]
    before = world.seen()
    reply = spoken(world.server, sent)
    unchanged(world, parsed(reply), before, status, why)
    assert len(re.findall(rb"^HTTP/1", reply, re.MULTILINE)) == 1, (
        "nothing after the refused request is taken for another one"
    )


def test_a_coding_that_is_not_known_is_501(world):
    """RFC 9112, 6.1, wants that and no 4xx."""
    before = world.seen()
    reply = parsed(spoken(world.server, posted(HOST, "Transfer-Encoding: gzip, chunked", body=CHUNKED)))
    unchanged(world, reply, before, 501, "Transfer-Encoding")


def test_a_body_that_ends_too_soon_is_no_job(world):
    before = world.seen()
    body = json.dumps(world.filled(land())).encode()
    head = posted(HOST, f"Content-Length: {len(body) + 1}", body=body)
    assert spoken(world.server, head, end=True) == b""
    assert world.seen() == before


def test_who_asks_whether_a_body_may_come_is_answered_first(world):
    body = json.dumps(world.filled(land())).encode()
    head = posted(HOST, f"Content-Length: {len(body)}", "Expect: 100-continue", body=b"")
    with world.server.connected("land") as connection:
        connection.settimeout(PATIENCE)
        connection.sendall(head)
        assert connection.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert parsed(said(connection)).status == 201


def test_every_refusal_is_in_the_log_without_what_the_sender_said(world):
    spoken(world.server, posted(HOST, "Authorization: Basic hunter2\nX: y", LENGTH))
    line = world.server.logged(
        status=400, message="no request that this server can take: Bad Request: Bare CR or LF found in header line"
    )
    assert line["remote"] == "127.0.0.1"
    assert "hunter2" not in world.server.err.read_text()
