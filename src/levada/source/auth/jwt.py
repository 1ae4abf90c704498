"""A token signed here (RFC 7519): sent as a bearer, or traded for an access token at a token endpoint (RFC 7523)."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from warnings import catch_warnings, simplefilter

from levada.errors import FixThis
from levada.extras import require
from levada.secret import Secret, remember
from levada.source.auth.endpoint import Endpoint, form_call, granted, token_of
from levada.source.auth.names import listed
from levada.source.auth.oauth2 import as_bearer
from levada.source.auth.signer import Ask
from levada.source.auth.token import Token, TokenSigner, shared
from levada.spec.auth import Jwt, SecretRef
from levada.spec.bind import secret

__all__ = ["jwt"]

#: RFC 7523, 2.1.
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: Characters of a line of a private key from which on it is secret by itself.
_LINE = 16


def jwt(auth: Jwt, environment: Mapping[str, str], timeout: float) -> TokenSigner:
    r"""A signer with a token that is signed here, or was traded for one that is.

    Args:
        auth: What the token says, and who signs it how.
        environment: Where the key is; a PEM's line breaks may be written as the two characters `\n`.
        timeout: Seconds for one exchange.

    Raises:
        FixThis: the key is not set, or the libraries are missing.
    """
    libraries = ["jwt"] if auth.algorithm.startswith("HS") else ["jwt", "cryptography"]
    require("jwt", f"Tokens signed here (auth: jwt, {auth.place})", libraries)
    key = _key(auth.key, environment)
    said = (auth.claims, auth.header, auth.lives, auth.token_url, auth.scopes)
    place = shared("jwt", auth.algorithm, *said, key.value)
    return TokenSigner(place, _Maker(auth, key, timeout).fetch, as_bearer)


def _key(ref: SecretRef, environment: Mapping[str, str]) -> Secret:
    """The key; unlike other secrets it may have lines."""
    name = next((name for name in ref.names if environment.get(name)), None)
    if name is None or "-----BEGIN" not in environment[name]:
        return secret(ref, environment)
    value = environment[name].replace("\\n", "\n").strip() + "\n"
    for line in value.split("\n"):
        if len(line) >= _LINE and not line.startswith("-----"):
            remember(line)
    return Secret(name, value)


class _Maker:
    """Signs tokens; trades them where the spec says so."""

    def __init__(self, auth: Jwt, key: Secret, timeout: float) -> None:
        self._auth = auth
        self._key = key
        self._timeout = timeout

    def fetch(self, ask: Ask, now: datetime) -> Token:
        signed = Secret("signed token", self._signed(now), "lately")
        if self._auth.token_url is None:
            return Token(signed, now, self._auth.lives)
        endpoint = Endpoint("token endpoint", self._auth.token_url, self._auth.place, "", listed(self._auth.key))
        form = {"grant_type": GRANT, "assertion": signed.value}
        answer = ask(form_call(endpoint, form, self._timeout), True)
        return token_of(endpoint, granted(endpoint, answer), now)

    def _signed(self, now: datetime) -> str:
        from jwt import PyJWTError, encode
        from jwt.warnings import InsecureKeyLengthWarning

        auth = self._auth
        try:
            with catch_warnings():
                # How long the shared secret is, is the API's choice; whoever runs the spec cannot mend it.
                simplefilter("ignore", InsecureKeyLengthWarning)
                return encode(self._claims(now), self._key.value, algorithm=auth.algorithm, headers=dict(auth.header))
        except (PyJWTError, ValueError, TypeError, NotImplementedError):
            what = f"The value of {self._key.name} is no key with which {auth.algorithm} can sign."
            todo = f"Set {self._key.name} to the private key as PEM (for HS algorithms, to the shared secret)."
            raise FixThis(what, where=str(auth.key.place), todo=todo) from None

    def _claims(self, now: datetime) -> dict[str, Any]:
        auth, issued = self._auth, int(now.timestamp())
        ours = {"iat": issued, "exp": issued + int(auth.lives), "jti": secrets.token_hex(16)}
        scope = {"scope": " ".join(auth.scopes)} if auth.scopes else {}
        return {**ours, **scope, **dict(auth.claims)}
