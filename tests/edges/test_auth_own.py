"""Own classes, found beside the spec; tokens signed with real keys."""

import sys
import traceback

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from levada.errors import FixThis, TryLater
from levada.secret import redact
from levada.spec.auth import AuthClass, Jwt
from mockapi import mock_api
from signing import PLACE, Client, apart, ref
from webserver import WebServer

ENVIRONMENT = {"KEY": "hidden-key-4711"}
MODULE = """
from dataclasses import replace
from neighbour import NAME
from levada.edges import Credential
from levada.errors import TryLater
from levada.secret import Secret

class Signer:
    def __init__(self, key):
        self.key = key
        self.now = None
    def ready(self, ask, now):
        self.now = now
    def sign(self, call, now):
        assert now == self.now
        carried = Credential("header", NAME, Secret("signed", self.key.value + "-signed"))
        return replace(call, credentials=(carried,))
    def refused(self):
        return True

class Plain:
    def __init__(self, key):
        self.key = key
    def __call__(self, call):
        joint = "&" if "?" in call.url else "?"
        headers = (*call.headers, ("X-Plain", self.key.value))
        return replace(call, headers=headers, url=f"{call.url}{joint}sig=a%26{self.key.value}&v=2")

class Nothing:
    def __init__(self, key): pass

class Wrong(Nothing):
    def sign(self, call, now): return call.url

class Raises:
    def __init__(self, key): self.key = key
    def sign(self, call, now): raise ValueError("with " + self.key.value)
    def ready(self, ask, now): pass

class Waits(Raises):
    def ready(self, ask, now): raise TryLater("The key server sleeps.")

NUMBER = 5
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    apart(monkeypatch)
    (tmp_path / "hooks.py").write_text(MODULE)
    (tmp_path / "neighbour.py").write_text('NAME = "X-Own"\n')
    (tmp_path / "broken.py").write_text("import no_such_library\n")
    (tmp_path / "bad.py").write_text("def f(:\n")
    yield
    sys.modules.pop("neighbour", None)
    assert str(tmp_path) not in sys.path


def client_of(url, name, tmp_path, **secrets):
    auth = AuthClass(name, PLACE, tuple(secrets.items()))
    return Client(url, auth, ENVIRONMENT, str(tmp_path / "api.yaml"))


def test_a_class_beside_the_spec_signs(tmp_path):
    with WebServer(lambda _: {}) as server:
        client = client_of(server.url, "hooks:Signer", tmp_path, key=ref("KEY"))
        client.send("/a")
        assert server.seen[0].headers["x-own"] == "hidden-key-4711-signed"
        assert client.signer.refused(client.sign("/a"))


def test_what_a_callable_adds_goes_to_its_own_origin_only_and_into_no_url(tmp_path):
    with WebServer(lambda _: {}) as other, WebServer(lambda _: {}) as server:
        client = client_of(server.url, "hooks:Plain", tmp_path, key=ref("KEY"))
        assert client.send("/a?b=1").url == f"{server.url}/a?b=1"
        client.send(f"{other.url}/a")
        assert server.seen[0].query == (("b", "1"), ("sig", "a&hidden-key-4711"), ("v", "2"))
        assert server.seen[0].headers["x-plain"] == "hidden-key-4711"
        assert other.seen[0].query == ()
        assert "x-plain" not in other.seen[0].headers
        assert not client.signer.refused()


def test_modules_of_one_name_in_two_folders_are_two(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "hooks.py").write_text(
        "class Signer:\n    def __init__(self): self.sign = lambda call, now: call\n"
    )
    client_of("http://host", "hooks:Signer", tmp_path, key=ref("KEY"))
    assert client_of("http://host", "hooks:Signer", tmp_path / "b").sign("/a").credentials == ()


@pytest.mark.parametrize(
    ("name", "what", "todo"),
    [
        ("hooks:Nothing", "hooks:Nothing lacks sign(call, now).", "Give it a method"),
        ("hooks:Missing", "hooks.py) has no Missing.", "Write Missing into it"),
        ("hooks:NUMBER", "hooks:NUMBER is no class.", "Name a class"),
        ("absent:Signer", "There is no module absent, neither beside the spec", "Write absent.py there"),
        ("broken:Signer", "cannot be imported: ModuleNotFoundError: No module named 'no_such_library'", "install what"),
        ("bad:Signer", "The module bad cannot be imported: SyntaxError", "Mend bad"),
        ("hooks", '"hooks" names no code', 'Write "module:name"'),
        ("hooks:Wrong", "hooks:Wrong signs with str instead of a Call.", "Return the call"),
        ("hooks:Raises", "hooks:Raises cannot sign: ValueError: with [secret] (hooks.py, line 37).", "Mend the class"),
    ],
)
def test_what_a_class_lacks_is_told_with_its_name(tmp_path, name, what, todo):
    with pytest.raises(FixThis) as told:
        client_of("http://host", name, tmp_path, key=ref("KEY")).sign("/a")
    assert what in told.value.what
    assert todo in told.value.todo
    assert told.value.where == "api.yaml:3:9"
    assert "hidden" not in "".join(traceback.format_exception(told.value))


def test_a_class_that_wants_other_secrets_is_told(tmp_path):
    with pytest.raises(FixThis, match=r"hooks:Signer cannot be made: TypeError: .*'kee'"):
        client_of("http://host", "hooks:Signer", tmp_path, kee=ref("KEY"))


def test_an_error_of_levada_passes(tmp_path):
    with pytest.raises(TryLater, match="The key server sleeps"):
        client_of("http://host", "hooks:Waits", tmp_path, key=ref("KEY")).sign("/a")


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def said(client, key, algorithm):
    """What the token says that a client sends, its signature checked."""
    sent = client.sign().credentials[0]
    assert (sent.name, sent.secret.value[:7]) == ("Authorization", "Bearer ")
    options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    return jwt.decode_complete(sent.secret.value[7:], key, algorithms=[algorithm], options=options)


@pytest.mark.parametrize("one_line", [False, True])
def test_a_token_is_signed_with_its_claims_and_moments(rsa_key, one_line):
    written = pem(rsa_key).strip().replace("\n", "\\n") if one_line else pem(rsa_key)
    auth = Jwt(ref("KEY"), "RS256", PLACE, claims=(("iss", "me"), ("deep", {"a": [1]})), header=(("kid", "k1"),))
    client = Client("http://host", auth, {"KEY": written})
    told = said(client, rsa_key.public_key(), "RS256")
    issued = int(client.clock.now().timestamp())
    jti = told["payload"].pop("jti")
    assert told["payload"] == {"iss": "me", "deep": {"a": [1]}, "iat": issued, "exp": issued + 300}
    assert told["header"] == {"alg": "RS256", "kid": "k1", "typ": "JWT"}
    client.clock.pause(269)
    assert said(client, rsa_key.public_key(), "RS256")["payload"]["jti"] == jti
    client.clock.pause(2)
    assert said(client, rsa_key.public_key(), "RS256")["payload"]["jti"] != jti
    line = pem(rsa_key).splitlines()[3]
    assert redact(f"<{line}>") == "<[secret]>"


def test_other_algorithms_sign_too():
    curve = ec.generate_private_key(ec.SECP256R1())
    client = Client("http://host", Jwt(ref("KEY"), "ES256", PLACE), {"KEY": pem(curve)})
    assert said(client, curve.public_key(), "ES256")
    shared = "a-shared-secret-of-32-characters"
    client = Client("http://host", Jwt(ref("KEY"), "HS256", PLACE), {"KEY": shared})
    assert said(client, shared, "HS256")


def test_a_shared_secret_of_any_length_signs_without_a_warning():
    client = Client("http://host", Jwt(ref("KEY"), "HS256", PLACE), {"KEY": "short-key"})
    token = client.sign("/a").credentials[0].secret.value  # a warning would be an error here
    assert token.startswith("Bearer ey")


def test_a_signed_token_is_traded_for_an_access_token(rsa_key):
    with mock_api() as api:
        auth = Jwt(
            ref("KEY"),
            "RS256",
            PLACE,
            claims=(("iss", "me"), ("aud", f"{api.url}/oauth/token")),
            token_url=f"{api.url}/oauth/token",
            scopes=("read", "list"),
        )
        client = Client(api.url, auth, {"KEY": pem(rsa_key)})
        assert [client.send("/protected/posts/bearer-token").status for _ in range(2)] == [200, 200]
        form = api.seen[0].form
        assert [asked.path for asked in api.seen].count("/oauth/token") == 1
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(
        form["assertion"],
        rsa_key.public_key(),
        ["RS256"],
        {"verify_exp": False, "verify_iat": False},
        audience=f"{api.url}/oauth/token",
    )
    assert (claims["scope"], claims["iss"]) == ("read list", "me")


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        ("hidden-key-4711", "RS256"),
        ("-----BEGIN PRIVATE KEY-----\nhiddenhiddenhidden\n-----END PRIVATE KEY-----", "RS256"),
        ("-----BEGIN PRIVATE KEY-----\nhiddenhiddenhidden\n-----END PRIVATE KEY-----", "HS256"),
        ("hidden-key-4711", "NO256"),
    ],
)
def test_a_key_that_cannot_sign_is_told_without_it(key, algorithm):
    client = Client("http://host", Jwt(ref("KEY"), algorithm, PLACE), {"KEY": key})
    with pytest.raises(FixThis) as told:
        client.sign()
    assert f"KEY is no key with which {algorithm} can sign" in told.value.what
    assert "hidden" not in str(told.value)
    assert told.value.__cause__ is None


@pytest.mark.parametrize(("environment", "what"), [({}, "KEY is not set"), ({"KEY": "a\nb"}, "holds a line break")])
def test_a_key_that_is_not_there_or_has_lines_without_being_pem_is_told(environment, what):
    with pytest.raises(FixThis, match=what):
        Client("http://host", Jwt(ref("KEY"), "HS256", PLACE), environment)


def test_the_extra_that_is_missing_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(FixThis) as told:
        Client("http://host", Jwt(ref("KEY"), "HS256", PLACE), {"KEY": "a"})
    assert "need jwt" in told.value.what
    assert told.value.todo == "pip install 'levada[jwt]'"
