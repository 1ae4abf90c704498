"""What Google answers, as errors that say what to do. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from levada.errors import ApiRefused, FixThis
from levada.secret import redact

__all__ = ["Misplaced", "Said", "refused", "said"]

_WEB = "https://docs.google.com/spreadsheets/d/"


class Misplaced(FixThis):
    """What was to be written has no place: the worksheet may be another than when it was read."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer that is an error says."""

    status: int
    #: Its message, secrets left out.
    message: str


def said(status: int, body: Any) -> Said:
    """What the JSON of an error says: Google's envelope, or that of a token endpoint (RFC 6749, 5.2)."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return Said(status, _short(error.get("message")))
    if isinstance(error, str):
        return Said(status, _short(": ".join(str(part) for part in (error, body.get("error_description")) if part)))
    return Said(status, "")


def _short(text: Any) -> str:
    return redact(str(text or "")).strip()[:300].rstrip(".")


def refused(told: Said, email: str, where: str) -> FixThis:
    """The error for an answer that asking again would not change.

    Args:
        told: The answer.
        email: Of the service account.
        where: Which spreadsheet and worksheet.
    """
    kind = Misplaced if told.status == 400 else ApiRefused  # noqa: PLR2004 - Bad Request
    what, todo = _KNOWN.get(told.status, _other)(told, email)
    return kind(what, where=where, todo=todo)


def _bad(told: Said, _: str) -> tuple[str, str]:
    todo = "look at the worksheet: it may be protected, or not be a grid"
    return f"Google Sheets cannot do what was asked: {told.message}.", todo


def _unknown(told: Said, email: str) -> tuple[str, str]:
    todo = f"make a new key for {email}, and name its file (docs/sheets.md)"
    return f"Google Sheets does not take the account's token: {told.message}.", todo


def _forbidden(told: Said, email: str) -> tuple[str, str]:
    if "has not been used" in told.message or "disabled" in told.message:
        todo = "enable the Google Sheets API in the account's project: https://console.cloud.google.com/apis/library"
        return f"Google Sheets is not enabled for the account: {told.message}.", todo
    todo = f"share the spreadsheet with {email} as an editor"
    return f"The account may not write to the spreadsheet: {told.message}.", todo


def _lost(_: Said, __: str) -> tuple[str, str]:
    todo = f"take the id from its address, {_WEB}ID/edit"
    return "There is no spreadsheet with this id.", todo


def _other(told: Said, _: str) -> tuple[str, str]:
    message = f": {told.message}" if told.message else ""
    return f"Google Sheets answers with status {told.status}{message}.", "see what the address leads to"


_KNOWN: dict[int, Callable[[Said, str], tuple[str, str]]] = {
    400: _bad,
    401: _unknown,
    403: _forbidden,
    404: _lost,
}
