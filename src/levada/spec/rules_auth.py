"""Rules between the keys of `auth`: one scheme, and what each needs. Pure."""

from collections.abc import Iterator

from levada.spec.engine import Given, Reading, Rule
from levada.spec.tree import Mistake

__all__ = ["AUTH_RULES", "JWT_RULES", "LOGIN_RULES", "OAUTH_RULES"]

_CARRIERS = ("header", "query", "cookie")
_SCHEMES = (*_CARRIERS, "bearer", "basic", "oauth2", "login", "jwt", "sigv4", "class")


def _one_of(given: Given, keys: tuple[str, ...], what: str) -> Iterator[Mistake]:
    """A mistake at each key after the first of several that exclude one another."""
    found = sorted((key for key in keys if key in given.places), key=lambda key: _order(given, key))
    for key in found[1:]:
        yield given.mistake(key, f"{found[0]} and {key} are two {what}", "keep one of them")


def _order(given: Given, key: str) -> tuple[int, int]:
    return given.places[key].line, given.places[key].column


def _scheme(given: Given, _: Reading) -> Iterator[Mistake]:
    given_schemes = [key for key in _SCHEMES if key in given.places]
    unknown = given.places.keys() - {*_SCHEMES, "key", "secrets"}  # told already
    if not given_schemes and not unknown:
        todo = f'write one of {", ".join(_SCHEMES)}: such as {{header: X-Key, key: "${{KEY}}"}}'
        what = "auth does not say what carries key" if "key" in given.places else "auth names no scheme"
        yield Mistake(given.place, what, todo)
    yield from _one_of(given, _SCHEMES, "schemes")
    carrier = next((key for key in _CARRIERS if key in given.places), None)
    if carrier and "key" not in given.places:
        yield Mistake(
            given.place, "auth lacks the key key", f'add key: "${{NAME}}", the variable that {carrier} carries'
        )
    if "key" in given.places and given_schemes and not carrier:
        yield given.mistake("key", f"key has no meaning with {given_schemes[0]}", "leave it out")
    if "secrets" in given.places and given_schemes and "class" not in given.places:
        yield given.mistake("secrets", f"secrets has no meaning with {given_schemes[0]}", "leave it out")


def _oauth(given: Given, _: Reading) -> Iterator[Mistake]:
    grant = given.get("grant")
    needs = {"client_credentials": ("client_id", "client_secret"), "refresh_token": ("refresh_token",)}.get(grant, ())
    for key in needs:
        if key not in given.places:
            yield Mistake(given.place, f"oauth2 lacks the key {key}", f'add {key}: "${{NAME}}": {grant} needs it')
    if grant == "client_credentials" and "refresh_token" in given.places:
        what = "refresh_token has no meaning with client_credentials"
        yield given.mistake("refresh_token", what, "leave it out, or write grant: refresh_token")
    if "client_in" in given.places and "client_id" not in given.places:
        yield given.mistake("client_in", "client_in has no meaning without client_id", "add client_id, or leave it out")


def _login(given: Given, _: Reading) -> Iterator[Mistake]:
    yield from _one_of(given, ("json", "form"), "bodies")
    yield from _one_of(given, ("token", "token_header"), "places of the token")
    yield from _one_of(given, _CARRIERS, "ways to send the token")
    if not {"token", "token_header"} & given.places.keys():
        todo = "add token: $.accessToken for the body, or token_header: NAME"
        yield Mistake(given.place, "login does not say where the token is", todo)
    if given.get("method") == "GET" and "form" in given.places:
        yield given.mistake("form", "a GET sends no form", "write method: POST")


def _login_path(given: Given, _: Reading) -> Iterator[Mistake]:
    path = given.values["path"]
    if not path.startswith(("/", "http://", "https://")):
        yield given.mistake("path", "the path does not begin with /", "write it as it follows the url, such as /login")


def _jwt(given: Given, _: Reading) -> Iterator[Mistake]:
    if "scopes" in given.places and "token_url" not in given.places:
        yield given.mistake("scopes", "scopes has no meaning without token_url", "add token_url, or leave it out")


AUTH_RULES = (Rule((), _scheme),)
OAUTH_RULES = (Rule(("grant",), _oauth),)
LOGIN_RULES = (Rule((), _login), Rule(("path",), _login_path))
JWT_RULES = (Rule((), _jwt),)
