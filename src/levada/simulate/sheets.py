"""Google Sheets, simulated: the REST calls of version 4 that gspread 6.2.1 makes, and the log-in of a service account.

There is no account here to ask the real service with: what is faithful is so by the API's public reference and by the
source of gspread and google-auth; what is guessed says so in the module that does it. Guessed here: that a 429 comes
without Retry-After, the order of the checks (token, quota, spreadsheet, sharing), and the page for people. Spreadsheets
live as long as the process, and only the few that `make_app` was given are there.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from levada.edges import Clock, SystemClock
from levada.errors import FixThis
from levada.extras import require as require_extra
from levada.simulate import require
from levada.simulate.tmdb_quota import Quota

if TYPE_CHECKING:
    from fastapi import FastAPI

    from levada.simulate.sheets_drawer import Drawer

__all__ = ["PRIVATE", "READ_ONLY", "SPREADSHEET", "drawer", "keep_credentials", "make_app"]

#: The ids of the spreadsheets that are there: shared with the account, shared to be read, not shared.
SPREADSHEET: Final = "levada-sheet"
READ_ONLY: Final = "levada-read-only"
PRIVATE: Final = "levada-private"
_MINUTE: Final = 60.0


def drawer(
    *, quota: int | None = None, lives: float = 3600, clock: Clock | None = None, title: str = "Levada demo"
) -> "Drawer":
    """An account, and the three spreadsheets that are always there, all of them empty.

    Args:
        quota: How many reads and how many writes a minute has room for; None: any number.
        lives: Seconds for which a token is good.
        clock: Whose seconds count; this machine's when None.
        title: What the spreadsheet is called.

    Raises:
        FixThis: `quota` is below 1, or a library is missing.
    """
    require()
    require_extra("sheets", "The simulated Google Sheets", ("cryptography",))
    from levada.simulate.sheets_account import Account
    from levada.simulate.sheets_book import Book
    from levada.simulate.sheets_drawer import Drawer

    if quota is not None and quota < 1:
        raise FixThis(f"quota is {quota}.", where="the simulated Google Sheets", todo="give a number from 1")
    books = [
        Book(SPREADSHEET, title),
        Book(READ_ONLY, "Only to be read", "reader"),
        Book(PRIVATE, "Not shared", None),
    ]
    quotas = {} if quota is None else {kind: Quota(quota, _MINUTE) for kind in ("Read", "Write")}
    return Drawer(Account(lives), clock or SystemClock(), {book.id: book for book in books}, quotas)


def make_app(within: "Drawer") -> "FastAPI":
    """The simulated Google Sheets, with the log and the faults of `faults.Faults`.

    Args:
        within: The account and the spreadsheets, as `drawer` makes them; its credentials file holds
            `within.account.credentials(url)`, which is known once the server listens.
    """
    from levada.simulate.sheets_app import app

    return app(within)


def keep_credentials(within: "Drawer", url: str, file: Path) -> None:
    """Write the credentials file of the account, with `token_uri` at `url`; only its owner may read it.

    Raises:
        FixThis: the file holds something else than an older one of its kind, or cannot be written.
    """
    # Whoever listens on every address of this machine is reached at its own; secrets go nowhere else without https.
    here = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    told = within.account.credentials(here)
    try:
        if file.exists() and _email(file) != told["client_email"]:
            todo = "choose another file with --credentials: this one may hold the key of a real account"
            raise FixThis("The file is there already, and is not of the simulated account.", where=str(file), todo=todo)
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text(json.dumps(told, indent=2) + "\n")
    except OSError as error:
        todo = "choose another file with --credentials"
        raise FixThis(f"The credentials cannot be written: {error.strerror}.", where=str(file), todo=todo) from None


def _email(file: Path) -> object:
    try:
        told = json.loads(file.read_text())
    except ValueError:
        return None
    return told.get("client_email") if isinstance(told, dict) else None
