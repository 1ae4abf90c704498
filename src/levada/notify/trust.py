"""Whom a notice may go to: whose certificates count, and what never leaves this machine."""

import ipaddress
import ssl
from collections.abc import Mapping
from pathlib import Path

from levada.errors import FixThis

__all__ = ["authority", "is_loopback", "trust"]

#: Variables that name a file or folder of certificates to trust instead of the machine's; the first that is set.
_NAMES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def trust(environment: Mapping[str, str]) -> ssl.SSLContext:
    """TLS that checks the certificate and the name of the server.

    Raises:
        FixThis: a variable names no certificates.
    """
    name = _in_force(environment)
    if name is None:
        return ssl.create_default_context()
    path = environment[name]
    try:
        if Path(path).is_dir():
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as error:
        what = f"{name} names no certificates: {path} ({error.strerror or error})."
        raise FixThis(what, where=name, todo=f"let {name} name a PEM file, or unset it") from None


def authority(environment: Mapping[str, str]) -> str:
    """The variable to name an authority in: the one that is in force."""
    return _in_force(environment) or _NAMES[-1]


def is_loopback(host: str) -> bool:
    """Whether what goes there never leaves this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".").lower() == "localhost"


def _in_force(environment: Mapping[str, str]) -> str | None:
    return next((name for name in _NAMES if environment.get(name)), None)
