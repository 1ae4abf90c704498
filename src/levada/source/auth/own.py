"""Authentication by the user's own code: a class that `auth: {class: "module:name"}` names.

It is made with the secrets of the spec by name, as `Secret` objects, and offers `sign(call, now)`, which returns the
call with what it adds; or it is a function's like, called with the call alone. `ready(ask, now)` and `refused()` are
its to offer or not, see source/auth/signer.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from traceback import extract_tb
from typing import Any
from urllib.parse import unquote_plus

from levada.edges import Call, Credential
from levada.errors import FixThis, LevadaError
from levada.secret import Secret, redact
from levada.source.auth.signer import Ask
from levada.source.origin import origin
from levada.source.own import named
from levada.spec.auth import AuthClass
from levada.spec.bind import secret

__all__ = ["OwnSigner", "own"]


def own(auth: AuthClass, environment: Mapping[str, str], folder: Path) -> "OwnSigner":
    """A signer of the user's class.

    Args:
        auth: Its name, and its secrets.
        environment: Where they are.
        folder: The spec's: modules beside it are found.

    Raises:
        FixThis: it cannot be imported or made, or offers no way to sign; a secret is not set.
    """
    made = named(auth.name, folder, auth.place)
    given = {name: secret(ref, environment) for name, ref in auth.secrets}
    if not callable(made):
        raise FixThis(f"{auth.name} is no class.", where=str(auth.place), todo="Name a class, or a function.")
    theirs = _told(auth, "cannot be made", lambda: made(**given))
    if not callable(getattr(theirs, "sign", None)) and not callable(theirs):
        what = f"{auth.name} lacks sign(call, now)."
        raise FixThis(what, where=str(auth.place), todo="Give it a method that returns the call with credentials.")
    return OwnSigner(auth, theirs)


class OwnSigner:
    """A Signer around the user's object; what it adds goes to the call's own origin only."""

    def __init__(self, auth: AuthClass, theirs: Any) -> None:
        self._auth = auth
        self._theirs = theirs

    def ready(self, ask: Ask, now: datetime) -> None:
        """Whatever the object does to be ready, if it offers that."""
        act = getattr(self._theirs, "ready", None)
        if callable(act):
            _told(self._auth, "cannot be ready", lambda: act(ask, now))

    def sign(self, call: Call, now: datetime) -> Call:
        """`call` as the object signs it, the headers and parameters that it adds made credentials."""
        if origin(call.url) != call.origin:
            return call
        act = getattr(self._theirs, "sign", None)
        signed = _told(self._auth, "cannot sign", lambda: act(call, now) if callable(act) else self._theirs(call))
        if not isinstance(signed, Call):
            what = f"{self._auth.name} signs with {type(signed).__name__} instead of a Call."
            todo = "Return the call that it was given, changed: dataclasses.replace(call, credentials=...)."
            raise FixThis(what, where=str(self._auth.place), todo=todo)
        return _kept_home(call, signed)

    def refused(self, call: Call | None = None) -> bool:  # noqa: ARG002 - the protocol's
        """Whether the object can get something new, if it offers that."""
        act = getattr(self._theirs, "refused", None)
        return bool(_told(self._auth, "cannot tell", act)) if callable(act) else False


def _told(auth: AuthClass, cannot: str, act: Callable[[], Any]) -> Any:
    """What the user's code gives; what it raises, told with its name."""
    try:
        return act()
    except LevadaError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the user's code that has it
        last = extract_tb(error.__traceback__)[-1]
        spot = f"{Path(last.filename).name}, line {last.lineno}"
        what = redact(f"{auth.name} {cannot}: {type(error).__name__}: {error} ({spot}).")
    # Outside of the handler: the error's own text may hold a secret.
    raise FixThis(what, where=str(auth.place), todo="Mend the class, or what `secrets` gives it.")


def _kept_home(call: Call, signed: Call) -> Call:
    """`signed`, its new headers and parameters as credentials: those are for the call's origin alone."""
    added = [pair for pair in signed.headers if pair not in call.headers]
    kept = tuple(pair for pair in signed.headers if pair in call.headers)
    carried = [Credential("header", name, Secret(name, value, "lately")) for name, value in added]
    url = signed.url
    joint = "&" if "?" in call.url else "?"
    if url.startswith(f"{call.url}{joint}"):
        for pair in url[len(call.url) + 1 :].split("&"):
            name, _, value = pair.partition("=")
            carried.append(Credential("query", unquote_plus(name), Secret(name, unquote_plus(value), "lately")))
        url = call.url
    return replace(signed, url=url, headers=kept, origin=call.origin, credentials=(*signed.credentials, *carried))
