"""Whose certificates count: the machine's own, or those that the environment names."""

import ssl
from collections.abc import Mapping
from pathlib import Path

from levada.errors import FixThis

__all__ = ["trust"]

#: Variables that name a file or folder of certificates to trust instead; the first that is set.
_NAMES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def trust(environment: Mapping[str, str]) -> ssl.SSLContext:
    """TLS that checks the certificate and the name of the server.

    Raises:
        FixThis: a variable names no certificates.
    """
    name = next((name for name in _NAMES if environment.get(name)), None)
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
