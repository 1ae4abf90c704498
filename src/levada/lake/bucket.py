"""A bucket made where there is none: one signed request, which the library for object stores does not offer itself."""

import http.client
import re
import urllib.error
import urllib.request
from http import HTTPStatus

from levada.errors import FixThis, LevadaError, TryLater

__all__ = ["make_bucket"]

_TIMEOUT = 60
#: The region whose name S3 does not take as a place.
_FIRST = "us-east-1"
_BODY = (
    '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>"
)
_MINE = "BucketAlreadyOwnedByYou"


def make_bucket(url: str, region: str, bucket: str) -> bool:
    """Make a bucket; whether it is new.

    Args:
        url: Where to put, signed.
        region: Where the bucket shall lie; us-east-1 is said by saying nothing.
        bucket: Its name, for messages.

    Raises:
        FixThis: the name is somebody else's, or this identity may not.
        TryLater: there was no answer.
    """
    body = b"" if region == _FIRST else _BODY.format(region).encode()
    request = urllib.request.Request(url, data=body, method="PUT")  # noqa: S310 - the endpoint that was configured
    try:
        status, told = _answered(request)
    except (OSError, http.client.HTTPException) as error:
        # Some of these say the URL, which is signed.
        reason = getattr(error, "reason", None)
        what = f"the bucket could not be made ({reason if isinstance(reason, OSError) else type(error).__name__})"
        raise TryLater(what, where=bucket, todo="see that the endpoint is right; run again") from None
    if status and _MINE not in told:
        raise _refused(status, told, bucket)
    return not status


def _answered(request: urllib.request.Request) -> tuple[int, str]:
    """The status and the text of a refusal; 0 where there was none."""
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT):  # noqa: S310 - the endpoint that was configured
            return 0, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(errors="replace")


def _refused(status: int, told: str, bucket: str) -> LevadaError:
    code = found[1] if (found := re.search(r"<Code>(\w+)</Code>", told)) else f"HTTP {status}"
    if code == "BucketAlreadyExists":
        return FixThis(
            f"the name {bucket} is taken, by somebody else or in another region ({code})",
            where=bucket,
            todo="choose another name for the bucket: names are shared by all of S3",
        )
    what = f"the bucket could not be made ({code})"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TryLater(what, where=bucket, todo="run again in a while")
    return FixThis(
        what,
        where=bucket,
        todo="let this identity make buckets (s3:CreateBucket), set AWS_REGION, or have it made",
    )
