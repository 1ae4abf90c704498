"""What the simulated Google Sheets has: an account, spreadsheets, a quota. It says who may have which of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from levada.edges import Clock
from levada.simulate.sheets_account import Account
from levada.simulate.sheets_book import Book
from levada.simulate.sheets_refusal import forbidden, not_found, too_many, unauthenticated
from levada.simulate.tmdb_quota import Quota

__all__ = ["Drawer"]


@dataclass
class Drawer:
    """The account, its spreadsheets, and how many requests a minute has room for. It lives in one event loop."""

    account: Account
    clock: Clock
    books: dict[str, Book] = field(default_factory=dict)
    quotas: Mapping[str, Quota] = field(default_factory=dict)

    def opened(self, name: str, authorization: str, *, writes: bool) -> Book:
        """The spreadsheet `name`, for a request with this header Authorization, if it may have it.

        Raises:
            Refused: it may not.
        """
        if not self.account.knows(authorization, self.clock.now().timestamp()):
            raise unauthenticated()
        kind = "Write" if writes else "Read"
        if kind in self.quotas and self.quotas[kind].take(self.clock.monotonic()):
            raise too_many(kind)
        book = self.books.get(name)
        if book is None:
            raise not_found()
        if book.role is None or (writes and book.role == "reader"):
            raise forbidden()
        return book
