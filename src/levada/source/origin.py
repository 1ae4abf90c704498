"""The origin of a URL: whom credentials and limits belong to. Pure."""

from urllib.parse import urlsplit

__all__ = ["origin"]

_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> str:
    """Scheme, host and port of `url`, as in "https://host:443" (RFC 6454, 4).

    Raises:
        ValueError: the port is no number, or the host's brackets do not match.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{parts.port or _PORTS.get(parts.scheme, 0)}"
