"""What to do about a refused key, for each way of authentication: names of variables, never their values. Pure."""

from levada.edges import Answer
from levada.source.auth.names import variables
from levada.source.budget import told
from levada.spec.auth import ApiKey, Auth, AuthClass, Basic, Bearer, Jwt, Login, OAuth2, SigV4
from levada.spec.model import Source

__all__ = ["advice"]

_FORBIDDEN = 403
_KEY = "the key may be wrong, expired, or not meant for this."
_WHY: dict[type[Auth], str] = {
    ApiKey: _KEY,
    Bearer: "the token may be wrong, expired, or not meant for this.",
    Basic: "the user or the password may be wrong, or the user may not read this.",
    OAuth2: "a token was given for them, but the API refuses it; the client may lack a scope.",
    Login: "the log-in went well, but the API refuses its token; look at how `login` says it is sent.",
    Jwt: "the key, a claim or the algorithm of `jwt` may not be what the API knows, or this machine's clock is wrong.",
    SigV4: "the keys may be wrong or expired, the region or the service another, or this machine's clock wrong.",
    AuthClass: _KEY,
}


def advice(source: Source, answer: Answer, used: str = "") -> str:
    """What a person does about `answer`, which refuses the key (from the variable `used`) or the lack of one."""
    if answer.status == _FORBIDDEN and _used_up(source, answer):
        return (
            "Nothing is left of the API's budget for now. If that is what the answer means, add a rule to `responses`, "
            "such as `- {status: 403, text: ..., means: wait}`."
        )
    auth = source.auth
    if auth is None:
        return f"The API wants a key: add `auth` to `source` ({source.place})."
    by = f"`{auth.name}`" if isinstance(auth, AuthClass) else f"`auth` ({auth.place})"
    names = variables(auth)
    chosen = f" (used: {used})" if used and used != names and used in names else ""
    return f"Check {names or by}{chosen}: {_WHY[type(auth)]}"


def _used_up(source: Source, answer: Answer) -> bool:
    named = [source.limits.budget] if source.limits.budget else []
    return any(left.remaining == 0 for left in told(answer.headers, named))
