"""The home of gspread, google-auth and requests: calls of Google Sheets, each waited for as long as it makes sense.

gspread has no setting for the address of the API, so its HTTPClient is given another `request`. It is also given a
session of its own: that of google-auth follows redirects with the token, looks for client certificates, and asks
iamcredentials.googleapis.com about regions in the background. Here a token goes to the account's address alone.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from google.auth.exceptions import GoogleAuthError
from google.oauth2.service_account import Credentials
from gspread.http_client import HTTPClient
from gspread.urls import SPREADSHEETS_API_V4_BASE_URL
from gspread.utils import absolute_range_name
from requests import PreparedRequest, RequestException, Response, Session
from requests.exceptions import SSLError

from levada.edges import Edges
from levada.errors import FixThis, TryLater
from levada.report.sheets.account import Account
from levada.report.sheets.patience import Trouble, Waits, retry_after
from levada.report.sheets.told import refused, said
from levada.secret import redact, remember

__all__ = ["Client", "Doubtful"]

_SCOPES = ("https://www.googleapis.com/auth/spreadsheets",)
_log = logging.getLogger(__name__)
#: Seconds to connect, and between two bytes. Google gives up on its own side after 180.
_TIMEOUT = (10.0, 185.0)
#: Values as numbers and truths, dates as days: how they are shown does not matter.
_READ = {"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "SERIAL_NUMBER"}
_AGAIN = (408, 429, 500, 502, 503, 504)
_OK = 200
_UNKNOWN = 401


class Doubtful(Exception):
    """A change came to nothing, as far as anybody here can tell."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.what)
        self.trouble = trouble


class _Told:
    """An answer as google-auth reads it."""

    def __init__(self, response: Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.data = response.content


class Client(HTTPClient):
    """Google Sheets for one account; `requests` counts what was sent. Not thread-safe.

    Args:
        account: Who asks, and where.
        where: Which spreadsheet and worksheet, for messages.
        edges: Clock and randomness.

    Raises:
        FixThis: the account's key is none.
    """

    def __init__(self, account: Account, where: str, edges: Edges) -> None:
        try:
            made = Credentials.from_service_account_info(dict(account.info), scopes=_SCOPES)  # type: ignore[no-untyped-call]  # google-auth has few types
        except (ValueError, GoogleAuthError):
            todo = "download a new JSON key of the service account (docs/sheets.md)"
            raise FixThis("The credentials hold no private key.", where=f"${account.name}", todo=todo) from None
        super().__init__(made, session=Session())
        self.requests = 0
        self._renewed = False
        self._credentials = made
        self._account = account
        self._where = where
        self._edges = edges
        self._waits = Waits(edges.uniform)
        if account.url.startswith("http:"):  # that is this machine: no proxy has business there
            self.session.trust_env = False

    def everything(self, spreadsheet: str, title: str) -> list[list[Any]]:
        """The values of a worksheet, as `values_get` gives them: numbers and truths, dates as days."""
        found = self.values_get(spreadsheet, absolute_range_name(title), dict(_READ))
        return list(found.get("values", ()))

    def request(self, method: str, endpoint: str, *args: Any, **parts: Any) -> Response:
        """The answer to a request of gspread's, sent to the account's address.

        Raises:
            Doubtful: a change may be done or not.
            FixThis: it is refused.
            TryLater: it was waited enough.
        """
        path = endpoint.removeprefix(SPREADSHEETS_API_V4_BASE_URL)
        url = f"{self._account.url}/v4/spreadsheets{path}"
        if not self._credentials.token:
            self._renew()
        parts |= dict(zip(("params", "data", "json", "files", "headers"), args, strict=False))
        response = self._patiently(method, url, parts)
        if response.status_code == _UNKNOWN and not self._renewed:  # a token may end before its time
            self._renewed = True
            self._renew()
            if method.lower() != "get":
                raise Doubtful(Trouble("The token of the account has ended."))
            response = self._patiently(method, url, parts)
        if response.status_code != _OK:
            raise refused(said(response.status_code, _json(response)), self._account.email, self._where)
        return response

    def wait(self, trouble: Trouble) -> None:
        """Wait after `trouble`.

        Raises:
            TryLater: it was waited enough.
        """
        seconds = self._waits.after(trouble)
        if seconds is None:
            at = self._edges.clock.now() + timedelta(seconds=min(trouble.asked, 86400.0)) if trouble.asked else None
            todo = "run again later: rows that are there already are recognized by their key"
            raise TryLater(trouble.what, where=self._where, todo=todo, at=at)
        _log.warning("%s: %s Again in %.1f s.", self._where, trouble.what, seconds)
        self._edges.clock.pause(seconds)

    def _patiently(self, method: str, url: str, parts: Mapping[str, Any]) -> Response:
        """The first answer that is final.

        A change is not made again, whatever the trouble: how much of it a gateway lets through before it answers with
        an error is its own affair, and what was appended twice is there twice.
        """
        while True:
            outcome = self._once(method, url, {**parts, "auth": self._sign})
            if isinstance(outcome, Response):
                self._waits.ease()
                return outcome
            if method.lower() != "get":
                raise Doubtful(outcome)
            self.wait(outcome)

    def _once(self, method: str, url: str, parts: Mapping[str, Any]) -> Response | Trouble:
        self.requests += 1
        try:
            response = self.session.request(method, url, timeout=_TIMEOUT, allow_redirects=False, **parts)
        except SSLError as error:
            todo = "mend the certificate, or name the one that signed it in REQUESTS_CA_BUNDLE"
            raise FixThis(f"Google Sheets cannot be trusted: {_why(error)}.", where=self._where, todo=todo) from None
        except RequestException as error:
            return Trouble(f"Google Sheets does not answer: {_why(error)}.", silent=True)
        if response.status_code in _AGAIN:
            told = said(response.status_code, _json(response)).message
            asked = retry_after(response.headers.get("Retry-After"), self._edges.clock.now())
            what = f"Google Sheets answers with status {response.status_code}{f': {told}' if told else ''}."
            return Trouble(what, asked)
        if response.status_code == _OK and _json(response) is None:
            return Trouble("Google Sheets answers with something that is no JSON.")
        return response

    def _sign(self, request: PreparedRequest) -> PreparedRequest:
        # As `auth`, so that no .netrc puts another password in its place.
        request.headers["Authorization"] = f"Bearer {self._credentials.token}"
        return request

    def _renew(self) -> None:
        try:
            self._credentials.refresh(self._token)
        except GoogleAuthError as error:
            what = f"No token came for the account: {redact(str(error))[:300]}."
            raise FixThis(what, where=f"token_uri in ${self._account.name}", todo="see what is there") from None
        remember(str(self._credentials.token), lately=True)

    def _token(self, url: str, method: str = "POST", body: Any = None, headers: Any = None, **_: Any) -> _Told:
        """What google-auth asks the token endpoint; a second token does no harm, so it is asked for again."""
        while isinstance(outcome := self._once(method, url, {"data": body, "headers": headers}), Trouble):
            self.wait(outcome)
        if outcome.status_code == _OK:
            self._waits.ease()
            return _Told(outcome)
        told = said(outcome.status_code, _json(outcome))
        what = f"Google gives the account {self._account.email} no token: {told.message or f'status {told.status}'}."
        todo = "see that the account and its key still exist, and that this machine's clock is right"
        raise FixThis(what, where=f"${self._account.name}", todo=todo)


def _json(response: Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _why(error: RequestException) -> str:
    """The end of the chain of causes: what happened, without the names of classes and pools."""
    cause: BaseException = error
    while cause.args and isinstance(cause.args[-1], BaseException):
        cause = cause.args[-1]
    return redact(str(cause)).split("Caused by ")[-1].rstrip(".)'\"")[:200]
