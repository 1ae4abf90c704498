"""What PostgreSQL's client library is told where a URL says nothing, and what a server's word for no means. Pure.

Left to itself libpq waits as long as the system does: two minutes for a host that swallows packets, hours for an
answer that a firewall forgot (https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS).
"""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

__all__ = ["NOT_NOW", "REFUSED", "STATES", "patient", "unconnected"]

#: Seconds to a connection, for each address of a host; a dead one is noticed after 60 + 6 * 10 seconds.
_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "60",
    "keepalives_interval": "10",
    "keepalives_count": "6",
    "tcp_user_timeout": "120000",
    "fallback_application_name": "levada",
}
#: What a server says of a log-in that a person must change; ADBC gives no SQLSTATE for a connection.
REFUSED = (
    "password authentication",
    "authentication failed",
    "no password supplied",
    "does not exist",
    "pg_hba.conf",
    "permission denied",
    "is not permitted to log in",
    "invalid connection option",
    'missing "="',
)
#: What passes by itself: SQLSTATE -> what is wrong, what to do.
STATES = {
    "53300": (
        "The database has no connection to give",
        "run again when others have left; work fewer at once, or raise max_connections",
    ),
    "57P03": ("The database takes nobody now", "run again when it is up"),
    "25006": (
        "The database takes no changes",
        "run again when it does; a standby never will: name the primary in the URL",
    ),
    "53100": ("The disk of the database is full", "make room there, and run again"),
    "55P03": ("Another session held what was to be changed", "run again when it has ended"),
}
#: How a server says the first two when it refuses a connection.
NOT_NOW = {
    "too many clients": "53300",
    "too many connections": "53300",
    "connection slots are reserved": "53300",
    "the database system is": "57P03",
}


def patient(url: str) -> str:
    """The URL with what it leaves out of time limits; what it says itself stays as it is."""
    parts = urlsplit(url)
    said = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    more = urlencode({name: value for name, value in _PATIENCE.items() if name not in said})
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, more)))))


def unconnected(said: str) -> str | None:
    """The SQLSTATE of what a server says that gives no connection now; None where it says something else."""
    return next((state for words, state in NOT_NOW.items() if words in said), None)
