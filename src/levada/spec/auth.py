"""How a source is told who asks: one noun a scheme, the names of secrets inside, never their values."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from levada.nouns import Place

__all__ = [
    "ApiKey",
    "Auth",
    "AuthClass",
    "Basic",
    "Bearer",
    "Jwt",
    "Login",
    "OAuth2",
    "SecretRef",
    "SigV4",
]


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret comes from: the variables to try, in order."""

    names: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key sent with every request: `{header: X-Key, key: ...}`, `{query: api_key, ...}`, `{cookie: session, ...}`."""

    carrier: Literal["header", "query", "cookie"]
    name: str
    key: SecretRef
    place: Place


@dataclass(frozen=True, slots=True)
class Bearer:
    """`Authorization: Bearer <token>` (RFC 6750)."""

    token: SecretRef
    place: Place


@dataclass(frozen=True, slots=True)
class Basic:
    """`Authorization: Basic` (RFC 7617), UTF-8."""

    user: SecretRef
    password: SecretRef
    place: Place


@dataclass(frozen=True, slots=True)
class OAuth2:
    """A token from a token endpoint (RFC 6749): by client credentials, or by a refresh token that may rotate."""

    grant: str
    #: Absolute http(s) URL. The credentials below go to its origin, the token to the source's.
    token_url: str
    place: Place
    client_id: SecretRef | None = None
    client_secret: SecretRef | None = None
    refresh_token: SecretRef | None = None
    scopes: tuple[str, ...] = ()
    #: How the client is told: in the form, or by the Basic header.
    client_in: Literal["form", "basic"] = "form"
    #: More fields of the form.
    params: tuple[tuple[str, str], ...] = ()
    #: Absolute path of the file, mode 0600, that keeps rotated tokens; None: beside the spec, `.levada-tokens.json`.
    store: str | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """A session token from a log-in call, sent with every request."""

    #: Path below the source's url, or an absolute URL.
    path: str
    place: Place
    method: Literal["GET", "POST"] = "POST"
    #: Sent as JSON, or as a form; secrets are named, other values as they are.
    send_as: Literal["json", "form"] = "json"
    send: tuple[tuple[str, SecretRef | str | int | float | bool | None], ...] = ()
    #: User and password for a Basic header of the log-in call.
    basic: Basic | None = None
    #: Where the token is in the answer: a JSONPath, or the name of a header.
    token: str | None = None
    token_header: str | None = None
    #: JSONPath of its life in seconds, or None.
    expires_in: str | None = None
    #: Seconds it lives where the answer does not say; None: until a 401.
    lives: float | None = None
    #: How it is sent.
    carrier: Literal["header", "query", "cookie"] = "header"
    name: str = "Authorization"
    prefix: str = "Bearer "


@dataclass(frozen=True, slots=True)
class Jwt:
    """A signed token (RFC 7519): sent as a bearer, or traded for an access token at `token_url` (RFC 7523)."""

    #: A PEM private key, or the shared secret of HS algorithms.
    key: SecretRef
    algorithm: str
    place: Place
    #: Claims as they are; iat, exp and jti are added.
    claims: tuple[tuple[str, Any], ...] = ()
    #: More fields of the token's own header, such as kid.
    header: tuple[tuple[str, str], ...] = ()
    #: Seconds.
    lives: float = 300.0
    token_url: str | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SigV4:
    """AWS Signature Version 4 in headers."""

    service: str
    region: str
    access_key: SecretRef
    secret_key: SecretRef
    place: Place
    session_token: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class AuthClass:
    """Authentication by the user's own code: `module:name`, see source/auth/own.py."""

    name: str
    place: Place
    #: What the class is made with: secrets by name.
    secrets: tuple[tuple[str, SecretRef], ...] = ()


Auth: TypeAlias = ApiKey | Bearer | Basic | OAuth2 | Login | Jwt | SigV4 | AuthClass
