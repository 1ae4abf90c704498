"""OAuth2 (RFC 6749): an access token by client credentials, by a refresh token that may rotate, or by another grant."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import quote_plus

from levada.edges import Credential
from levada.secret import Secret
from levada.source.auth.endpoint import Endpoint, form_call, granted, token_of
from levada.source.auth.fixed import basic_credential
from levada.source.auth.kept import held
from levada.source.auth.names import listed
from levada.source.auth.signer import Ask
from levada.source.auth.token import Token, TokenSigner, shared
from levada.spec.auth import OAuth2, SecretRef
from levada.spec.bind import secret

__all__ = ["STORE", "as_bearer", "oauth2"]

#: Beside the spec: where rotated refresh tokens are kept.
STORE = ".levada-tokens.json"


def oauth2(auth: OAuth2, environment: Mapping[str, str], folder: Path, timeout: float) -> TokenSigner:
    """A signer with a token of a token endpoint.

    Args:
        auth: How it is asked.
        environment: Where the secrets are.
        folder: The spec's, for the file of rotated tokens.
        timeout: Seconds for one exchange.

    Raises:
        FixThis: a secret is not set.
    """
    grant = _Grant(auth, environment, Path(auth.store) if auth.store else folder / STORE, timeout)
    return TokenSigner(shared(*grant.identity), grant.fetch, as_bearer)


def as_bearer(token: Secret) -> Credential:
    """`Authorization: Bearer` with a token (RFC 6750)."""
    return Credential("header", "Authorization", Secret(token.name, f"Bearer {token.value}", token.known))


class _Grant:
    """Asks a token endpoint; keeps no token itself."""

    def __init__(self, auth: OAuth2, environment: Mapping[str, str], store: Path, timeout: float) -> None:
        def value(ref: SecretRef | None) -> str | None:
            return None if ref is None else secret(ref, environment).value

        self._auth = auth
        self._store = store
        self._timeout = timeout
        self._id, self._secret = value(auth.client_id), value(auth.client_secret)
        self._first = value(auth.refresh_token)
        client = listed(auth.client_id, auth.client_secret)
        self._endpoint = Endpoint("token endpoint", auth.token_url, auth.place, client, listed(auth.refresh_token))

    @property
    def identity(self) -> tuple[object, ...]:
        """All that decides which token comes."""
        auth = self._auth
        asked = (auth.grant, auth.token_url, sorted(auth.scopes), sorted(auth.params))
        return ("oauth2", *asked, self._id, self._secret, self._first, str(self._store))

    def fetch(self, ask: Ask, now: datetime) -> Token:
        if self._auth.grant == "refresh_token" and self._first:
            return self._refreshed(ask, now, self._first)
        answer = ask(form_call(self._endpoint, self._form(), self._timeout, self._basic()), True)
        return token_of(self._endpoint, granted(self._endpoint, answer), now)

    def _refreshed(self, ask: Ask, now: datetime, first: str) -> Token:
        """By the newest refresh token, under the lock of its file from reading it to keeping the one that follows."""
        key = hashlib.sha256("\0".join([self._auth.token_url, self._id or "", first]).encode()).hexdigest()
        with held(self._store, str(self._auth.place)) as kept:
            newest = kept.newest(key) or first
            form = self._form() | {"refresh_token": Secret("refresh token", newest, "lately").value}
            given = granted(self._endpoint, ask(form_call(self._endpoint, form, self._timeout, self._basic()), True))
            rotated = given.get("refresh_token")
            if isinstance(rotated, str) and rotated and rotated != newest:
                kept.keep(key, Secret("refresh token", rotated, "lately").value, now)
        return token_of(self._endpoint, given, now)

    def _form(self) -> dict[str, str]:
        auth = self._auth
        form = {"grant_type": auth.grant}
        if auth.client_in == "form":
            known = {"client_id": self._id, "client_secret": self._secret}
            form |= {name: value for name, value in known.items() if value is not None}
        if self._first:
            form["refresh_token"] = self._first
        if auth.scopes:
            form["scope"] = " ".join(auth.scopes)
        return form | dict(auth.params)

    def _basic(self) -> tuple[Credential, ...]:
        if self._auth.client_in != "basic":
            return ()
        # RFC 6749, 2.3.1: each encoded as in a form before HTTP's Basic puts them together.
        user, password = quote_plus(self._id or ""), quote_plus(self._secret or "")
        return (basic_credential(self._endpoint.client, user, password),)
