"""The service account of the simulated Google Sheets: its key, its credentials file, and the tokens that it is given.

As RFC 7523 has it: a JWT signed by the account's key (RS256) is traded for a bearer token. The signature is checked
against the public key with `cryptography` alone, so that a client's mistakes are not repeated here. Known from
google-auth 2.62: the form that is posted, and that `aud` is Google's own token endpoint whatever `token_uri` says.
Guessed: the texts of `error_description`.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

__all__ = ["EMAIL", "Account"]

EMAIL: Final = "levada@levada-sheets.iam.gserviceaccount.com"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_AUDIENCE: Final = "https://oauth2.googleapis.com/token"
#: Scopes that may write to a sheet.
_SCOPES: Final = {"https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive"}
#: An assertion may be good for an hour, and clocks may differ by some minutes.
_LONGEST: Final = 3600
_SKEW: Final = 300


class _Bad(Exception):
    """Why no token is given: error and error_description."""


class Account:
    """One service account and the tokens that it was given. It lives in one event loop.

    Args:
        lives: Seconds for which a token is good.
    """

    def __init__(self, lives: float = 3600) -> None:
        self._key = generate_private_key(public_exponent=65537, key_size=2048)
        self._key_id = secrets.token_hex(20)
        self._lives = lives
        self._tokens: dict[str, float] = {}

    def credentials(self, url: str) -> dict[str, str]:
        """What a credentials file holds, its `token_uri` at `url` (scheme, host and port)."""
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return {
            "type": "service_account",
            "project_id": "levada-sheets",
            "private_key_id": self._key_id,
            "private_key": pem.decode("ascii"),
            "client_email": EMAIL,
            "client_id": "100000000000000000000",
            "token_uri": f"{url}/token",
        }

    def knows(self, authorization: str, now: float) -> bool:
        """Whether the value of a header Authorization holds a token that is still good; `now` in seconds."""
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and self._tokens.get(token, 0.0) > now

    def forget(self) -> None:
        """No token is good any more."""
        self._tokens.clear()

    def trade(self, form: bytes, place: str, now: float) -> tuple[int, dict[str, Any]]:
        """Status and JSON of the answer of the token endpoint at `place` to a posted form; `now` in Unix seconds."""
        try:
            self._check(form, place, now)
        except _Bad as bad:
            error, why = bad.args
            return 400, {"error": error, "error_description": why}
        token = f"ya29.{secrets.token_urlsafe(48)}"
        self._tokens[token] = now + self._lives
        return 200, {"access_token": token, "expires_in": int(self._lives), "token_type": "Bearer"}

    def _check(self, form: bytes, place: str, now: float) -> None:
        fields = {name: values[0] for name, values in parse_qs(form.decode("latin-1")).items()}
        if fields.get("grant_type") != _GRANT:
            raise _Bad("unsupported_grant_type", "Invalid grant_type.")
        header, claims = self._opened(fields.get("assertion", ""))
        if header.get("alg") != "RS256" or header.get("kid", self._key_id) != self._key_id:
            raise _Bad("invalid_grant", "Invalid JWT: its key or its algorithm is not the account's.")
        if claims.get("iss") != EMAIL:
            raise _Bad("invalid_grant", "Invalid grant: account not found")
        if claims.get("aud") not in (_AUDIENCE, place):
            raise _Bad("invalid_grant", "Invalid JWT: its audience is another.")
        if not _is_timely(claims, now):
            raise _Bad("invalid_grant", "Invalid JWT: iat and exp must lie around now, an hour apart at most.")
        if not _SCOPES & set(str(claims.get("scope", "")).split()):
            raise _Bad("invalid_scope", "Invalid OAuth scope or ID token audience provided.")

    def _opened(self, assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        parts = assertion.split(".")
        try:
            header, claims = (json.loads(_bytes(part)) for part in parts[:2])
            signed = f"{parts[0]}.{parts[1]}".encode("ascii")
            self._key.public_key().verify(_bytes(".".join(parts[2:])), signed, PKCS1v15(), SHA256())
        except InvalidSignature:
            raise _Bad("invalid_grant", "Invalid JWT Signature.") from None
        except (ValueError, binascii.Error):
            raise _Bad("invalid_grant", "Bad Request: the assertion is no JWT.") from None
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise _Bad("invalid_grant", "Bad Request: the assertion is no JWT.")
        return header, claims


def _bytes(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _is_timely(claims: Mapping[str, Any], now: float) -> bool:
    issued, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(ends, int):
        return False
    return issued - _SKEW <= now <= ends + _SKEW and ends - issued <= _LONGEST
