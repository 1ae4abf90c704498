"""What every way of authentication is to the reader: ready, sign, refused. Called on the reader's thread only."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from levada.edges import Answer, Call

__all__ = ["Ask", "Signer"]

#: Sends a call of the signer's own (log-in, token) by the run's network, limits and retries; raises LevadaError.
#: Its answer is never written down. The second argument says whether asking twice does no harm.
Ask = Callable[[Call, bool], Answer]


class Signer(Protocol):
    """Adds credentials to calls; holds what it has to keep for them."""

    def ready(self, ask: Ask, now: datetime) -> None:
        """Fetch or refresh what signing needs, if it is missing or about to expire; does nothing otherwise.

        Raises:
            LevadaError: it cannot be had; says what to do and shows nothing of a secret.
        """
        ...

    def sign(self, call: Call, now: datetime) -> Call:
        """`call` with credentials for its `origin`; pure but for what `ready` has fetched."""
        ...

    def refused(self, call: Call | None = None) -> bool:
        """An answer was a 401, or a `responses` rule says `refresh_auth`: whether `ready` can now get something new.

        Args:
            call: The signed call that was refused. Where several are under way it tells whether they were signed with
                what has been replaced meanwhile, so that the first refusal of many is the only one that refreshes.
        """
        ...
