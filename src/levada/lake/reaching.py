"""The way to an object store: its settings by the environment, and the store itself."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from levada.errors import FixThis
from levada.extras import require
from levada.lake.fault import Fault
from levada.lake.leases import LEASE
from levada.lake.location import Location, Scheme, location
from levada.lake.profiles import ASKED, Profile, keyless, lacking, profile_of
from levada.lake.store import Store
from levada.secret import remember, remember_url

__all__ = ["LEASE_VARIABLE", "reached", "settings"]

#: Seconds for which a lease is good without renewal, where the default of a minute does not fit.
LEASE_VARIABLE = "LEVADA_LEASE_SECONDS"
#: Variable -> what obstore calls it; of two for one setting the later one wins.
_VARIABLES: dict[Scheme, Mapping[str, str]] = {
    "s3": MappingProxyType(
        {
            "AWS_DEFAULT_REGION": "region",
            "AWS_REGION": "region",
            "AWS_ENDPOINT_URL": "endpoint",
            "AWS_ENDPOINT_URL_S3": "endpoint",
            "AWS_ENDPOINT_URL_STS": "aws_endpoint_url_sts",
            "AWS_ACCESS_KEY_ID": "access_key_id",
            "AWS_SECRET_ACCESS_KEY": "secret_access_key",
            "AWS_SESSION_TOKEN": "session_token",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "container_credentials_relative_uri",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "container_credentials_full_uri",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "container_authorization_token_file",
            "AWS_WEB_IDENTITY_TOKEN_FILE": "web_identity_token_file",
            "AWS_ROLE_ARN": "role_arn",
            "AWS_ROLE_SESSION_NAME": "role_session_name",
            "AWS_METADATA_ENDPOINT": "metadata_endpoint",
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "virtual_hosted_style_request",
            "AWS_SERVER_SIDE_ENCRYPTION": "server_side_encryption",
            "AWS_SSE_KMS_KEY_ID": "sse_kms_key_id",
            "AWS_REQUEST_PAYER": "request_payer",
            "AWS_CHECKSUM_ALGORITHM": "checksum_algorithm",
        }
    ),
    "gs": MappingProxyType(
        {
            "GOOGLE_APPLICATION_CREDENTIALS": "application_credentials",
            "GOOGLE_SERVICE_ACCOUNT": "service_account",
            "GOOGLE_SERVICE_ACCOUNT_KEY": "service_account_key",
            "GOOGLE_BEARER_TOKEN": "bearer_token",
            "GOOGLE_BASE_URL": "base_url",
        }
    ),
    "az": MappingProxyType(
        {
            "AZURE_STORAGE_ACCOUNT_NAME": "account_name",
            "AZURE_STORAGE_ACCESS_KEY": "account_key",
            "AZURE_STORAGE_ACCOUNT_KEY": "account_key",
            "AZURE_STORAGE_SAS_TOKEN": "sas_key",
            "AZURE_STORAGE_TOKEN": "token",
            "AZURE_STORAGE_ENDPOINT": "endpoint",
            "AZURE_CLIENT_ID": "client_id",
            "AZURE_CLIENT_SECRET": "client_secret",
            "AZURE_TENANT_ID": "tenant_id",
            "AZURE_FEDERATED_TOKEN_FILE": "federated_token_file",
            "AZURE_USE_AZURE_CLI": "use_azure_cli",
            "AZURE_STORAGE_USE_EMULATOR": "use_emulator",
        }
    ),
}
#: Settings that are URLs.
_URLS = frozenset(
    {
        "endpoint",
        "base_url",
        "aws_endpoint_url_sts",
        "metadata_endpoint",
        "container_credentials_full_uri",
    }
)
_SECRET = (
    "secret_access_key",
    "session_token",
    "service_account_key",
    "bearer_token",
    "account_key",
    "sas_key",
    "token",
    "client_secret",
)
#: The server compares what it got with the SHA-256 that was sent; a deletion is a request of its own, which all know.
_ALWAYS: dict[Scheme, Mapping[str, str]] = {
    "s3": MappingProxyType({"checksum_algorithm": "SHA256", "disable_bulk_delete": "true"}),
    "gs": MappingProxyType({}),
    "az": MappingProxyType({}),
}


def reached(lake: str, environment: Mapping[str, str]) -> Store:
    """The store at a URL; nothing is asked of it yet.

    Raises:
        FixThis: the URL, or what the variables say, is wrong; the library for object stores is not installed.
    """
    place = location(lake)
    require("stores", "Lakes on object stores", ("obstore",))
    from levada.lake.objects import objects, profile_keys
    from levada.lake.remote import RemoteStore

    lease = _lease(environment)
    profile = profile_of(environment) if place.scheme == "s3" else None
    provider = None
    if profile is not None and not profile.has_keys:
        require("stores", "Profiles that log in or take a role", ("boto3",))
        provider = profile_keys(profile.name)
    known = {**profile.variables, **environment} if profile else environment
    unable = _unable(place, environment, profile)
    # The library refuses half of a pair of keys in other words, wherever it finds it.
    instead = {"access_key_id": "none", "secret_access_key": "none"} if unable else {}
    try:
        asking = objects(place, {**settings(place.scheme, known), **instead}, provider)
    except Fault as fault:
        todo = "see docs/stores.md for the variables that say where a store is and who asks"
        raise FixThis(f"the settings of the object store are wrong ({fault})", where=str(place), todo=todo) from None
    return RemoteStore(asking, lease=lease, unable=unable)


def _unable(place: Location, environment: Mapping[str, str], profile: Profile | None) -> FixThis | None:
    """What is to be said to whoever asks the store for something: nobody can ask without credentials."""
    missing = lacking(environment) if place.scheme == "s3" and not profile else ()
    # Where neither is set, the machine may have a role.
    alone = missing != ASKED or environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
    return keyless(missing, str(place)) if missing and alone else None


def settings(scheme: Scheme, environment: Mapping[str, str]) -> dict[str, str]:
    """What the variables say, as obstore names it; secrets are known to `redact` from now on.

    Raises:
        FixThis: what is to be a URL is none, or holds a user or password.
    """
    said = {name: value for name in _VARIABLES[scheme] if (value := environment.get(name))}
    found = {setting: said[name] for name, setting in _VARIABLES[scheme].items() if name in said}
    for name, value in said.items():
        if _VARIABLES[scheme][name] in _URLS:
            _refuse_odd(name, value)
    for name in _SECRET:
        if name in found:
            remember(found[name])
    return {**_ALWAYS[scheme], **found}


def _refuse_odd(variable: str, url: str) -> None:
    """Refuse what the library would stumble over, or send and tell; nothing of it is told."""
    remember_url(url)
    todo = "write it like https://host or http://127.0.0.1:8333"
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole or not url.isascii() or not url.isprintable() or " " in url:
        raise FixThis(f"{variable} is no URL of a server", where=variable, todo=todo)
    if parts.username is not None:
        what = f"a user or password in {variable} is a secret in the open"
        raise FixThis(what, where=variable, todo=f"{todo}; docs/stores.md has the variables that say who asks")


def _lease(environment: Mapping[str, str]) -> float:
    said = environment.get(LEASE_VARIABLE)
    try:
        seconds = float(said) if said else LEASE
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:  # noqa: PLR2004 - an hour: whoever dies blocks the partition for so long
        todo = "write seconds between 1 and 3600, or leave it out: 60"
        raise FixThis(f"{said!r} is no time for a lease", where=LEASE_VARIABLE, todo=todo)
    return seconds
