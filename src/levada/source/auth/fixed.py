"""Credentials that stay as they are: API keys, bearer tokens, user and password. Asks for nothing."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from levada.edges import Call, Credential
from levada.errors import FixThis
from levada.secret import Secret
from levada.source.auth.names import listed
from levada.source.auth.signer import Ask
from levada.spec.auth import ApiKey, Basic, Bearer
from levada.spec.bind import secret

__all__ = ["Fixed", "api_key", "basic", "basic_credential", "bearer", "cookie_safe"]

#: What ends a cookie's value or splits it (RFC 6265, 4.1.1); quotes are common and do no harm.
_NO_COOKIE = re.compile(r"[;,\s]")


@dataclass(frozen=True, slots=True)
class Fixed:
    """A Signer that adds the same credentials to each call, or none."""

    credentials: tuple[Credential, ...] = ()

    def ready(self, ask: Ask, now: datetime) -> None:
        """There is nothing to fetch."""

    def sign(self, call: Call, now: datetime) -> Call:  # noqa: ARG002 - the protocol's
        """`call` with the credentials."""
        return replace(call, credentials=(*call.credentials, *self.credentials))

    def refused(self, call: Call | None = None) -> bool:  # noqa: ARG002 - the protocol's
        """Nothing new can be had."""
        return False


def api_key(auth: ApiKey, environment: Mapping[str, str]) -> Fixed:
    """A key in a header, query parameter or cookie.

    Raises:
        FixThis: it is not set, or no cookie can carry it.
    """
    key = secret(auth.key, environment)
    if auth.carrier == "cookie":
        cookie_safe(key.value, str(auth.key.place), listed(auth.key))
    return Fixed((Credential(auth.carrier, auth.name, key),))


def cookie_safe(value: str, where: str, names: str) -> None:
    """Do nothing if a cookie can carry `value`.

    Raises:
        FixThis: it holds a blank, comma or semicolon.
    """
    if _NO_COOKIE.search(value):
        what = f"The value of {names} holds a blank, comma or semicolon, which no cookie can carry (RFC 6265)."
        raise FixThis(what, where=where, todo=f"Set {names} to the cookie's value alone, percent-encoded if need be.")


def bearer(auth: Bearer, environment: Mapping[str, str]) -> Fixed:
    """A token as `Authorization: Bearer` (RFC 6750).

    Raises:
        FixThis: it is not set.
    """
    token = secret(auth.token, environment)
    return Fixed((Credential("header", "Authorization", Secret(token.name, f"Bearer {token.value}")),))


def basic(auth: Basic, environment: Mapping[str, str]) -> Fixed:
    """User and password as `Authorization: Basic` (RFC 7617), in UTF-8.

    Raises:
        FixThis: one is not set, or the user holds a colon.
    """
    user, password = secret(auth.user, environment), secret(auth.password, environment)
    if ":" in user.value:
        what = f"The value of {user.name} holds a colon, which ends the user in Basic authentication (RFC 7617)."
        raise FixThis(what, where=str(auth.user.place), todo=f"Set {user.name} to the user alone.")
    return Fixed((basic_credential(listed(auth.user, auth.password), user.value, password.value),))


def basic_credential(names: str, user: str, password: str) -> Credential:
    """The header that carries user and password in UTF-8; `names` are their variables."""
    written = base64.b64encode(f"{user}:{password}".encode()).decode()
    Secret(names, written)  # servers repeat it without the word before it
    return Credential("header", "Authorization", Secret(names, f"Basic {written}"))
