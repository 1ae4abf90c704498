"""The service account that writes, and where it may send what it knows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from levada.errors import FixThis
from levada.secret import remember

__all__ = ["CREDENTIALS", "URL", "Account", "account_in"]

#: As Google's own libraries have it, though they take a path only.
CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
#: Where Google Sheets is, for those who reach it by a way of their own.
URL = "LEVADA_SHEETS_URL"
_GOOGLE = "https://sheets.googleapis.com"
_NEEDED = ("client_email", "private_key", "token_uri")
#: Characters of a line of a private key from which on it is secret by itself.
_LINE = 16
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Account:
    """A service account."""

    email: str
    #: What its credentials file holds.
    info: Mapping[str, str] = field(repr=False)
    #: Scheme, host and port of Google Sheets; nothing is sent anywhere else but to the account's `token_uri`.
    url: str
    #: The variable that it came from.
    name: str


def account_in(environment: Mapping[str, str], names: Sequence[str] = (CREDENTIALS,)) -> Account:
    """The account that the first of these variables names that is set: JSON, or the path of a file with it.

    Google Sheets is at LEVADA_SHEETS_URL; without that at Google's address, or where the account's `token_uri` is, if
    that is not Google's: so the simulator is reached by its credentials alone.

    Raises:
        FixThis: none is set, it holds no key of a service account, or would be sent where it must not be.
    """
    name = next((name for name in names if environment.get(name, "").strip()), None)
    if name is None:
        todo = f"set {names[0]} to the path of the account's JSON file, or to the JSON itself (docs/sheets.md)"
        raise FixThis("There are no credentials for Google Sheets.", where=f"${names[0]}", todo=todo)
    info = _info(_text(environment[name].strip(), name), name)
    for line in info["private_key"].split("\n"):
        if len(line) >= _LINE and not line.startswith("-----"):
            remember(line)
    remember(info.get("private_key_id", ""))
    return Account(info["client_email"], info, _url(info["token_uri"], environment, name), name)


def _text(value: str, name: str) -> str:
    """The JSON that the variable holds, or whose file it names."""
    if value.startswith("{"):
        return value
    try:
        return Path(value).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        todo = f"set {name} to the path of the account's JSON file, or to the JSON itself"
        raise FixThis(
            f"The credentials for Google Sheets cannot be read: {why}.", where=f"${name}", todo=todo
        ) from None


def _info(text: str, name: str) -> Mapping[str, str]:
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    todo = "download a JSON key of a service account (docs/sheets.md says how) and name that file"
    if not isinstance(told, dict):
        raise FixThis("The credentials for Google Sheets are no JSON.", where=f"${name}", todo=todo)
    if told.get("type") != "service_account":
        raise FixThis("The credentials are not those of a service account.", where=f"${name}", todo=todo)
    missing = [key for key in _NEEDED if not isinstance(told.get(key), str) or not told[key]]
    if missing:
        raise FixThis(f"The credentials have no {' and no '.join(missing)}.", where=f"${name}", todo=todo)
    return {key: value for key, value in told.items() if isinstance(value, str)}


def _url(token_uri: str, environment: Mapping[str, str], name: str) -> str:
    token = _safe(token_uri, f"token_uri in ${name}")
    own = environment.get(URL, "").strip()
    if not own:
        return _GOOGLE if _is_google(token) else _origin(token)
    given = _safe(own, f"${URL}")
    if _origin(given) != _origin(token) and not (_is_google(given) and _is_google(token)):
        raise FixThis(
            f"A token of {token.hostname} would be sent to {given.hostname}.",
            where=f"${URL}",
            todo=f"unset {URL}, or take credentials whose token_uri is there too",
        )
    return _origin(given)


def _safe(url: str, where: str) -> SplitResult:
    """The parts of a URL that a secret may be sent to."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if not host or parts.scheme not in _PORTS:
        raise FixThis("The address is no URL.", where=where, todo="give one such as https://sheets.googleapis.com")
    if parts.scheme == "http" and not _is_here(host):
        raise FixThis("A secret would be sent without encryption.", where=where, todo="give an https:// address")
    return parts


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_google(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    return parts.scheme == "https" and (host == "accounts.google.com" or host.endswith(".googleapis.com"))


def _origin(parts: SplitResult) -> str:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or _PORTS[parts.scheme]}"
