"""How the API is told who asks, in words: the names of variables, never a value. Pure."""

from levada.spec.auth import ApiKey, Auth, Basic, Bearer, Jwt, Login, OAuth2, SecretRef, SigV4
from levada.spec.words_units import listed, span

__all__ = ["credential"]


def credential(auth: Auth) -> str:  # noqa: PLR0911 - one line a scheme
    """One sentence: what is sent, where, and from which variables."""
    match auth:
        case ApiKey():
            return f"{_place(auth.carrier, auth.name)}, from {_names(auth.key)}"
        case Bearer():
            return f"a bearer token, from {_names(auth.token)}"
        case Basic():
            return f"user and password, from {_names(auth.user, auth.password)}"
        case OAuth2():
            return _oauth2(auth)
        case Login():
            return _login(auth)
        case Jwt():
            return _jwt(auth)
        case SigV4():
            keys = _names(auth.access_key, auth.secret_key, auth.session_token)
            return f"an AWS signature for {auth.service} in {auth.region}, from {keys}"
    names = _names(*(ref for _, ref in auth.secrets))
    return f"by your own {auth.name}" + (f", from {names}" if names else "")


def _place(carrier: str, name: str) -> str:
    return f"the {'query parameter' if carrier == 'query' else carrier} {name}"


def _names(*refs: SecretRef | None) -> str:
    names = list(dict.fromkeys(" or ".join(ref.names) for ref in refs if ref))
    return listed(names) if names else ""


def _oauth2(auth: OAuth2) -> str:
    names = _names(auth.client_id, auth.client_secret, auth.refresh_token)
    scopes = f" for {listed(auth.scopes)}" if auth.scopes else ""
    given = f", given for {names}" if names else ""
    return f"an access token{scopes} from {auth.token_url} (OAuth 2, {auth.grant}){given}"


def _login(auth: Login) -> str:
    refs = [value for _, value in auth.send if isinstance(value, SecretRef)]
    basic = [auth.basic.user, auth.basic.password] if auth.basic else []
    names = _names(*refs, *basic)
    given = f", given for {names}" if names else ""
    life = f", good for {span(auth.lives)}" if auth.lives else ""
    return f"{_place(auth.carrier, auth.name)}, from the log-in {auth.method} {auth.path}{given}{life}"


def _jwt(auth: Jwt) -> str:
    signed = f"a token signed with {_names(auth.key)} ({auth.algorithm}), good for {span(auth.lives)}"
    return f"an access token from {auth.token_url}, given for {signed}" if auth.token_url else signed
