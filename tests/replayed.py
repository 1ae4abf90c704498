"""Recorded exchanges, replayed: the same answers to the same questions, from a server of one's own.

By hand: python tests/replayed.py FILE.jsonl... --port 8000 [--rewrite]
"""

import argparse
import base64
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from webserver import Asked, Said, WebServer

__all__ = ["Exchange", "Replay", "exchange", "read_recording", "replayed"]

#: One recorded exchange: method, url, request_body, status, headers, body_text.
Exchange = Mapping[str, Any]
#: Headers that were about the bytes on the recorded wire, which are not those sent now.
_OF_THE_WIRE = {"content-encoding", "transfer-encoding", "content-length", "connection", "keep-alive"}
_UNRESERVED = re.compile(rb"[A-Za-z0-9._~-]")
_Key = tuple[str, str, tuple[tuple[str, str], ...], str | None]


def exchange(url: str, body: Any = None, status: int = 200, **more: Any) -> dict[str, Any]:
    """An exchange as recordings have it; `more` are method, headers, request_body."""
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    headers = {"Content-Type": "application/json", **more.pop("headers", {})}
    said = {"method": "GET", "url": url, "request_body": None, "status": status, "headers": headers}
    return {**said, "body_text": text, **more}


def read_recording(*paths: Path | str) -> list[Exchange]:
    """The exchanges of files of JSON lines, in order."""
    return [
        json.loads(line)
        for path in paths
        for line in Path(path).read_text(encoding="utf-8").split("\n")
        if line.strip()
    ]


class Replay(WebServer):
    """Answers by method, path and sorted query, and by JSON body where one was recorded; the host does not matter.

    Several exchanges of one question are served in order, the last one again. A question that was not recorded is a
    404 that says so.

    Args:
        exchanges: What was recorded.
        rewrite: Whether URLs of the recorded hosts, in headers and bodies, name this server instead.
        port: Where to listen, 0 for a free port.
    """

    def __init__(self, exchanges: Iterable[Exchange], *, rewrite: bool = False, port: int = 0) -> None:
        super().__init__(self._replay, port=port)
        kept = list(exchanges)
        self._told: dict[_Key, list[Said]] = {}
        #: How often each recorded question was asked, and the questions that were not recorded.
        self.asked: Counter[str] = Counter()
        self.strange: list[str] = []
        origins = {origin_of(one["url"]) for one in kept} if rewrite else set()
        for one in kept:
            self._told.setdefault(_key_of(one), []).append(_said(one, origins, self.url))

    def _replay(self, asked: Asked) -> Said:
        told = self._known(asked)
        if told is None:
            self.strange.append(asked.target)
            return Said({"message": f"This exchange was not recorded: {asked.method} {asked.target}"}, 404)
        self.asked[f"{asked.method} {asked.target}"] += 1
        return told.pop(0) if len(told) > 1 else told[0]

    def _known(self, asked: Asked) -> list[Said] | None:
        question = (asked.method, _path(asked.path), tuple(sorted(asked.query)))
        return self._told.get((*question, _canonical(asked.body or None))) or self._told.get((*question, None))


@contextmanager
def replayed(exchanges: Iterable[Exchange], *, rewrite: bool = True, port: int = 0) -> Iterator[Replay]:
    """A replay server while the block lasts."""
    with Replay(exchanges, rewrite=rewrite, port=port) as server:
        yield server


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _key_of(one: Exchange) -> _Key:
    parts = urlsplit(one["url"])
    query = tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    return (one["method"].upper(), _path(parts.path or "/"), query, _canonical(one.get("request_body")))


def _path(path: str) -> str:
    """The path with its escapes written one way: `%2f` and `%2F` are the same, `/` is another."""

    def one_way(found: re.Match[str]) -> str:
        byte = bytes.fromhex(found[1])
        return byte.decode() if _UNRESERVED.fullmatch(byte) else f"%{found[1].upper()}"

    return re.sub("%([0-9A-Fa-f]{2})", one_way, path)


def _canonical(body: Any) -> str | None:
    """A request body that compares: JSON with sorted keys; other text as it is; recordings may have it in base64."""
    if body is None or body in ("", b""):
        return None
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    for reading in (text, _from_base64(text)) if isinstance(text, str) else ():
        try:
            return json.dumps(json.loads(reading), sort_keys=True)
        except ValueError:
            continue
    return text if isinstance(text, str) else json.dumps(text, sort_keys=True)


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return ""


def _said(one: Exchange, origins: set[str], own: str) -> Said:
    headers = tuple(
        (name, _moved(str(value), origins, own))
        for name, given in one["headers"].items()
        for value in (given if isinstance(given, list) else [given])
        if name.lower() not in _OF_THE_WIRE
    )
    charset = re.search(r"charset=\"?([\w-]+)", next((v for n, v in headers if n.lower() == "content-type"), ""))
    text = _moved(one.get("body_text") or "", origins, own)
    return Said(text.encode(charset[1] if charset else "utf-8"), one["status"], headers)


def _moved(text: str, origins: set[str], own: str) -> str:
    """The text with the recorded origins replaced, as they are and with the slashes escaped that some JSON has."""
    for origin in origins:
        ends = r"(?![\w.:-])"
        text = re.sub(re.escape(origin) + ends, own, text)
        text = text.replace(origin.replace("/", r"\/") + r"\/", own.replace("/", r"\/") + r"\/")
    return text


def _by_hand(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Replay recorded exchanges; Ctrl-C ends it.")
    parser.add_argument("files", nargs="+", metavar="FILE.jsonl")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--rewrite", action="store_true", help="URLs of the recorded hosts name this server")
    told = parser.parse_args(arguments)
    with Replay(read_recording(*told.files), rewrite=told.rewrite, port=told.port) as server:
        print(f"Replaying on {server.url}", flush=True)
        try:
            server._thread.join()  # noqa: SLF001 - until Ctrl-C
        except KeyboardInterrupt:
            print(f"{len(server.seen)} requests, {len(server.strange)} not recorded: {server.strange}")


if __name__ == "__main__":
    _by_hand(sys.argv[1:])
