"""What an object store answers when it does not do what it was asked to, sorted by what happens next. Pure.

The library tells in one text who was asked and what became of it: `Error performing GET https://host/bucket/key in 3ms
- Server returned non-2xx status code: 404 Not Found: <body>`. Names of buckets and keys stand in it, so each part is
only looked for in its own place.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from levada.errors import FixThis, LevadaError, TryLater
from levada.secret import redact

__all__ = ["Fault", "FaultKind", "explained", "fault_of"]

#: missing, exists, changed: answers that a store is for. busy, unreachable: worth another try. Others: for a person.
FaultKind = Literal[
    "missing", "exists", "changed", "busy", "unreachable", "no_bucket", "denied", "credentials", "region", "unable"
]
#: Characters of a line.
_LONGEST = 200
_CODE = re.compile(r"<Code>\s*(\w+)\s*</Code>")
_SAID = re.compile(r"<Message>\s*(.*?)\s*</Message>", re.DOTALL)
_REQUEST = re.compile(r"Error performing [A-Z]+ (\S+) in [^ ]+(?:, after [^-]*)? - (.*)", re.DOTALL)
_STATUS = re.compile(r"Server returned non-2xx status code: (\d{3})")
#: A redirect that does not say where to, which is what S3 answers for buckets of other regions.
_ELSEWHERE = "Received redirect without LOCATION"
_STORE = re.compile(r"Generic \w+ error: ")
#: How texts begin that tell of getting credentials, after the name of the store.
_CREDENTIALS = (
    "Error performing token request: ",
    "Error getting token response body: ",
    "Error reading federated token file",
    "Failed to read token file ",
    "Failed to read EKS token file ",
    "Invalid AssumeRoleWithWebIdentity response: ",
    "'az account get-access-token' command failed: ",
    "Failed to parse azure cli response: ",
)
#: Whom machines, containers and clusters of AWS ask for the keys of their role.
_METADATA = frozenset({"169.254.169.254", "169.254.170.2", "169.254.170.23", "[fd00:ec2::254]", "[fd00:ec2::23]"})
#: What the library says instead of a URL with a secret: of S3's it is only that of the service that gives tokens.
_HIDDEN = "REDACTED"
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
#: A server failed at it, or one before it did not wait for its answer. Other answers say that it was not begun.
_UNSETTLED = frozenset({500, 502, 504})
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

    def __init__(self, kind: FaultKind, text: str, *, settled: bool = False) -> None:
        super().__init__(kind, text)
        self.kind = kind
        self.text = text
        self._settled = settled

    def __str__(self) -> str:
        return self.text

    @property
    def passes(self) -> bool:
        """Whether the same request may do better a moment later."""
        return self.kind in {"busy", "unreachable"}

    @property
    def in_doubt(self) -> bool:
        """Whether the store may have done what was asked, or may do it yet."""
        return self.passes and not self._settled


@dataclass(frozen=True, slots=True)
class _Told:
    """A message of the library in parts."""

    #: Scheme, host and port of whom the request was for; "" where there was none, or the library hides it.
    asked: str
    #: What became of the request, or all of the message where there was none.
    said: str
    status: int
    code: str
    for_credentials: bool


def fault_of(name: str, text: str, asides: Collection[str] = ()) -> Fault:
    """The fault that the library's exception `name` with the message `text` is.

    Args:
        name: Of the exception's class.
        text: Its message.
        asides: Hosts, with their ports, that are asked for credentials and nothing else.
    """
    told = _parted(text.partition("\n\nDebug source")[0].strip(), asides)
    return Fault(_kind(name, told), _line(told), settled=bool(told.status) and told.status not in _UNSETTLED)


def _parted(text: str, asides: Collection[str]) -> _Told:
    bare = _STORE.sub("", text, count=1)
    request = _REQUEST.search(text)
    url, said = (request[1], request[2]) if request else ("", bare)
    host = "" if url in {"", _HIDDEN} else urlsplit(url).netloc.rpartition("@")[2]
    status = int(found[1]) if (found := _STATUS.match(said)) else 0
    code = found[1] if request and (found := _CODE.search(said)) else ""
    hidden = url == _HIDDEN and text.startswith("Generic S3 error: ")
    aside = hidden or bare.startswith(_CREDENTIALS) or host in {*_METADATA, *asides}
    return _Told(f"{urlsplit(url).scheme}://{host}" if host else "", said, status, code, aside)


def _kind(name: str, told: _Told) -> FaultKind:
    if told.for_credentials:
        return "busy" if told.status in _BUSY else "credentials"
    if kind := _BY_CODE.get(told.code) or _KINDS.get(name):
        return kind
    if told.status:
        return "busy" if told.status in _BUSY else _BY_STATUS.get(told.status, "unable")
    if told.said.startswith(_ELSEWHERE):
        return "region"
    return "unreachable" if told.said.startswith("HTTP error: error sending request") else "busy"


def _line(told: _Told) -> str:
    """One line: of a URL only whom it asks."""
    message = found[1] if told.code and (found := _SAID.search(told.said)) else ""
    if told.code:
        said = f"{told.code}: {message}" if message else told.code
    else:
        said = f"HTTP {told.status}" if told.status else told.said
    who = f", asking {told.asked}" if told.asked and (told.for_credentials or not told.status) else ""
    return " ".join(redact(said).split())[:_LONGEST] + who


def explained(fault: Fault, where: str, doing: str, *, in_doubt: bool = False) -> LevadaError:
    """What to tell a person of a `fault` that further tries did not mend.

    Args:
        fault: What the store said last.
        where: The URL of the key or the lake.
        doing: What was to be done, as in "to put": a verb without its object.
        in_doubt: Whether an earlier try may be done yet, whatever became of the last one.
    """
    said = fault.text
    if fault.passes:
        what = "cannot be reached" if fault.kind == "unreachable" else f"does not do what it was asked to, {doing},"
        todo = "see that the endpoint is right and the network lets you through; run again: the work done is kept"
        return TryLater(f"the object store {what} after several tries ({said})", where=where, todo=todo)
    what, todo = _ADVICE[fault.kind]
    if fault.kind == "credentials" and not where.startswith("s3:"):
        todo = "set the variables that say who asks (docs/stores.md), or log in anew"
    text = f"{what.format(doing=doing)} ({said})"
    if in_doubt:
        text = f"the object store did not answer a try {doing}, which may be done yet, and refused the next one: {text}"
        return TryLater(text, where=where, todo=f"{todo}; then run again: the work done is kept")
    return FixThis(text, where=where, todo=todo)


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
