"""Signed requests without a reader: ready, sign and refused as a reader calls them, over the real wire."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from levada import secret
from levada.edges import Answer, Call, FixedClock
from levada.nouns import Place
from levada.source.auth.make import signer_for
from levada.source.auth.token import forget
from levada.source.fetch import HttpWire
from levada.source.origin import origin
from levada.spec.auth import Auth, SecretRef
from levada.spec.model import Source

__all__ = ["PLACE", "Client", "apart", "ask", "ref"]

TRUST = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
PLACE = Place("api.yaml", 3, 9)


def apart(monkeypatch: Any) -> None:
    """What a test reveals stays its own: words like "user" are secrets there; no token and no proxy from elsewhere."""
    forget()
    monkeypatch.setattr(secret, "_known", {})
    monkeypatch.setattr(secret, "_lately", {})
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", *TRUST):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def ref(*names: str) -> SecretRef:
    return SecretRef(names, PLACE)


def ask(call: Call, again: bool = True) -> Answer:
    """The wire as a signer's `Ask`: one connection a call, no retries."""

    async def go() -> Answer:
        async with HttpWire() as wire:
            return await wire.send(call)

    return asyncio.run(go())


class Client:
    """One reader's signer, and what a reader does with it."""

    def __init__(self, url: str, auth: Auth | None, environment: Mapping[str, str], spec_file: str = "") -> None:
        self.url = url
        self.clock = FixedClock()
        self.signer = signer_for(Source(url, PLACE, auth=auth), spec_file, environment)

    def call(self, path: str = "", **parts: Any) -> Call:
        """A call to a path, or to an absolute URL, not signed."""
        url = path if path.startswith("http") else f"{self.url}{path}"
        return replace(Call("GET", url, origin=origin(self.url)), **parts)

    def sign(self, path: str = "", **parts: Any) -> Call:
        now = self.clock.now()
        self.signer.ready(ask, now)
        return self.signer.sign(self.call(path, **parts), now)

    def send(self, path: str = "", **parts: Any) -> Answer:
        """The answer; where it is a 401 and something new can be had, the one after that."""
        signed = self.sign(path, **parts)
        answer = ask(signed)
        for _ in range(3):  # a signer that never gives up is a failed test, not one that hangs
            if answer.status != 401 or not self.signer.refused(signed):
                break
            signed = self.sign(path, **parts)
            answer = ask(signed)
        return answer
