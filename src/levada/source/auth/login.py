"""A session token from a log-in call."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from levada.edges import Answer, Call, Credential
from levada.errors import ApiRefused
from levada.jsonpath import values
from levada.secret import Secret, shown_url
from levada.source.auth.endpoint import HEADERS, SIZE_LIMIT, Endpoint, refusal, tree
from levada.source.auth.fixed import basic, cookie_safe
from levada.source.auth.names import variables
from levada.source.auth.signer import Ask
from levada.source.auth.token import Token, TokenSigner, life, shared, usable
from levada.source.origin import origin
from levada.spec.auth import Login, SecretRef
from levada.spec.bind import secret
from levada.spec.model import Source

__all__ = ["login"]

#: Characters that a path keeps: RFC 3986 pchar, "/", the query's "?" and escapes already made.
_PATH = "/?%:@!$&'()*+,;=~-._"
_OK = range(200, 300)


def login(auth: Login, source: Source, environment: Mapping[str, str]) -> TokenSigner:
    """A signer with the token of a session.

    Raises:
        FixThis: a secret is not set, or the user of `basic` holds a colon.
    """
    call = _call(auth, source, environment)
    said = [call.url, call.method, str(call.body), *((each.name, each.secret.value) for each in call.credentials)]
    place = shared("login", auth.token, auth.token_header, auth.expires_in, auth.lives, *said)
    session = _Session(auth, call)
    return TokenSigner(place, session.fetch, session.carry)


def _call(auth: Login, source: Source, environment: Mapping[str, str]) -> Call:
    url = _url(auth.path, source.url)
    sent = {name: _revealed(value, environment) for name, value in auth.send}
    if auth.send_as == "json":
        media, body = "application/json", json.dumps(sent, ensure_ascii=False)
    else:
        media, body = "application/x-www-form-urlencoded", urlencode({name: _text(sent[name]) for name in sent})
    return Call(
        method=auth.method,
        url=url,
        headers=(*HEADERS, ("Content-Type", media)) if sent else HEADERS,
        body=body.encode() if sent else None,
        credentials=basic(auth.basic, environment).credentials if auth.basic else (),
        origin=origin(url),
        timeout=source.timeout,
        size_limit=SIZE_LIMIT,
    )


def _url(path: str, base: str) -> str:
    if path.lower().startswith(("http://", "https://")):
        return path
    return f"{base.partition('?')[0].rstrip('/')}/{quote(path.lstrip('/'), safe=_PATH)}"


def _revealed(value: object, environment: Mapping[str, str]) -> Any:
    return secret(value, environment).value if isinstance(value, SecretRef) else value


def _text(value: object) -> str:
    """A plain value in a form, written as JSON writes it."""
    return value if isinstance(value, str) else json.dumps(value)


class _Session:
    """Asks for a token, and says how it is sent."""

    def __init__(self, auth: Login, call: Call) -> None:
        self._auth = auth
        self._call = call
        self._endpoint = Endpoint("log-in", call.url, auth.place, variables(auth))

    def fetch(self, ask: Ask, now: datetime) -> Token:
        answer = ask(self._call, True)
        if answer.status not in _OK:
            raise refusal(self._endpoint, answer)
        auth, body = self._auth, tree(answer)
        found = usable(self._found(answer, body))
        if found is None:
            raise self._nothing(answer)
        if auth.carrier == "cookie":
            cookie_safe(found, str(auth.place), "the session token")
        said = _first(auth.expires_in, body) if auth.expires_in else None
        lives = life(said)
        return Token(Secret("session token", found, "lately"), now, auth.lives if lives is None else lives)

    def carry(self, token: Secret) -> Credential:
        auth = self._auth
        return Credential(auth.carrier, auth.name, Secret(token.name, f"{auth.prefix}{token.value}", token.known))

    def _found(self, answer: Answer, body: object) -> object:
        if self._auth.token_header:
            return answer.headers.get(self._auth.token_header.lower())
        return _first(self._auth.token, body) if self._auth.token else None

    def _nothing(self, answer: Answer) -> ApiRefused:
        auth = self._auth
        sought = f"header {auth.token_header}" if auth.token_header else f"token at {auth.token}"
        what = f"The log-in {shown_url(self._call.url)} answers {answer.status}, but with no {sought} that can be sent."
        todo = f"Check {self._endpoint.client or '`auth`'}, and where the answer holds the token ({auth.place})."
        return ApiRefused(what, where=str(auth.place), todo=todo)


def _first(path: str, body: object) -> object:
    found = values(path, body)
    return found[0] if found else None
