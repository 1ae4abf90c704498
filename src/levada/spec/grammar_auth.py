"""The part of the language that says who asks: one scheme a source, secrets by the names of their variables."""

from pathlib import Path
from typing import Any

from levada.spec.auth import ApiKey, Auth, AuthClass, Basic, Bearer, Jwt, Login, OAuth2, SigV4
from levada.spec.engine import Each, Free, Given, Key, Named, Section
from levada.spec.rules_auth import AUTH_RULES, JWT_RULES, LOGIN_RULES, OAUTH_RULES
from levada.spec.values import choice, class_name, constant, duration, json_path, text
from levada.spec.values_web import (
    answer_header,
    body_name,
    cookie_name,
    param,
    secret,
    sent,
    sent_name,
    token,
    token_url,
)

__all__ = ["AUTH"]

_ALGORITHMS = (
    *("HS256", "HS384", "HS512", "RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"),
)


def _having(given: Given, *pairs: str) -> dict[str, Any]:
    """The values of a section with its place; mappings under `pairs` as pairs."""
    found = {key: tuple(given.values[key].items()) for key in pairs if key in given.values}
    return {**given.values, **found, "place": given.place}


BASIC = Section(
    "basic",
    "User and password, sent as HTTP's Basic (RFC 7617).",
    (
        Key("user", secret, "the variable that holds the user", required=True, example='user: "${API_USER}"'),
        Key(
            "password",
            secret,
            "the variable that holds the password",
            required=True,
            example='password: "${API_PASSWORD}"',
        ),
    ),
    lambda given: Basic(**_having(given)),
    around='user: "${U}", password: "${P}"',
)


def _oauth2(given: Given) -> OAuth2:
    found = _having(given, "params")
    if "store" in found:
        found["store"] = str((Path(given.place.file).parent / found["store"]).absolute())
    return OAuth2(**found)


OAUTH2 = Section(
    "oauth2",
    "An access token from a token endpoint (RFC 6749), fetched early and anew, by one request for all.",
    (
        Key(
            "grant",
            text(),
            "`client_credentials`, `refresh_token`, or what the token endpoint calls it",
            required=True,
            example="grant: client_credentials",
        ),
        Key(
            "token_url",
            token_url,
            "the token endpoint; the client's credentials go to its origin alone",
            required=True,
            example="token_url: https://id.example.com/oauth/token",
        ),
        Key("client_id", secret, "the variable that holds the client's id", "none", example='client_id: "${ID}"'),
        Key("client_secret", secret, "the variable that holds its secret", "none", example='client_secret: "${S}"'),
        Key(
            "refresh_token",
            secret,
            "the variable that holds the first refresh token; later ones are kept in `store`",
            "none",
            example='grant: refresh_token, refresh_token: "${REFRESH}"',
        ),
        Key("scopes", Each(text()), "what is asked for", "none", example="scopes: [read, list]"),
        Key(
            "client_in",
            choice("form", "basic"),
            "how the client is told: in the `form`, or by HTTP's `basic`",
            "form",
            example="client_in: basic",
        ),
        Key(
            "params",
            Named(text(), body_name, "parameter"),
            "more fields of the form; no secrets",
            "none",
            example="params: {account_id: a1}",
        ),
        Key(
            "store",
            text(),
            "the file, mode 0600, that keeps rotated tokens; relative to the spec's folder",
            "`.levada-tokens.json` beside the spec",
            example="store: tokens.json",
        ),
    ),
    _oauth2,
    rules=OAUTH_RULES,
    around="grant: client_credentials, token_url: https://id.example.com/token,"
    ' client_id: "${I}", client_secret: "${S}"',
)

_SENT = Named(sent, sent_name, "value")


def _login(given: Given) -> Login:
    found = _having(given)
    for form in ("json", "form"):
        if form in found:
            found |= {"send_as": form, "send": tuple(found.pop(form).items())}
    for carrier in ("header", "query", "cookie"):
        if carrier in found:
            found |= {"carrier": carrier, "name": found.pop(carrier)}
    if found.get("carrier", "header") != "header" or found.get("name", "Authorization").lower() != "authorization":
        found.setdefault("prefix", "")
    return Login(**found)


LOGIN = Section(
    "login",
    "A session token from a log-in call, sent with every request; asked for anew when it ends, or once on a 401.",
    (
        Key(
            "path",
            text(),
            "the log-in call: below the source's url, or an absolute URL",
            required=True,
            example="path: /auth/login",
        ),
        Key("method", choice("GET", "POST"), "how it is asked", "POST", example="method: GET"),
        Key(
            "json",
            _SENT,
            "what is sent, as JSON; secrets as variables",
            "none",
            example='json: {username: "${API_USER}", password: "${API_PASSWORD}", expiresInMins: 30}',
        ),
        Key("form", _SENT, "what is sent, as a form", "none", example='form: {user: "${U}", password: "${P}"}'),
        Key(
            "basic",
            BASIC,
            "user and password of the log-in call's own header",
            "none",
            example='basic: {user: "${U}", password: "${P}"}',
        ),
        Key("token", json_path, "where the token is in the answer's body", "none", example="token: $.accessToken"),
        Key(
            "token_header",
            answer_header,
            "the answer's header that is the token, instead",
            "none",
            example="token_header: X-Token",
        ),
        Key(
            "expires_in",
            json_path,
            "where the answer says for how many seconds it lives",
            "none",
            example="expires_in: $.expiresIn",
        ),
        Key(
            "lives",
            duration(),
            "how long it lives where the answer does not say",
            "until a 401",
            example="lives: 30m",
        ),
        Key("header", token, "the header that carries the token", "Authorization", example="header: X-Session"),
        Key("query", param, "the query parameter that carries it, instead", "none", example="query: session"),
        Key("cookie", cookie_name, "the cookie that carries it, instead", "none", example="cookie: session"),
        Key(
            "prefix",
            text(),
            "what stands before the token",
            "`Bearer ` in Authorization, else nothing",
            example='prefix: "Token "',
        ),
    ),
    _login,
    rules=LOGIN_RULES,
    around="path: /login, token: $.token",
)

JWT = Section(
    "jwt",
    "A token signed here (RFC 7519): sent as a bearer, or traded for an access token at `token_url` (RFC 7523).",
    (
        Key(
            "key",
            secret,
            "the variable that holds the private key (PEM), or the shared secret of HS algorithms",
            required=True,
            example='key: "${PRIVATE_KEY}"',
        ),
        Key(
            "algorithm",
            choice(*_ALGORITHMS),
            f"how it is signed: {', '.join(_ALGORITHMS)}",
            required=True,
            example="algorithm: ES256",
        ),
        Key(
            "claims",
            Free(constant, mapping=True),
            "what the token says; iat, exp and jti are added",
            "none",
            example="claims: {iss: levada, admin: false}",
        ),
        Key(
            "header",
            Named(text(), body_name, "field"),
            "more fields of the token's own header",
            "none",
            example="header: {kid: key-1}",
        ),
        Key("lives", duration(), "how long each token is good for", "5m", example="lives: 10m"),
        Key(
            "token_url",
            token_url,
            "the token endpoint that gives an access token for it",
            "none",
            example="token_url: https://id.example.com/token",
        ),
        Key(
            "scopes",
            Each(text()),
            "what is asked for at `token_url`",
            "none",
            example="token_url: https://id.example.com/token, scopes: [read]",
        ),
    ),
    lambda given: Jwt(**_having(given, "claims", "header")),
    rules=JWT_RULES,
    around='key: "${K}", algorithm: RS256',
)

SIGV4 = Section(
    "sigv4",
    "AWS Signature Version 4, in headers.",
    (
        Key("service", text(), "the service that is asked", required=True, example="service: execute-api"),
        Key("region", text(), "its region", required=True, example="region: eu-west-1"),
        Key(
            "access_key",
            secret,
            "the variable that holds the access key's id",
            required=True,
            example='access_key: "${AWS_ACCESS_KEY_ID}"',
        ),
        Key(
            "secret_key",
            secret,
            "the variable that holds its secret",
            required=True,
            example='secret_key: "${AWS_SECRET_ACCESS_KEY}"',
        ),
        Key(
            "session_token",
            secret,
            "the variable that holds the token of a temporary key",
            "none",
            example='session_token: "${AWS_SESSION_TOKEN}"',
        ),
    ),
    lambda given: SigV4(**_having(given)),
    around='service: s3, region: us-east-1, access_key: "${A}", secret_key: "${S}"',
)


def _auth(given: Given) -> Auth:
    """The noun of the one scheme that is given."""
    found = given.values
    for carrier in ("header", "query", "cookie"):
        if carrier in found:
            return ApiKey(carrier, found[carrier], found["key"], given.place)
    if "bearer" in found:
        return Bearer(found["bearer"], given.place)
    if "class" in found:
        return AuthClass(found["class"], given.place, tuple(found.get("secrets", {}).items()))
    scheme: Auth = next(found[name] for name in ("basic", "oauth2", "login", "jwt", "sigv4") if name in found)
    return scheme


AUTH = Section(
    "auth",
    "How the API knows who asks, one scheme. Credentials go to the origin of `url` and nowhere else.",
    (
        Key("header", token, "the request header that carries `key`", "none", example='header: X-Key, key: "${KEY}"'),
        Key(
            "query",
            param,
            "the query parameter that carries `key`; never shown",
            "none",
            example='query: api_key, key: "${KEY}"',
        ),
        Key("cookie", cookie_name, "the cookie that carries `key`", "none", example='cookie: session, key: "${KEY}"'),
        Key(
            "key",
            secret,
            "the variable that holds the key, never the key itself",
            "none",
            example='key: "${AUTH_TOKEN:-${API_AUTH_TOKEN}}", header: Authorization',
        ),
        Key(
            "bearer",
            secret,
            "the variable that holds the token of `Authorization: Bearer`",
            "none",
            example='bearer: "${TOKEN}"',
        ),
        Key("basic", BASIC, "user and password", "none", example='basic: {user: "${U}", password: "${P}"}'),
        Key(
            "oauth2",
            OAUTH2,
            "a token from a token endpoint",
            "none",
            example="oauth2: {grant: client_credentials, token_url: https://id.example.com/token,"
            ' client_id: "${I}", client_secret: "${S}"}',
        ),
        Key(
            "login",
            LOGIN,
            "a session token from a log-in call",
            "none",
            example='login: {path: /login, json: {user: "${U}", password: "${P}"}, token: $.token}',
        ),
        Key("jwt", JWT, "a token signed here", "none", example='jwt: {key: "${PEM}", algorithm: RS256}'),
        Key(
            "sigv4",
            SIGV4,
            "AWS Signature Version 4",
            "none",
            example='sigv4: {service: execute-api, region: us-east-1, access_key: "${A}", secret_key: "${S}"}',
        ),
        Key(
            "class",
            class_name,
            "`module:name` of your own code",
            "none",
            example="class: mymodule:Signer",
        ),
        Key(
            "secrets",
            Named(secret, lambda _name, _node: None, "secret"),
            "what `class` is made with, by name",
            "none",
            example='secrets: {key: "${KEY}"}, class: mymodule:Signer',
        ),
    ),
    _auth,
    rules=AUTH_RULES,
)
