"""What an object store answers when it does not do what it was asked to, sorted by what happens next. Pure."""

import re
from typing import Literal

from levada.errors import FixThis, LevadaError, TryLater

__all__ = ["Fault", "FaultKind", "explained", "fault_of"]

#: missing, exists, changed: answers that a store is for. busy, unreachable: worth another try. Others: for a person.
FaultKind = Literal[
    "missing", "exists", "changed", "busy", "unreachable", "no_bucket", "denied", "credentials", "region", "unable"
]
_CODE = re.compile(r"<Code>\s*(\w+)\s*</Code>")
_SAID = re.compile(r"<Message>\s*(.*?)\s*</Message>", re.DOTALL)
_STATUS = re.compile(r"status code: (\d{3})")
#: What the store's own codes mean, where the library's exception says less.
_CODES: dict[FaultKind, str] = {
    "no_bucket": "NoSuchBucket ContainerNotFound InvalidBucketName",
    "credentials": "SignatureDoesNotMatch InvalidAccessKeyId ExpiredToken ExpiredTokenException InvalidToken "
    "TokenRefreshRequired RequestTimeTooSkewed AuthenticationFailed InvalidSecurity",
    "region": "AuthorizationHeaderMalformed PermanentRedirect IllegalLocationConstraintException",
    # The first two: of two conditional writes at once, neither was taken for certain.
    "busy": "ConditionalRequestConflict OperationAborted SlowDown RequestTimeout InternalError ServiceUnavailable",
}
_BY_CODE = {code: kind for kind, codes in _CODES.items() for code in codes.split()}
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_BY_STATUS: dict[int, FaultKind] = {301: "region", 307: "region", 401: "denied", 403: "denied"}
#: Names of the library's exceptions, which this module does not know otherwise.
_KINDS: dict[str, FaultKind] = {
    "AlreadyExistsError": "exists",
    "PreconditionError": "changed",
    "NotModifiedError": "changed",
    "FileNotFoundError": "missing",
    "NotFoundError": "missing",
    "PermissionDeniedError": "denied",
    "UnauthenticatedError": "credentials",
    "NotSupportedError": "unable",
}


class Fault(Exception):
    """The store did not do it; `text` is one line of what it said."""

    def __init__(self, kind: FaultKind, text: str) -> None:
        super().__init__(kind, text)
        self.kind = kind
        self.text = text

    def __str__(self) -> str:
        return self.text

    @property
    def passes(self) -> bool:
        """Whether the same request may do better a moment later."""
        return self.kind in {"busy", "unreachable"}


def fault_of(name: str, text: str) -> Fault:
    """The fault that the library's exception `name` with the message `text` is."""
    head = text.partition("\n\nDebug source")[0].strip()
    code = found[1] if (found := _CODE.search(head)) else ""
    status = int(found[1]) if (found := _STATUS.search(head)) else 0
    return Fault(_kind(name, code, status, head), _line(code, status, head))


def _kind(name: str, code: str, status: int, text: str) -> FaultKind:
    if kind := _BY_CODE.get(code) or _KINDS.get(name):
        return kind
    if status in _BUSY:
        return "busy"
    return _BY_STATUS.get(status, "unable") if status else _without_answer(text)


def _without_answer(text: str) -> FaultKind:
    if "169.254." in text or "credential" in text.lower() or "metadata" in text.lower():
        return "credentials"
    return "unreachable" if "error sending request" in text else "busy"


def _line(code: str, status: int, text: str) -> str:
    said = found[1] if (found := _SAID.search(text)) else ""
    if code:
        return f"{code}: {said}" if said else code
    if status:
        return f"HTTP {status}"
    return " ".join(text.split())[-200:]


def explained(fault: Fault, where: str, doing: str) -> LevadaError:
    """What to tell a person of a `fault` that further tries did not mend.

    Args:
        fault: What the store said.
        where: The URL of the key or the lake.
        doing: What was to be done, as in "to put": a verb without its object.
    """
    said = fault.text
    if fault.passes:
        what = "cannot be reached" if fault.kind == "unreachable" else f"does not do what it was asked to, {doing},"
        todo = "see that the endpoint is right and the network lets you through; run again: the work done is kept"
        return TryLater(f"the object store {what} after several tries ({said})", where=where, todo=todo)
    what, todo = _ADVICE[fault.kind]
    return FixThis(f"{what.format(doing=doing)} ({said})", where=where, todo=todo)


_ADVICE: dict[FaultKind, tuple[str, str]] = {
    "no_bucket": (
        "there is no such bucket",
        "check its name and region; `levada doctor SPEC --create-bucket` makes it",
    ),
    "denied": (
        "the object store does not allow {doing}",
        "let this identity list the bucket and get, put and delete objects in it; `levada doctor SPEC` checks each",
    ),
    "credentials": (
        "the object store does not take these credentials",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), AWS_PROFILE, or log in anew",
    ),
    "region": ("the bucket lies in another region", "set AWS_REGION to the bucket's own region"),
    "unable": (
        "the object store cannot do what a lake needs: {doing}",
        "use a store with conditional puts (docs/stores.md), or a folder",
    ),
    "missing": ("what is needed is not there", "run again"),
    "exists": ("what is to be made is there already", "run again"),
    "changed": ("what is to be replaced was changed", "run again"),
}
