"""What goes over the wire besides a GET: methods and bodies, where redirects take them, and whom TLS trusts."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from levada.edges import Call, WireFault
from levada.errors import FixThis
from signing import apart, ask
from webserver import Said, WebServer

JSON = (("Content-Type", "application/json"), ("Content-Language", "pt"), ("X-Kept", "1"))
BODY = b'{"page": 1}'


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    apart(monkeypatch)


def post(url, **parts):
    return ask(Call("POST", url, **({"headers": JSON, "body": BODY} | parts)))


@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
def test_method_body_and_type_arrive_as_they_are(method):
    with WebServer(lambda _: {}) as server:
        ask(Call(method, f"{server.url}/a", headers=JSON, body=BODY))
    (seen,) = server.seen
    assert (seen.method, seen.body, seen.headers["content-type"]) == (method, BODY, "application/json")
    assert seen.headers["content-length"] == str(len(BODY))


def test_nothing_is_said_of_a_type_that_the_call_does_not_name():
    with WebServer(lambda _: {}) as server:
        post(f"{server.url}/a", headers=())
        post(f"{server.url}/a", headers=(), body=None)
        post(f"{server.url}/a", body=b"x" * (2 << 20))  # larger than aiohttp takes without a warning
    assert [len(seen.body) for seen in server.seen] == [len(BODY), 0, 2 << 20]
    assert ["content-type" in seen.headers for seen in server.seen] == [False, False, True]


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (302, "PUT", "PUT"),
        (301, "GET", "GET"),
    ],
)
def test_a_redirect_keeps_or_turns_the_method_as_its_status_says(status, method, then):
    with WebServer(lambda asked: {} if asked.path == "/b" else Said(None, status, (("Location", "/b"),))) as server:
        assert ask(Call(method, f"{server.url}/a", headers=JSON, body=BODY)).url == f"{server.url}/b"
    second = server.seen[1]
    kept = then == method
    assert (second.method, second.body) == (then, BODY if kept else b"")
    assert {"content-type", "content-language"} & set(second.headers) == (
        {"content-type", "content-language"} if kept else set()
    )
    assert second.headers["x-kept"] == "1"


def test_a_post_may_be_answered_by_a_get_of_the_same_place():
    with WebServer(lambda asked: {} if asked.method == "GET" else Said(None, 303, (("Location", "/a"),))) as server:
        assert post(f"{server.url}/a").status == 200
    assert [seen.method for seen in server.seen] == ["POST", "GET"]


def test_a_post_in_a_circle_is_told():
    with WebServer(lambda _: Said(None, 307, (("Location", "/a?token=hidden"),))) as server:
        with pytest.raises(WireFault, match=r"redirects: .*/a\?token=\[secret\] is redirected to itself"):
            post(f"{server.url}/a")
        assert len(server.seen) == 2


@pytest.mark.parametrize("status", [307, 308])
def test_a_body_is_not_sent_to_another_origin(status):
    with WebServer(lambda _: {}) as other:
        located = Said(None, status, (("Location", f"{other.url}/b?api_key=hidden"),))
        with WebServer(lambda _: located) as server, pytest.raises(WireFault) as told:
            post(f"{server.url}/a")
        assert other.seen == []
    assert told.value.kind == "redirects"
    assert told.value.text == f"a POST with a body to another origin, {other.url}/b?api_key=[secret], is not sent on"


def test_what_becomes_a_get_may_go_to_another_origin():
    with WebServer(lambda _: {}) as other:
        with WebServer(lambda _: Said(None, 303, (("Location", f"{other.url}/b"),))) as server:
            assert post(f"{server.url}/a").url == f"{other.url}/b"
        assert (other.seen[0].method, other.seen[0].body) == ("GET", b"")


def test_a_repr_shows_no_body():
    with WebServer(lambda _: {"token": "hidden"}) as server:
        call = Call("POST", server.url, body=b"hidden")
        assert "hidden" not in f"{call!r} {ask(call)!r}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A PEM file with a key and a certificate that nobody vouches for, and one with the certificate alone."""
    folder = tmp_path_factory.mktemp("tls")
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    own = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "both.pem").write_bytes(own + made)
    (folder / "trusted.pem").write_bytes(made)
    return folder


@pytest.fixture
def https(certificate):
    """The URL of a server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "both.pem")
    server = WebServer(lambda _: {})
    server._http.socket = context.wrap_socket(server._http.socket, server_side=True)  # noqa: SLF001 - plain elsewhere
    with server:
        yield server.url.replace("http://", "https://")


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_certificates_that_the_environment_names_are_trusted(certificate, https, monkeypatch, name):
    with pytest.raises(WireFault) as told:
        ask(Call("GET", https))
    assert told.value.kind == "tls"
    monkeypatch.setenv(name, str(certificate / "trusted.pem"))
    assert ask(Call("GET", https)).status == 200


def test_the_bundle_counts_before_the_file(certificate, https, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate / "trusted.pem"))
    assert ask(Call("GET", https)).status == 200


def test_a_folder_of_certificates_is_none_of_the_machine_s(certificate, https, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with pytest.raises(WireFault, match="tls"):
        ask(Call("GET", https))


@pytest.mark.parametrize(("file", "why"), [("absent.pem", "No such file or directory"), ("text.pem", "no certificate")])
def test_a_file_without_certificates_is_told(https, tmp_path, monkeypatch, file, why):
    (tmp_path / "text.pem").write_text("hello")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / file))
    with pytest.raises(FixThis) as told:
        ask(Call("GET", https))
    assert f"REQUESTS_CA_BUNDLE names no certificates: {tmp_path / file}" in told.value.what
    assert why in told.value.what.lower() or why in told.value.what
    assert "PEM" in told.value.todo


def test_certificates_are_not_read_for_plain_http(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    with WebServer(lambda _: Said([])) as server:
        assert ask(Call("GET", server.url)).status == 200
