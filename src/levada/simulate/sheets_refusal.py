"""What the simulated Google Sheets refuses, in the envelope of Google's JSON errors.

The shape is https://cloud.google.com/apis/design/errors; statuses and the beginnings of the texts are as clients of the
real service quote them.
"""

from typing import Any, Final

__all__ = [
    "Refused",
    "forbidden",
    "invalid",
    "not_found",
    "outside",
    "too_many",
    "unauthenticated",
]

_NAMES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
}


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        return {"error": {"code": self.status, "message": self.message, "status": _NAMES[self.status]}}


def invalid(message: str) -> Refused:
    """400: what was asked for cannot be done."""
    return Refused(400, message)


def outside(where: str, rows: int, columns: int) -> Refused:
    """400: cells that the worksheet does not have."""
    return invalid(f"Range ({where}) exceeds grid limits. Max rows: {rows}, max columns: {columns}")


def unauthenticated() -> Refused:
    """401: no token, one that is not known, or one that is too old."""
    return Refused(401, "Request had invalid authentication credentials. Expected an OAuth 2 access token.")


def forbidden() -> Refused:
    """403: the spreadsheet is not shared with the account."""
    return Refused(403, "The caller does not have permission")


def not_found() -> Refused:
    """404: there is no such spreadsheet."""
    return Refused(404, "Requested entity was not found.")


def too_many(what: str) -> Refused:
    """429: more requests than a minute has room for; `what` is Read or Write."""
    return Refused(
        429,
        f"Quota exceeded for quota metric '{what} requests' and limit '{what} requests per minute per user' of "
        "service 'sheets.googleapis.com'.",
    )
