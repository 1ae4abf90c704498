"""A source -> the Signer that adds its credentials."""

from collections.abc import Mapping
from pathlib import Path

from levada.source.auth.fixed import Fixed, api_key, basic, bearer
from levada.source.auth.jwt import jwt
from levada.source.auth.login import login
from levada.source.auth.oauth2 import oauth2
from levada.source.auth.own import own
from levada.source.auth.signer import Signer
from levada.source.auth.sigv4 import sigv4
from levada.spec.auth import ApiKey, AuthClass, Basic, Bearer, Jwt, Login, OAuth2
from levada.spec.model import Source

__all__ = ["signer_for"]


def signer_for(source: Source, spec_file: str, environment: Mapping[str, str]) -> Signer:  # noqa: PLR0911 - one a scheme
    """What signs the calls of a source; it adds nothing where the source has no `auth`.

    Args:
        source: Whom it signs for.
        spec_file: The spec's file: own classes are looked for and rotated tokens kept beside it.
        environment: Where the secrets are.

    Raises:
        FixThis: a secret is not set or cannot be sent, a library or an own class is missing.
    """
    auth = source.auth
    folder = Path(spec_file).absolute().parent if spec_file else Path.cwd()
    match auth:
        case None:
            return Fixed()
        case ApiKey():
            return api_key(auth, environment)
        case Bearer():
            return bearer(auth, environment)
        case Basic():
            return basic(auth, environment)
        case OAuth2():
            return oauth2(auth, environment, folder, source.timeout)
        case Login():
            return login(auth, source, environment)
        case Jwt():
            return jwt(auth, environment, source.timeout)
        case AuthClass():
            return own(auth, environment, folder)
        case _:
            return sigv4(auth, environment)
