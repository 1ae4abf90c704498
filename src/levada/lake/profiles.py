"""Where the credentials for S3 come from: variables, a profile of the AWS tools, a role of the machine.

Keys that a profile holds are read here; what needs a log-in (SSO), another role or a process is left to boto3, where it
is installed. Files: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
"""

import configparser
import os
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from levada.errors import FixThis

__all__ = ["ASKED", "Profile", "keyless", "lacking", "profile_of", "role_of_machine"]

#: What a person is asked for who has nothing else.
ASKED = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_SESSION = "AWS_SESSION_TOKEN"
#: A key that is good for some hours, and only together with its session's token.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
_TEMPORARY = re.compile(r"ASIA[0-9A-Z]{12,}")
_ROLES = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_KEYS = {
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": _SESSION,
}
_METADATA = ("169.254.169.254", 80)
#: A machine of AWS answers within milliseconds; elsewhere nobody does.
_ROLE_SECONDS = 0.5
_PLACES = {"region": "AWS_REGION", "endpoint_url": "AWS_ENDPOINT_URL"}


@dataclass(frozen=True, slots=True)
class Profile:
    """What a profile says."""

    name: str
    #: As the variables would say it; holds secrets.
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def has_keys(self) -> bool:
        """Whether its keys are written down; else boto3 has to get some."""
        return all(name in self.variables for name in ASKED)


def profile_of(environment: Mapping[str, str]) -> Profile | None:
    """The profile to be used; None where variables hold keys or a role, or no profile is there.

    Raises:
        FixThis: AWS_PROFILE names one that no file has, or a file cannot be read.
    """
    if any(environment.get(name) for name in (ASKED[0], *_ROLES)):
        return None
    name = environment.get("AWS_PROFILE") or "default"
    keys = _section(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials", name)
    config: dict[str, str] = {}
    for title in (f"profile {name}", name):
        config = config or _section(environment, "AWS_CONFIG_FILE", "config", title)
    if not keys and not config:
        if environment.get("AWS_PROFILE"):
            raise FixThis(
                f"there is no profile {name}",
                where="AWS_PROFILE",
                todo="see `aws configure list-profiles`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            )
        return None
    said = {**config, **keys}
    found = {variable: said[key] for key, variable in (_KEYS | _PLACES).items() if said.get(key)}
    # A file that only says where buckets lie gives no right to them.
    return Profile(name, found) if {*said} - {*_PLACES, "output"} else None


def lacking(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The variables to ask a person for: none where something else may give the credentials.

    Raises:
        FixThis: as `profile_of` does.
    """
    if key := environment.get(ASKED[0]):
        needed = (*ASKED, _SESSION) if _TEMPORARY.fullmatch(key) else ASKED
        return tuple(name for name in needed if not environment.get(name))
    with_role = any(environment.get(name) for name in _ROLES)
    return () if with_role or profile_of(environment) else ASKED


def role_of_machine(environment: Mapping[str, str]) -> bool:
    """Whether somebody answers where machines of AWS ask for the keys of their role."""
    if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return False
    try:
        with socket.create_connection(_METADATA, timeout=_ROLE_SECONDS):
            return True
    except OSError:
        return False


def keyless(missing: Iterable[str], where: str) -> FixThis:
    """What is to be said to whoever asks a store for something without credentials; `missing` as `lacking` tells."""
    return FixThis(
        f"there are no credentials for the object store: {' and '.join(missing)} not set",
        where=where,
        todo="set them (and AWS_SESSION_TOKEN if they are temporary), or AWS_PROFILE; docs/stores.md has all ways",
    )


def _section(environment: Mapping[str, str], variable: str, name: str, title: str) -> dict[str, str]:
    home = environment.get("HOME") or environment.get("USERPROFILE") or ""
    path = Path(environment.get(variable) or os.path.join(home or "/nonexistent", ".aws", name))  # noqa: PTH118 - text
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, configparser.Error) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise FixThis(f"{path} cannot be read ({reason})", where=variable, todo="mend the file") from None
    return dict(parser.items(title)) if parser.has_section(title) else {}
